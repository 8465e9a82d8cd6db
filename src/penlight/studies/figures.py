"""The figures of a study: the whole grid, and a look into its best and worst cells."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penlight.studies.folder import StudyFolder
from penlight.studies.records import read_records
from penlight.studies.results import Group, group_rows, label, measures, table_axes
from penlight.studies.tasks import TASKS
from penlight.training import JsonLines

__all__ = ["draw_study"]

_MOST_CURVES = 32
_LOOKS = 2  # of the best cells, and as many of the worst


def draw_study(folder: StudyFolder) -> list[tuple[str, Path]]:
    """Draw what was recorded.

    Returns:
        For each picture its caption and path; none without matplotlib.
    """
    if importlib.util.find_spec("matplotlib") is None or not measures(folder):
        return []
    folder.figures.mkdir(exist_ok=True)
    drawn: list[tuple[str, Path]] = []

    def save(name: str, caption: str, plot: Any) -> None:
        drawn.append((caption, plot.save(folder.figures / name)[0]))

    _draw_grid(folder, save)
    if folder.study.task == "train":
        _draw_curves(folder, save)
        _draw_gradient_norms(folder, save)
        _draw_looks(folder, save)
    return drawn


Save = Callable[[str, str, Any], None]


def _draw_grid(folder: StudyFolder, save: Save) -> None:
    from penlight.plots import result_grid

    row_axes, column_axes = table_axes(folder.study)
    if not row_axes or not column_axes:
        return
    measure = measures(folder)[0]
    groups = group_rows(folder.rows, [*row_axes, *column_axes])

    def names(axes: list[str]) -> list[str]:
        return list(dict.fromkeys(_name(g, axes) for g in groups))

    rows, columns = names(row_axes), names(column_axes)
    at = {(_name(g, row_axes), _name(g, column_axes)): g for g in groups}

    def field(value: Callable[[Group], float | None]) -> list[list[float | None]]:
        return [[value(at[r, c]) if (r, c) in at else None for c in columns] for r in rows]

    percent = measure.style == "percent"
    title = f"{measure.title[0].upper()}{measure.title[1:]}{' in %' if percent else ''}"
    plot = result_grid(
        field(lambda g: g.mean(measure.name)),
        field(lambda g: g.spread(measure.name)),
        rows,
        columns,
        title,
        percent,
    )
    save("grid", f"{title}: mean and standard deviation over the cells of each field", plot)


def _name(group: Group, axes: list[str]) -> str:
    return ", ".join(label(a, group.point[a]) for a in axes)


def _groups(folder: StudyFolder) -> list[Group]:
    """Cells that differ in the seed alone, the best first, those without a result last."""
    measure = TASKS[folder.study.task].measures[0]
    sign = -1 if measure.best == "high" else 1
    axes = [a for a, v in folder.study.axes.items() if a != "seed" and len(v) > 1]

    def rank(group: Group) -> float:
        mean = group.mean(measure.name)
        return math.inf if mean is None else sign * mean

    return sorted(group_rows(folder.rows, axes), key=rank)


def _draw_curves(folder: StudyFolder, save: Save) -> None:
    from penlight.plots import curves_by_group

    groups = _groups(folder)
    chosen = groups[:_MOST_CURVES]
    of_how_many = f" (the best {len(chosen)} of {len(groups)})" if len(chosen) < len(groups) else ""
    for name, ylabel, log in (
        ("test_accuracy", "test accuracy", False),
        ("train_loss", "training loss", True),
    ):
        series = {
            g.name: [[r.get(name) for r in _epochs(folder, row)] for row in g.rows] for g in chosen
        }
        title = f"{ylabel[0].upper()}{ylabel[1:]} over epochs{of_how_many}"
        save(
            name,
            f"{title}; bands: lowest to highest seed",
            curves_by_group(series, ylabel, title, not log, log),
        )


def _epochs(folder: StudyFolder, row: dict[str, Any]) -> list[dict[str, Any]]:
    lines = JsonLines(folder.cell_folder(row["id"]) / "metrics.jsonl").read()
    return [r for r in lines if "epoch" in r]


def _draw_gradient_norms(folder: StudyFolder, save: Save) -> None:
    from penlight.plots import gradient_norms

    norms = {}
    for group in _groups(folder)[:_MOST_CURVES]:
        found = _norms(read_records(folder.cell_folder(group.rows[0]["id"])))
        if found:
            norms[group.name] = found
    if norms:
        title = "Norm of the gradient by depth"
        save("gradient_norms", f"{title} (first seed)", gradient_norms(norms, title))


def _norms(records: list[dict[str, Any]]) -> dict[str, list[float]]:
    """|g| = sqrt(n (mean^2 + std^2)) of every layer, at the first and at the last recording."""
    gradients = [r for r in records if r["kind"] == "gradient" and "std" in r]
    if not gradients:
        return {}

    def at(progress: float) -> list[float]:
        return [
            math.sqrt(r["size"]) * math.hypot(r["mean"], r["std"])
            for r in gradients
            if r["progress"] == progress
        ]

    return {"start": at(gradients[0]["progress"]), "end": at(gradients[-1]["progress"])}


def _draw_looks(folder: StudyFolder, save: Save) -> None:
    """Weights and gradients over time in the best and the worst cells: why they learn, or do not."""
    from penlight.plots import distributions_over_time

    groups = [g for g in _groups(folder) if any(r["status"] != "waiting" for r in g.rows)]
    chosen = groups if len(groups) <= 2 * _LOOKS else groups[:_LOOKS] + groups[-_LOOKS:]
    for number, group in enumerate(chosen):
        row = group.rows[0]
        records = read_records(folder.cell_folder(row["id"]))
        which = "best" if number < _LOOKS else "worst"
        for kind in ("weight", "gradient"):
            if any(r["kind"] == kind and r["counts"] for r in records):
                caption = f"{kind.capitalize()}s over time, among the {which}: {row['id']}"
                plot = distributions_over_time(records, kind, caption)
                save(f"{kind}s_{number + 1}", caption, plot)
