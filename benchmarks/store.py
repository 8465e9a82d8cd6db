"""The file of results: every measurement is in it as soon as it is made."""

from __future__ import annotations

import datetime
import functools
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.library import Library
from benchmarks.processes import ROOT
from benchmarks.tasks import Settings, Task
from penlight._core.files import read_json, write_json

__all__ = ["Store", "commit", "now"]


@functools.cache
def commit() -> str:
    """The commit of the checkout, with ``+`` if sources differ from it; "unknown" outside of git."""
    try:
        name = _git("rev-parse", "--short", "HEAD")
        changed = _git(
            "status", "--porcelain", "--untracked-files=no", "--", "src", "benchmarks/*.py"
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name}+" if changed else name


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Store:
    """Measurements by task and library, in a JSON file.

    Args:
        path: of the file; read if it exists.
        settings: how this run measures. A file of a run that measured otherwise is not continued.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        how = {"threads": settings.threads, "seconds": settings.seconds}
        self.data: dict[str, Any] = read_json(path) if path.exists() else {}
        if self.data.get("settings") != how:
            self.data = {"settings": how, "machine": {}, "tasks": {}}

    @property
    def tasks(self) -> dict[str, Any]:
        """What was measured, by the task's name, in the tasks' order."""
        tasks: dict[str, Any] = self.data["tasks"]
        return tasks

    def rounds(self, task: Task, library: str) -> list[dict[str, Any]]:
        """The measurements so far, oldest first."""
        rounds: dict[str, list[dict[str, Any]]] = self.tasks.get(task.name, {}).get("rounds", {})
        return rounds.get(library, [])

    def drop(self, tasks: list[Task]) -> None:
        """Forget what was measured of these tasks."""
        for task in tasks:
            self.tasks.pop(task.name, None)

    def drop_others(self, tasks: list[Task], settings: Settings) -> None:
        """Forget of these tasks what was measured from other sources or beside other libraries."""
        origin = _origin(settings)
        self.drop([t for t in tasks if self.tasks.get(t.name, {}).get("origin") != origin])

    def add(
        self, task: Task, settings: Settings, library: Library, measurement: dict[str, Any]
    ) -> None:
        """Keep a measurement, in the file too."""
        about = {
            "title": task.title,
            "group": task.group,
            "unit": task.unit,
            "tolerance": task.tolerance,
            "date": now(),
            "origin": _origin(settings),
        }
        entry = self.tasks.setdefault(task.name, {"rounds": {}})
        entry.update(about)
        entry["rounds"].setdefault(library.name, []).append(measurement)
        self.save()

    def save(self) -> None:
        """Write the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.path, self.data)


def now() -> str:
    """The present time, ISO 8601, with the time zone."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def _origin(settings: Settings) -> dict[str, Any]:
    """What must be the same for measurements to be rounds of one comparison."""
    return {"commit": commit(), "libraries": [library.name for library in settings.libraries]}
