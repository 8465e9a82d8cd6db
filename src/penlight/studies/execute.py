"""One cell, in whichever process: what it leaves in its folder says how it ended."""

from __future__ import annotations

import os
import platform
import time
import traceback
from pathlib import Path
from typing import Any

from penlight._core.files import read_json, write_json
from penlight.studies.tasks import TASKS, Report, config_of
from penlight.training import now

__all__ = ["DONE", "outcome_of", "run_cell", "write_outcome"]

DONE = ("finished", "diverged")  # ends that a resume does not repeat
_FILE = "cell.json"


def run_cell(
    task: str, settings: dict[str, Any], folder: Path, keep: str, report: Report
) -> dict[str, Any]:
    """Run a cell to its end, going on with what its folder holds.

    Returns:
        What ``cell.json`` says: ``status`` (``finished``, ``diverged`` or ``failed``), ``results``,
        ``error``, ``traceback``, and when, where and how long.

    Raises:
        Interrupted: if a signal asked it to stop; the folder can be resumed from.
    """
    began, started = time.perf_counter(), now()
    outcome: dict[str, Any] = {"status": "finished", "results": {}, "error": None}
    try:
        results = TASKS[task].run(config_of(task, settings), folder, report)
        diverged = results.pop("diverged", None)
        outcome["results"] = results
        if diverged is not None:
            outcome |= {"status": "diverged", "error": diverged}
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        outcome |= {"status": "failed", "error": text, "traceback": traceback.format_exc()}
    outcome |= {
        "wall_seconds": round(time.perf_counter() - began, 3),  # of the last process only
        "started": started,
        "ended": now(),
        "process": {"host": platform.node(), "pid": os.getpid()},
    }
    write_outcome(folder, outcome)
    if outcome["status"] in DONE:
        TASKS[task].finish(folder, keep)
    return outcome


def write_outcome(folder: Path, outcome: dict[str, Any]) -> None:
    """Write ``cell.json``, atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / _FILE, outcome)


def outcome_of(folder: Path) -> dict[str, Any] | None:
    """What a cell's ``cell.json`` says; None if it has not ended."""
    try:
        outcome = read_json(folder / _FILE)
    except (FileNotFoundError, ValueError):
        return None
    return outcome if isinstance(outcome, dict) and "status" in outcome else None
