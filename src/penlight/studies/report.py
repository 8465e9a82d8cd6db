"""The report of a study: everything to look at in one HTML file."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from penlight._core.files import atomic_write
from penlight.studies.figures import draw_study
from penlight.studies.folder import StudyFolder
from penlight.studies.page import Cell, details, escape, image, page, table
from penlight.studies.results import Group, group_rows, label, measures, written

__all__ = ["write_report"]


def write_report(folder: StudyFolder) -> Path:
    """Draw the figures and write ``report.html``.

    Returns:
        The report's path.
    """
    study = folder.study
    figures = draw_study(folder)
    body = [
        *(f"<p>{escape(text)}</p>" for text in study.about.strip().split("\n\n") if text),
        _state(folder),
        "<h2>Results</h2>",
        _groups(folder),
        *(image(path, caption) for caption, path in figures),
        "<h2>Cells</h2>",
        _cells(folder),
        "<h2>Settings</h2>",
        _settings(folder),
        "<h2>Run it again</h2>",
        _again(folder),
    ]
    text = page(study.title or f"Study {study.name}", body)
    with atomic_write(folder.report) as file:
        file.write(text.encode())
    return folder.report


def _state(folder: StudyFolder) -> str:
    about = folder.metadata
    counts = about.get("counts", {})
    done = ", ".join(f"{n} {status}" for status, n in counts.items())
    times = " to ".join(about[k] for k in ("started", "ended") if about.get(k))
    return f"<p>{len(folder.cells)} cells: {escape(done or 'none run yet')}. {escape(times)}</p>"


def _groups(folder: StudyFolder) -> str:
    """Means and standard deviations over seeds, the best first."""
    axes = [a for a, values in folder.study.axes.items() if a != "seed" and len(values) > 1]
    found = measures(folder)
    if not found:
        return "<p>No cell has come to its end yet.</p>"
    groups = group_rows(folder.rows, axes)
    first = found[0]
    sign = -1 if first.best == "high" else 1

    def rank(group: Group) -> tuple[bool, float]:
        mean = group.mean(first.name)
        return mean is None, sign * (mean or 0.0)

    heads = [*axes, "runs", "diverged"]
    for measure in found:
        heads += [measure.title, "±"] if measure.best else [measure.title]
    rows = []
    for group in sorted(groups, key=rank):
        row = [_label(axis, value) for axis, value in group.point.items()]
        row += [Cell(len(group.rows), len(group.rows), "number")]
        row += [Cell(group.diverged or "", group.diverged, "number")]
        for measure in found:
            mean, spread = group.mean(measure.name), group.spread(measure.name)
            row.append(Cell(written(mean, measure.style), mean, "number"))
            if measure.best:
                text = "" if spread is None else written(spread, measure.style)
                row.append(Cell(text, spread, "number"))
        rows.append(row)
    note = "Mean and standard deviation over seeds. Click a heading to sort."
    return f"<p>{note}</p>" + table(heads, rows)


def _label(axis: str, value: Any) -> Cell:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Cell(value, value, "number")
    return Cell(value if isinstance(value, str) else label(axis, value).partition(" ")[2])


def _cells(folder: StudyFolder) -> str:
    found = measures(folder)
    rows = []
    for row in folder.rows:
        status = row["status"]
        kind = status if status in ("failed", "diverged") else ""
        values = [
            Cell(written(row["results"].get(m.name), m.style), row["results"].get(m.name), "number")
            for m in found
        ]
        rows.append([Cell(row["id"]), Cell(status, kind=kind), *values, Cell(row["error"] or "")])
    return table(["cell", "status", *(m.title for m in found), "error"], rows)


def _settings(folder: StudyFolder) -> str:
    about = folder.metadata
    parts = {k: about[k] for k in ("versions", "machine", "jobs", "scheduler") if k in about}
    study = {k: v for k, v in folder.study.to_dict().items() if v not in ("", {}, (), [])}
    return details("The declaration", f"<pre>{_json(study)}</pre>") + details(
        "Versions and machine", f"<pre>{_json(parts)}</pre>"
    )


def _json(value: Any) -> str:
    return escape(json.dumps(value, indent=2, ensure_ascii=False))


def _again(folder: StudyFolder) -> str:
    command = folder.metadata.get("command", [])
    again = ""
    if "study" in command:
        words = [Path(command[0]).name.replace("__main__.py", "penlight"), *command[1:]]
        again = f"<pre>{escape(shlex.join(words))}</pre>"
    resume = f"penlight study resume {shlex.quote(folder.path.name)}"
    config = "from penlight.studies import StudyFolder, run_study\n\n"
    config += f"run_study(StudyFolder.open({folder.path.name!r}).study, 'again')"
    return f"{again}<p>Go on with this folder:</p><pre>{escape(resume)}</pre>" + (
        f"<p>The same grid once more, in Python:</p><pre>{escape(config)}</pre>"
    )
