"""Results of cells, brought together over seeds and over axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penlight.studies.folder import StudyFolder
from penlight.studies.study import Study
from penlight.studies.tasks import TASKS, Measure

__all__ = ["Group", "group_rows", "label", "measures", "table_axes", "written"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Group:
    """Cells that differ only in axes that are averaged over, such as the seed.

    Attributes:
        point: their common labels.
        rows: the cells.
    """

    point: Mapping[str, Any]
    rows: Sequence[Row]

    @property
    def name(self) -> str:
        """The labels in one line."""
        return ", ".join(label(axis, value) for axis, value in self.point.items()) or "all"

    def values(self, measure: str) -> list[float]:
        """The finite values of the cells that have one."""
        found = [row["results"].get(measure) for row in self.rows]
        return [float(v) for v in found if v is not None and math.isfinite(v)]

    def mean(self, measure: str) -> float | None:
        """Over the cells that have a value; None if none has."""
        values = self.values(measure)
        return sum(values) / len(values) if values else None

    def spread(self, measure: str) -> float | None:
        """Standard deviation (n - 1) over the cells; None for fewer than two."""
        values = self.values(measure)
        if len(values) < 2:
            return None
        mean = sum(values) / len(values)
        return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))

    @property
    def diverged(self) -> int:
        """How many of the cells ended in NaN."""
        return sum(row["status"] == "diverged" for row in self.rows)


def group_rows(rows: Sequence[Row], axes: Sequence[str]) -> list[Group]:
    """The cells grouped by their labels on ``axes``, in the order in which they come."""
    groups: dict[str, Group] = {}
    for row in rows:
        point = {axis: row["axes"][axis] for axis in axes}
        key = repr(point)
        groups[key] = Group(point, [*(groups[key].rows if key in groups else ()), row])
    return list(groups.values())


def label(axis: str, value: Any) -> str:
    """A label as it stands in tables: words alone, other values with the axis's name."""
    if isinstance(value, str):
        return value
    text = "-".join(map(str, value)) if isinstance(value, (list, tuple)) else f"{value}"
    return f"{axis.rpartition('.')[2]} {text}"


def table_axes(study: Study) -> tuple[list[str], list[str]]:
    """The axes of the report's table: rows and columns; as declared, or the longest one as rows."""
    axes = [a for a, values in study.axes.items() if a != "seed" and len(values) > 1]
    if study.rows or study.columns:
        return list(study.rows), list(study.columns)
    if not axes:
        return [], []
    longest = max(axes, key=lambda a: len(study.axes[a]))
    return [longest], [a for a in axes if a != longest]


def measures(folder: StudyFolder) -> list[Measure]:
    """The task's measures that any cell has."""
    rows = folder.rows
    return [
        m
        for m in TASKS[folder.study.task].measures
        if any(row["results"].get(m.name) is not None for row in rows)
    ]


def written(value: float | None, style: str) -> str:
    """A value of a measure as text."""
    if value is None:
        return "-"
    styles = {"percent": "{:.2%}", "error": "{:.1e}", "count": "{:,.0f}", "seconds": "{:,.1f}"}
    return styles.get(style, "{:.4g}").format(value)
