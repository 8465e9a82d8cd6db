"""How a training step's time and memory grow: ``python -m benchmarks.scaling``."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product
from statistics import median
from typing import Any

from rich.console import Console

from benchmarks.arguments import add_common
from benchmarks.figures import growth
from benchmarks.library import Library
from benchmarks.run import measure_all
from benchmarks.store import Store
from benchmarks.summary import summarise
from benchmarks.tasks import Settings, Task, timed
from benchmarks.workloads.scalable import Size, resized

__all__ = ["SWEEPS", "Sweep"]

KINDS = {"mlp": "MLP", "cnn": "CNN"}
QUANTITIES = (
    ("value", "time", "time of a training step in ms"),
    ("peak_bytes", "memory", "peak memory in MB"),
)


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


def tasks(counts: list[int]) -> list[Task]:
    """Every size once, with each of these numbers of threads."""
    sizes = dict.fromkeys(size for sweep in SWEEPS for size in sweep.sizes())
    return [timed(size, "Scaling", n) for size in sizes for n in counts]


def curves(
    kind: str, store: Store, libraries: tuple[Library, ...], counts: list[int], key: str
) -> list[dict[str, Any]]:
    """The curves of one network over each swept size, without the points whose results disagree.

    Args:
        key: ``value``, which gives milliseconds, or ``peak_bytes``, which gives MB.
    """
    rows = {row.name: row for row in summarise(store.data, [lib.name for lib in libraries])}
    found = list[dict[str, Any]]()
    for sweep in (s for s in SWEEPS if s.kind == kind):
        for library, n in product(libraries, counts):
            points = dict[int, float]()
            for value, size in zip(sweep.values, sweep.sizes(), strict=True):
                task = timed(size, "", n)
                if task.name in rows and not rows[task.name].cells[library.name].problem:
                    rounds = [r[key] for r in store.rounds(task, library.name)]
                    points[value] = median(rounds) * (1e3 if key == "value" else 1e-6)
            found.append(
                {
                    "sweep": sweep.label,
                    "library": library.title,
                    "threads": n,
                    "x": list(points),
                    "y": list(points.values()),
                }
            )
    return found


def describe(kind: str) -> str:
    """The sizes that stay while one varies."""
    base = resized(kind, {})
    inputs = f"{base.size} inputs" if kind == "mlp" else f"{base.size}x{base.size} images"
    return f"batch {base.batch}, {base.depth} layers of {base.width}, {inputs}"


def draw(store: Store, libraries: tuple[Library, ...], counts: list[int]) -> None:
    """Time and memory of both networks, beside the results."""
    for kind, title in KINDS.items():
        for key, name, label in QUANTITIES:
            heading = f"{title}: {label.partition(' in ')[0]}, one size varied"
            found = curves(kind, store, libraries, counts, key)
            plot = growth(found, label, heading, f"the others: {describe(kind)}")
            plot.save(store.path.with_name(f"scaling-{kind}-{name}.png"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    add_common(parser, rounds=1)
    a = parser.parse_args()
    console = Console()
    counts = sorted({1, a.threads})
    settings = Settings(a.libraries, a.threads, a.rounds, seconds=0.2)
    store = Store(a.out / "scaling.json", settings)
    try:
        measure_all(tasks(counts), settings, store, console)
    except KeyboardInterrupt:
        console.print("stopped; what was measured is kept: the same command goes on from there")
        raise SystemExit(130) from None
    for row in summarise(store.data, [library.name for library in a.libraries]):
        for name, cell in row.cells.items():
            if cell.problem:
                console.print(f"{row.name}, {name}: {cell.problem}")
    draw(store, a.libraries, counts)
    console.print(f"in {a.out}: scaling.json, and figures scaling-*.png")


if __name__ == "__main__":
    main()
