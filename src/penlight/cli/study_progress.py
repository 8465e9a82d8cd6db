"""Progress of a study: the whole grid in one bar, with time left; plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from penlight.cli.messages import has_bars
from penlight.cli.progress import clock
from penlight.studies import Event, StudyFolder

__all__ = ["GridProgress", "time_left"]

_LONGEST_STATE = 48


class GridProgress:
    """Called with every event of a study; shows cells done, those under way, and time left."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar: Progress | None = None
        self._began = time.monotonic()
        self._total: Any = None
        self._tasks: dict[str, Any] = {}
        self._starts: dict[str, float] = {}
        self._shares: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    def __enter__(self) -> GridProgress:
        if has_bars(self.console):
            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[state]}"),
                console=self.console,
                transient=True,
            )
            self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, folder: StudyFolder, event: Event) -> None:
        if event.kind == "start":
            self._starts[event.cell] = time.monotonic()
        self._shares[event.cell] = event.share
        if event.kind == "done":
            self._done(folder, event)
        if self.bar is not None:
            self._show(self.bar, folder, event)

    def _done(self, folder: StudyFolder, event: Event) -> None:
        seconds = time.monotonic() - self._starts.get(event.cell, time.monotonic())
        self._seconds[event.cell] = seconds
        ended = sum(row["status"] not in ("waiting", "begun") for row in folder.rows)
        outcome = event.outcome or {}
        word = outcome.get("status", "?")
        said = f": {outcome['error']}" if outcome.get("error") else ""
        left = clock(self._left(folder))
        self.console.print(
            f"{ended}/{len(folder.rows)}  {event.cell}  {word} after {clock(seconds)}{said}  "
            f"{left} left"
        )

    def _left(self, folder: StudyFolder) -> float:
        running = {
            cell: (time.monotonic() - self._starts[cell], self._shares[cell])
            for cell in self._starts
            if cell not in self._seconds
        }
        return time_left(folder, self._seconds, running)

    def _show(self, bar: Progress, folder: StudyFolder, event: Event) -> None:
        if self._total is None:
            self._total = bar.add_task("all cells", total=len(folder.rows), state="")
        if event.kind == "start":
            self._tasks[event.cell] = bar.add_task(event.cell, total=1, state="")
        if event.kind == "done" and event.cell in self._tasks:
            bar.remove_task(self._tasks.pop(event.cell))
        elif event.cell in self._tasks:
            state = event.state[:_LONGEST_STATE]
            bar.update(self._tasks[event.cell], completed=event.share, state=state)
        whole = sum(row["status"] not in ("waiting", "begun") for row in folder.rows)
        part = sum(self._shares[cell] for cell in self._tasks)
        state = f"{whole}/{len(folder.rows)} cells, {clock(self._left(folder))} left"
        bar.update(self._total, completed=whole + part, state=state)


def time_left(
    folder: StudyFolder, seconds: dict[str, float], running: dict[str, tuple[float, float]]
) -> float:
    """Seconds until all cells are done: a cell takes as long as those most like it took.

    Args:
        folder: the study.
        seconds: of cells that are done.
        running: seconds so far and the share done, of cells under way.
    """
    known = dict(seconds)
    known |= {cell: s / share for cell, (s, share) in running.items() if share > 0.02}
    if not known:
        return 0.0
    axes = {row["id"]: row["axes"] for row in folder.rows}

    def expected(cell: str) -> float:
        if cell in known:
            return known[cell]
        labels = {a: label for a, label in axes[cell].items() if a != "seed"}
        likeness = {k: sum(axes[k][a] == label for a, label in labels.items()) for k in known}
        most = max(likeness.values())
        times = [known[k] for k, n in likeness.items() if n == most]
        return sum(times) / len(times)

    left = sum(max(0.0, expected(cell) - s) for cell, (s, _) in running.items())
    begun = {*seconds, *running}
    waiting = (
        r["id"] for r in folder.rows if r["status"] in ("waiting", "begun") and r["id"] not in begun
    )
    left += sum(expected(cell) for cell in waiting)
    return left / max(1, len(running))
