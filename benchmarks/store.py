"""The file of results: every measurement is in it as soon as it is made."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT
from benchmarks.tasks import Settings, Task
from penlight._core.files import read_json, write_json

__all__ = ["Store", "commit"]


def commit() -> str:
    """The commit of the checkout, with ``+`` if files differ from it; "unknown" outside of git."""
    try:
        text = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return text


class Store:
    """Measurements by task and library, in a JSON file.

    Args:
        path: of the file; read if it exists.
        settings: how this run measures. Measurements made with other settings are dropped.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        how = {"threads": settings.threads, "seconds": settings.seconds}
        self.data: dict[str, Any] = read_json(path) if path.exists() else {}
        if self.data.get("settings") != how:
            self.data = {"settings": how, "machine": {}, "tasks": {}}

    @property
    def tasks(self) -> dict[str, Any]:
        tasks: dict[str, Any] = self.data["tasks"]
        return tasks

    def rounds(self, task: Task, library: str) -> list[dict[str, Any]]:
        """The measurements so far, oldest first."""
        entry = self.tasks.get(task.name, {})
        rounds: list[dict[str, Any]] = entry.get("rounds", {}).get(library, [])
        return rounds

    def forget(self, task: Task, libraries: list[str]) -> None:
        """Drop what was measured of these libraries."""
        for library in libraries:
            self.tasks.get(task.name, {}).get("rounds", {}).pop(library, None)

    def add(self, task: Task, library: str, measurement: dict[str, Any]) -> None:
        """Keep a measurement, in the file too."""
        entry = self.tasks.setdefault(task.name, {"rounds": {}})
        entry |= {"title": task.title, "group": task.group, "unit": task.unit}
        entry["tolerance"] = task.tolerance
        entry["date"] = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        entry["commit"] = commit()
        entry["rounds"].setdefault(library, []).append(measurement)
        self.save()

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.path, self.data)
