"""``penlight eval``."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from penlight.training import RunFolder, draw_figures, evaluate_run, load_run

__all__ = ["evaluate", "finish"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="folder of a run")],
    checkpoint: Annotated[str, typer.Option(help="best or last")] = "best",
    data_dir: Annotated[str | None, typer.Option(help="folder that holds the data")] = None,
) -> None:
    """Evaluate a trained model on its test images; draw its figures anew."""
    console = Console(soft_wrap=True, highlight=False)
    folder = RunFolder.open(run)
    finish(folder, console, checkpoint, data_dir, table=True)


def finish(
    run: RunFolder,
    console: Console,
    checkpoint: str = "best",
    data_dir: str | None = None,
    table: bool = False,
    draw: bool = True,
) -> tuple[float, list[Path]]:
    """Evaluate a checkpoint, draw the run's figures; return the accuracy and the figures."""
    run, model, load = load_run(run.path, checkpoint, data_dir)
    data = load()
    result = evaluate_run(model, data)
    if table:
        console.print(f"{run.path}, {checkpoint} checkpoint, {data.source}")
        console.print(_per_class(result.confusion(), data.classes))
        console.print(f"test loss {result.loss:.4f}, accuracy {result.accuracy:.2%}")
    if draw and importlib.util.find_spec("matplotlib") is None:
        console.print("no figures: matplotlib is not installed; pip install 'penlight[plots]'")
        draw = False
    if not draw:
        return result.accuracy, []
    with console.status("drawing figures"):
        title = f"{type(model).__name__} on {data.title}"
        figures = draw_figures(run, model, result, data.test_images, data.classes, title)
    if table:
        console.print(f"figures: {run.figures}")
    return result.accuracy, figures


def _per_class(confusion: list[list[int]], classes: list[str]) -> Table:
    """Precision TP / (TP + FP) and recall TP / (TP + FN) of each class."""
    table = Table("class", "images", "recall", "precision", "most often taken for")
    for k, name in enumerate(classes):
        right, images = confusion[k][k], sum(confusion[k])
        claimed = sum(row[k] for row in confusion)
        others = [(n, classes[j]) for j, n in enumerate(confusion[k]) if j != k and n]
        worst = "{1} ({0})".format(*max(others)) if others else "-"
        table.add_row(
            name, f"{images:,}", f"{right / max(images, 1):.1%}",
            f"{right / max(claimed, 1):.1%}", worst,
        )  # fmt: skip
    return table
