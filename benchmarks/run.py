"""Measure all workloads under all libraries, in turn, each time in a fresh process."""

from __future__ import annotations

import contextlib
import fnmatch
import tempfile
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.library import Library
from benchmarks.processes import run_json
from benchmarks.store import Store, commit, now
from benchmarks.tasks import TASKS, Settings, Task
from penlight.training import describe_environment

__all__ = ["choose", "describe_machine", "measure_all", "progress_bar"]


def choose(patterns: list[str]) -> list[Task]:
    """The tasks whose names match one of the patterns; all without patterns.

    Raises:
        ValueError: if a pattern matches none.
    """
    for pattern in patterns:
        if not fnmatch.filter(TASKS, pattern):
            raise ValueError(f"--only: no workload is called {pattern!r}; see --list")
    return [
        task for name, task in TASKS.items()
        if not patterns or any(fnmatch.fnmatch(name, p) for p in patterns)
    ]  # fmt: skip


def describe_machine(settings: Settings, seconds: float) -> dict[str, Any]:
    """Processor, versions, and what NumPy reaches on one and on all threads."""
    about = describe_environment()
    versions = {**about["versions"]}
    for library in settings.libraries:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[library.module] = metadata.version(library.module)
    rates = {
        key: run_json("benchmarks.machine", threads, seconds, threads=threads)
        for key, threads in (("one", 1), ("all", settings.threads))
    }
    return {
        **about["machine"],
        "threads": settings.threads,
        "versions": {"torch": "-", "penlight": "-", **versions},
        "commit": commit(),
        "date": now(),
        "roofline": rates,
    }


def measure_all(tasks: list[Task], settings: Settings, store: Store, console: Console) -> None:
    """Fill the store: round by round, in each every task, under each library in turn.

    What an interrupted run has measured of these sources is not measured again; tasks of which
    nothing is missing start anew.
    """
    store.drop_others(tasks, settings)
    if not _missing(tasks, settings, store):
        store.drop(tasks)
    left = _missing(tasks, settings, store)
    with tempfile.TemporaryDirectory() as folder, progress_bar(console) as progress:
        bar = progress.add_task("machine", total=sum(task.cost for _, task, _ in left))
        store.data["machine"] = describe_machine(settings, min(1.0, settings.seconds))
        store.save()
        for number, measurements in groupby(left, key=lambda item: item[0]):
            of_rounds = f"round {number + 1}/{settings.rounds}"
            if not console.is_terminal:
                console.print(of_rounds)
            for _, task, library in measurements:
                progress.update(bar, description=f"{of_rounds}  {task.name}  {library.title}")
                store.add(task, settings, library, task.attempt(library, settings, Path(folder)))
                progress.advance(bar, task.cost)


def _missing(
    tasks: list[Task], settings: Settings, store: Store
) -> list[tuple[int, Task, Library]]:
    """The (round, task, library) that are not measured yet, in the order of measuring."""
    return [
        (number, task, library)
        for number in range(settings.rounds)
        for task in tasks
        for library in settings.libraries
        if number >= len(store.rounds(task, library.name)) and not (task.once and number)
    ]


def progress_bar(console: Console) -> Progress:
    """What is measured, how much is done, and how long the rest may take."""
    return Progress(
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(compact=True),
        TextColumn("left  {task.description}"),
        console=console,
        transient=True,
    )
