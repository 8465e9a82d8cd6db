"""Loss, accuracy and learning rate over a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from penlight.plots.style import COLOURS, Plot, new_figure, styled

__all__ = ["smooth", "training_curves"]

Record = dict[str, Any]


def smooth(values: Sequence[float], width: int | None = None) -> np.ndarray:
    """Moving average with triangular weights, centred, so that it does not lag behind.

    result_t = sum_k w_k v_(t+k) / sum_k w_k over the k in -width..width for which v exists,
    w_k = width + 1 - |k|

    Args:
        values: The series, of length T.
        width: Reach to each side. Default: T // 60.

    Returns:
        Array of shape (T,).
    """
    series = np.asarray(values, dtype=float)
    width = len(series) // 60 if width is None else width
    weights = width + 1.0 - np.abs(np.arange(-width, width + 1))
    padded = np.pad(np.stack([series, np.ones_like(series)]), ((0, 0), (width, width)))
    total, weight = (np.convolve(row, weights, mode="valid") for row in padded)
    averages: np.ndarray = total / weight
    return averages


@styled
def training_curves(
    steps: Sequence[Record], epochs: Sequence[Record], title: str = "Training"
) -> Plot:
    """Draw loss, accuracy and learning rate against epochs.

    Args:
        steps: One record per recorded step with ``progress`` (in epochs, such as 1.25), ``loss``
            and ``lr``.
        epochs: One record per epoch with ``epoch`` (from 1), ``train_loss`` and
            ``train_accuracy`` and, when there was a test set, ``test_loss`` and
            ``test_accuracy``. Accuracies are fractions.
        title: The figure's title.

    Returns:
        The plot; its data are the arguments.
    """
    figure = new_figure(10, 5, title)
    axes = figure.subplot_mosaic(
        [["loss", "accuracy"], ["lr", "accuracy"]], height_ratios=[3, 1], width_ratios=[1, 1]
    )
    axes["lr"].sharex(axes["loss"])
    axes["loss"].tick_params(labelbottom=False)

    _draw_loss(axes["loss"], steps, epochs)
    _draw_accuracy(axes["accuracy"], epochs)

    progress = [step["progress"] for step in steps]
    axes["lr"].plot(progress, [step["lr"] for step in steps], color=COLOURS["ink"])
    axes["lr"].set(title="Learning rate", xlabel="epoch")
    axes["lr"].set_ylim(bottom=0)
    last = max([1.0, *progress, *(epoch["epoch"] for epoch in epochs)])
    for axis in axes.values():
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
        axis.set_xlim(0, last * 1.02)
    data = {"steps": list(steps), "epochs": list(epochs), "title": title}
    return Plot(figure, data)


def _draw_loss(axis: Axes, steps: Sequence[Record], epochs: Sequence[Record]) -> None:
    loss = [step["loss"] for step in steps]
    progress = [step["progress"] for step in steps]
    axis.plot(progress, loss, color=COLOURS["train"], alpha=0.25, linewidth=0.7)
    if steps:
        label = "train, per step (smoothed)"
        axis.plot(progress, smooth(loss), color=COLOURS["train"], label=label)
    for part, marker in (("train", "o"), ("test", "s")):
        points = [(e["epoch"], e[f"{part}_loss"]) for e in epochs if f"{part}_loss" in e]
        if points:
            label = "train, mean over the epoch" if part == "train" else "test, after the epoch"
            line = "none" if part == "train" else "-"
            axis.plot(*zip(*points, strict=True), marker=marker, linestyle=line, markersize=5,
                      color=COLOURS[part], label=label)  # fmt: skip
    if loss:  # a few wild first steps must not flatten the rest
        highest = max([float(np.quantile(loss, 0.99)), *(e["train_loss"] for e in epochs)])
        axis.set_ylim(0, 1.1 * highest if highest > 0 else 1.0)
    axis.set(title="Loss")
    axis.legend(loc="upper right")


def _draw_accuracy(axis: Axes, epochs: Sequence[Record]) -> None:
    for part, marker in (("train", "o"), ("test", "s")):
        points = [(e["epoch"], e[f"{part}_accuracy"]) for e in epochs if f"{part}_accuracy" in e]
        if points:
            label = "train, mean over the epoch" if part == "train" else "test, after the epoch"
            axis.plot(*zip(*points, strict=True), marker=marker, markersize=5,
                      color=COLOURS[part], label=label)  # fmt: skip
    tested = [epoch for epoch in epochs if "test_accuracy" in epoch]
    if tested:
        best = max(tested, key=lambda epoch: epoch["test_accuracy"])
        axis.axhline(best["test_accuracy"], color=COLOURS["muted"], linewidth=0.8, linestyle=":")
        text = f"best on test: {best['test_accuracy']:.2%} (epoch {best['epoch']})"
        axis.set_title(text, loc="right", fontsize=9, fontweight="normal")
    axis.yaxis.set_major_formatter(PercentFormatter(xmax=1.0))
    axis.margins(y=0.1)
    axis.set(title="Accuracy", xlabel="epoch")
    axis.legend(loc="lower right")
