"""``penlight study``."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from penlight.cli.messages import make_console, quoted, say_error
from penlight.cli.study_progress import GridProgress
from penlight.studies import (
    CATALOGUE,
    Study,
    StudyFolder,
    compare,
    find_study,
    group_rows,
    measures,
    read_study,
    resume_study,
    run_study,
    write_comparison,
    write_report,
    written,
)
from penlight.training import ConfigError, Interrupted

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Run a grid of cells on all cores, and see what came out."
)

_MOST_LINES = 40  # of the table at the end

Jobs = Annotated[int | None, typer.Option(help="processes at once; default: one per core")]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="of a Dask scheduler that runs the cells")
]
MakeReport = Annotated[bool, typer.Option("--report/--no-report", help="write report.html")]


@app.command("list")
def list_studies() -> None:
    """List the studies that come with Penlight."""
    table = Table("name", "cells", "quick", "what is asked")
    for name, path in CATALOGUE.items():
        study = read_study(path)
        quick = len(find_study(name, quick=True).cells())
        table.add_row(name, f"{len(study.cells()):,}", str(quick), study.title)
    console = make_console()
    console.print(table)
    console.print(f"Their TOML files lie in {next(iter(CATALOGUE.values())).parent}.")


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="a name of the list, or a TOML file")],
    out: Annotated[Path | None, typer.Option(help="new folder of the study")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="a small form that takes seconds")] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="seeds 0 to this number - 1")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="folder that holds the data")] = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    report: MakeReport = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the cells, and stop")] = False,
) -> None:
    """Run all cells of a study in a new folder."""
    console = make_console()
    grid = find_study(study, quick)
    if seeds is not None:
        grid = grid.with_seeds(seeds)
    if data_dir is not None:
        if grid.task != "train":
            raise ConfigError(f"--data-dir: study {grid.name!r} takes no data")
        grid = grid.with_settings(data_dir=str(data_dir.absolute()))
    folder = _default_folder(grid) if out is None else out
    if dry_run:
        _show(grid, folder, console)
        return
    console.print(f"{grid.name}: {len(grid.cells())} cells, in {folder}")
    _finish(folder, console, report, lambda watch: run_study(
        grid, folder, jobs=jobs, scheduler=scheduler, observer=watch
    ))  # fmt: skip


@app.command()
def resume(
    folder: Annotated[Path, typer.Argument(help="folder of a study")],
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    report: MakeReport = True,
) -> None:
    """Go on with a study: finished cells stay, begun ones go on, failed ones are tried again."""
    console = make_console()
    found = StudyFolder.open(folder)
    left = sum(not found.done(cell) for cell in found.cells)
    console.print(f"{found.study.name}: {left} of {len(found.cells)} cells are left, in {folder}")
    _finish(folder, console, report, lambda watch: resume_study(
        folder, jobs=jobs, scheduler=scheduler, observer=watch
    ))  # fmt: skip


@app.command("report")
def make_report(folder: Annotated[Path, typer.Argument(help="folder of a study")]) -> None:
    """Write the report of what there is, finished or not."""
    console = make_console()
    found = StudyFolder.open(folder)
    console.print(_table(found))
    console.print(f"report: {write_report(found)}")


@app.command("compare")
def compare_studies(
    first: Annotated[Path, typer.Argument(help="folder of a study")],
    second: Annotated[Path, typer.Argument(help="folder of another")],
    measure: Annotated[str | None, typer.Option(help="such as test_loss")] = None,
    out: Annotated[Path | None, typer.Option(help="write an HTML file, too")] = None,
) -> None:
    """Set the results of two studies side by side, cells with the same labels in a row."""
    console = make_console()
    one, two = StudyFolder.open(first), StudyFolder.open(second)
    found, pairs = compare(one, two, measure)
    table = Table(
        "cells", str(first), str(second), "difference", "standard error", title=found.title
    )
    for p in pairs:
        values = (p.first, p.second, p.difference, p.error)
        table.add_row(p.name, *(written(v, found.style) for v in values))
    console.print(table)
    if out is not None:
        console.print(f"written: {write_comparison(one, two, out, measure)}")


def _default_folder(study: Study) -> Path:
    """``studies/init-norm_2031-05-04_153045``, which does not exist yet."""
    time = datetime.datetime.now().strftime("%Y-%m-%d_%H%M%S")
    return Path("studies") / f"{study.name}_{time}"


def _show(study: Study, folder: Path, console: Console) -> None:
    for cell in study.cells():
        console.print(cell.id)
    console.print(f"would run {len(study.cells())} cells, in {folder}; nothing was run")


def _finish(folder: Path, console: Console, report: bool, work: Any) -> None:
    """Run cells, say what came out; exit code 1 if a cell failed."""
    try:
        with GridProgress(console) as watch:
            found: StudyFolder = work(watch)
    except Interrupted as stop:
        say_error(f"{stop}; go on with: penlight study resume {quoted(folder)}")
        raise typer.Exit(128 + stop.signal_number) from None
    console.print(_table(found))
    failed = [row for row in found.rows if row["status"] == "failed"]
    for row in failed:
        say_error(f"cell {row['id']} failed: {row['error']}")
    if report:
        console.print(f"report: {write_report(found)}")
    if failed:
        say_error(f"try them again with: penlight study resume {quoted(folder)}")
        raise typer.Exit(1)


def _table(folder: StudyFolder) -> Table:
    """Means over seeds, the best first."""
    found = measures(folder)[:4]
    axes = [a for a, v in folder.study.axes.items() if a != "seed" and len(v) > 1]
    groups = group_rows(folder.rows, axes)
    if found:
        sign = -1 if found[0].best == "high" else 1
        means = {g.name: g.mean(found[0].name) for g in groups}
        groups.sort(key=lambda g: (means[g.name] is None, sign * (means[g.name] or 0.0)))
    table = Table("cells", "runs", *(m.title for m in found))
    for group in groups[:_MOST_LINES]:
        ended = sum(row["status"] in ("finished", "diverged") for row in group.rows)
        values = [written(group.mean(m.name), m.style) for m in found]
        table.add_row(group.name, f"{ended}/{len(group.rows)}", *values)
    if len(groups) > _MOST_LINES:
        table.caption = f"and {len(groups) - _MOST_LINES} more, in the report"
    return table
