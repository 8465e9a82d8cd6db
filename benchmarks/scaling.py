"""How a training step's time and memory grow: ``python -m benchmarks.scaling``."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.arguments import add_common
from benchmarks.figures import growth
from benchmarks.library import Library
from benchmarks.run import progress_bar
from benchmarks.store import Store
from benchmarks.tasks import Settings, timed
from benchmarks.workloads.scalable import Size, resized

__all__ = ["SWEEPS", "Sweep"]

KINDS = {"mlp": "MLP", "cnn": "CNN"}


@dataclass(frozen=True)
class Sweep:
    """One size of a network through a range, the others at their base.

    Attributes:
        kind: which network.
        key: attribute of :class:`Size`.
        label: of the axis.
        values: that it takes, the base's among them.
    """

    kind: str
    key: str
    label: str
    values: tuple[int, ...]

    def sizes(self) -> list[Size]:
        return [resized(self.kind, {self.key: value}) for value in self.values]


SWEEPS = [
    Sweep("mlp", "batch", "batch", (1, 16, 128, 1024, 4096)),
    Sweep("mlp", "width", "width of the layers", (16, 64, 256, 1024)),
    Sweep("mlp", "depth", "depth in layers", (1, 4, 16, 64)),
    Sweep("cnn", "batch", "batch", (1, 4, 32, 128)),
    Sweep("cnn", "width", "channels", (8, 16, 32, 64)),
    Sweep("cnn", "depth", "depth in layers", (1, 4, 16)),
    Sweep("cnn", "size", "height and width of images", (8, 16, 32, 64)),
]


def measure(settings: Settings, out: Path, console: Console) -> dict[int, Store]:
    """Measure all sizes with one thread and with all; what is measured already stays."""
    tasks = [timed(size, "Scaling") for size in dict.fromkeys(s for w in SWEEPS for s in w.sizes())]
    counts = sorted({1, settings.threads})
    stores = {
        n: Store(out / f"scaling-{n}.json", replace(settings, threads=n)) for n in counts
    }  # fmt: skip
    left = [
        (number, task, n, library)
        for number in range(settings.rounds)
        for task in tasks
        for n in counts
        for library in settings.libraries
        if number >= len(stores[n].rounds(task, library.name))
    ]
    with tempfile.TemporaryDirectory() as folder, progress_bar(console) as bar:
        shown = bar.add_task("", total=len(left))
        for number, task, n, library in left:
            bar.update(shown, description=f"round {number + 1}  {task.name}  {library.title}, {n}")
            found = task.attempt(library, replace(settings, threads=n), Path(folder))
            stores[n].add(task, settings, library, found)
            bar.advance(shown)
    return stores


def series(kind: str, stores: dict[int, Store], libraries: tuple[Library, ...], key: str) -> Any:
    """The curves of one network: ``value`` in ms or ``peak_bytes`` in MB over each swept size."""
    scale = 1e3 if key == "value" else 1e-6
    curves = []
    for sweep in (s for s in SWEEPS if s.kind == kind):
        for library in libraries:
            for n, store in stores.items():
                points = [
                    (value, best[key] * scale)
                    for value, size in zip(sweep.values, sweep.sizes(), strict=True)
                    if (best := _median(store, size, library, key)) is not None
                ]
                if points:
                    x, y = zip(*points, strict=True)
                    curves.append(
                        {"sweep": sweep.label, "library": library.title, "threads": n,
                         "x": list(x), "y": list(y)}
                    )  # fmt: skip
    return curves


def _median(store: Store, size: Size, library: Library, key: str) -> dict[str, Any] | None:
    """The round in the middle."""
    rounds = [r for r in store.rounds(timed(size, ""), library.name) if key in r]
    return sorted(rounds, key=lambda r: float(r[key]))[len(rounds) // 2] if rounds else None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    add_common(parser, rounds=1)
    a = parser.parse_args()
    settings = Settings(a.libraries, a.threads, a.rounds, seconds=0.2)
    stores = measure(settings, a.out, Console())
    for kind, title in KINDS.items():
        for key, name, label in (
            ("value", "time", "time of a training step in ms"),
            ("peak_bytes", "memory", "peak memory of the process in MB"),
        ):
            heading = f"{title}: {label.split(' in ')[0]}, with one size varied"
            curves = series(kind, stores, a.libraries, key)
            if curves:
                growth(curves, label, heading).save(a.out / f"scaling-{kind}-{name}.png")


if __name__ == "__main__":
    main()
