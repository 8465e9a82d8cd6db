"""Two studies side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from penlight._core.files import atomic_write
from penlight.studies.folder import StudyFolder
from penlight.studies.page import Cell, escape, page, table
from penlight.studies.results import Group, group_rows, measures, written
from penlight.studies.tasks import Measure
from penlight.training import ConfigError

__all__ = ["Pair", "compare", "write_comparison"]


@dataclass(frozen=True)
class Pair:
    """Cells of two studies with the same labels, averaged over seeds.

    Attributes:
        name: the labels.
        first, second: mean of the measure; None if a study has no such cell, or no result.
        error: standard error of the difference; None with fewer than two seeds on a side.
    """

    name: str
    first: float | None
    second: float | None
    error: float | None

    @property
    def difference(self) -> float | None:
        """second - first."""
        if self.first is None or self.second is None:
            return None
        return self.second - self.first


def compare(
    first: StudyFolder, second: StudyFolder, measure: str | None = None
) -> tuple[Measure, list[Pair]]:
    """What became of cells with the same labels, seeds aside.

    Args:
        first, second: the studies; axes that only one of them has, or with one value, are ignored.
        measure: which result. Default: the one that counts.

    Raises:
        ConfigError: if they do different things, or have no such result.
    """
    if first.study.task != second.study.task:
        raise ConfigError(
            f"compare: expected two studies of one task, got {first.study.task!r} and {second.study.task!r}"
        )
    known = {m.name: m for m in [*measures(first), *measures(second)]}
    if not known:
        raise ConfigError("compare: neither study has a finished cell")
    name = measure or next(iter(known))
    if name not in known:
        raise ConfigError(f"compare: measure must be one of {', '.join(known)}, got {name!r}")
    axes = [a for a in first.study.axes if a in second.study.axes and a != "seed"]
    axes = [a for a in axes if len(first.study.axes[a]) > 1 or len(second.study.axes[a]) > 1]
    ours, theirs = ({g.name: g for g in group_rows(f.rows, axes)} for f in (first, second))
    names = [*ours, *(n for n in theirs if n not in ours)]
    return known[name], [_pair(n, ours.get(n), theirs.get(n), name) for n in names]


def _pair(name: str, first: Group | None, second: Group | None, measure: str) -> Pair:
    def mean(group: Group | None) -> float | None:
        return None if group is None else group.mean(measure)

    variance = 0.0
    for group in (first, second):
        spread = None if group is None else group.spread(measure)
        if group is None or spread is None:
            return Pair(name, mean(first), mean(second), None)
        variance += spread**2 / len(group.values(measure))
    return Pair(name, mean(first), mean(second), math.sqrt(variance))


def write_comparison(
    first: StudyFolder, second: StudyFolder, path: str | PathLike[str], measure: str | None = None
) -> Path:
    """Write the comparison as an HTML file."""
    found, pairs = compare(first, second, measure)
    rows = [
        [
            Cell(pair.name),
            *(
                Cell(written(v, found.style), v, "number")
                for v in (pair.first, pair.second, pair.difference, pair.error)
            ),
        ]
        for pair in pairs
    ]
    heads = ["cells", str(first.path), str(second.path), "difference", "± (standard error)"]
    text = page(
        f"{found.title}: {first.study.name} and {second.study.name}",
        [f"<p>{escape(found.title)}, mean over seeds.</p>", table(heads, rows)],
    )
    with atomic_write(path) as file:
        file.write(text.encode())
    return Path(path)
