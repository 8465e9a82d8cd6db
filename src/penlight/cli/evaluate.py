"""``penlight eval``."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from penlight import nn
from penlight.cli.messages import make_console
from penlight.training import (
    Evaluation,
    ImageData,
    RunFolder,
    draw_figures,
    evaluate_run,
    load_run,
    load_test_data,
)

__all__ = ["draw", "evaluate"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="folder of a run")],
    checkpoint: Annotated[str, typer.Option(help="best or last")] = "best",
    data_dir: Annotated[str | None, typer.Option(help="folder that holds the data")] = None,
    figures: Annotated[bool, typer.Option(help="draw the run's figures anew")] = True,
) -> None:
    """Evaluate a trained model on its test images, class by class."""
    console = make_console()
    folder, model = load_run(run, checkpoint)
    data = load_test_data(folder, data_dir)
    result = evaluate_run(model, data, folder.setting("config").get("test_flip", False))
    console.print(f"{run}, {checkpoint} checkpoint, {data.source}")
    console.print(_per_class(result.confusion(), data.classes))
    console.print(f"test loss {result.loss:.4f}, accuracy {result.accuracy:.2%}")
    if figures and draw(folder, model, data, result, console):
        console.print(f"figures: {folder.figures}")


def draw(
    run: RunFolder, model: nn.Module, data: ImageData, result: Evaluation, console: Console
) -> list[Path]:
    """Draw all figures of a run; none, with a word about it, where matplotlib is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        console.print("no figures: matplotlib is not installed; pip install 'penlight[plots]'")
        return []
    with console.status("drawing figures"):
        title = f"{type(model).__name__} on {data.title}"
        return draw_figures(run, model, result, data.test_images, data.classes, title)


def _per_class(confusion: list[list[int]], classes: list[str]) -> Table:
    """Recall TP / (TP + FN) and precision TP / (TP + FP) of each class."""
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
