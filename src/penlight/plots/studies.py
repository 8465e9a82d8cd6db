"""Many runs in one figure: curves with a band over seeds, and a map of results over two axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from penlight.plots.style import COLOURS, Plot, new_figure, styled

__all__ = ["curves_by_group", "gradient_norms", "result_grid"]

_CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222", "#999933")
_DASHES = ("-", "--", ":", "-.")


def _look(index: int) -> dict[str, Any]:
    """Colour first, then the kind of line: 32 looks."""
    dashes = _DASHES[index // len(_CYCLE) % len(_DASHES)]
    return {"color": _CYCLE[index % len(_CYCLE)], "linestyle": dashes}


@styled
def curves_by_group(
    groups: Mapping[str, Sequence[Sequence[float | None]]],
    ylabel: str,
    title: str,
    percent: bool = True,
    log: bool = False,
) -> Plot:
    """Draw the mean of each group's runs over epochs, in a band from the lowest to the highest.

    Args:
        groups: for each label, one series per run: its value after each epoch.
        ylabel: what the values are.
        title: the figure's title.
        percent: values are shares, written in percent.
        log: logarithmic axis.

    Returns:
        The plot; its data are the arguments.
    """
    height = max(4.0, 0.19 * len(groups) + 0.8)
    figure = new_figure(9, height, title)
    axis = figure.subplots()
    for index, (label, runs) in enumerate(groups.items()):
        length = max((len(run) for run in runs), default=0)
        values = np.full((len(runs), length), np.nan)
        for row, run in zip(values, runs, strict=True):
            row[: len(run)] = [math.nan if v is None else v for v in run]
        known = ~np.isnan(values).all(axis=0) if length else np.zeros(0, bool)
        values, epochs = values[:, known], np.flatnonzero(known) + 1
        if not len(epochs):
            continue
        look = _look(index)
        axis.plot(epochs, np.nanmean(values, axis=0), label=label, **look)
        lowest, highest = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        axis.fill_between(epochs, lowest, highest, color=look["color"], alpha=0.15, linewidth=0)
        axis.plot(
            epochs[-1:], np.nanmean(values, axis=0)[-1:], "o", color=look["color"], markersize=3
        )
    if log:
        axis.set_yscale("log")
    elif percent:
        axis.yaxis.set_major_formatter(PercentFormatter(xmax=1.0))
    axis.set(xlabel="epoch", ylabel=ylabel)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    if axis.lines:
        figure.legend(loc="outside right upper")
    data = {
        "groups": {k: [list(r) for r in runs] for k, runs in groups.items()},
        "ylabel": ylabel, "title": title, "percent": percent, "log": log,
    }  # fmt: skip
    return Plot(figure, data)


@styled
def result_grid(
    means: Sequence[Sequence[float | None]],
    spreads: Sequence[Sequence[float | None]],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    percent: bool = True,
) -> Plot:
    """Draw a result for each row and column as a coloured field with mean and standard deviation.

    Args:
        means: the values, one list per row; None leaves a field empty.
        spreads: standard deviations over runs; None where there was one run.
        rows, columns: labels.
        title: the figure's title.
        percent: values are shares, written in percent.

    Returns:
        The plot; its data are the arguments.
    """
    values = np.array([[math.nan if v is None else v for v in row] for row in means], float)
    values = values.reshape(len(rows), len(columns))
    figure = new_figure(
        max(4.0, 1.15 * len(columns) + 2.6), max(2.2, 0.36 * len(rows) + 1.6), title
    )
    axis = figure.subplots()
    image = axis.imshow(values, aspect="auto", cmap="cividis")
    low, high = image.get_clim()
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            spread = spreads[i][j]
            text = "-" if math.isnan(value) else _written(value, percent)
            if spread is not None:
                text += f" ± {_written(spread, percent)}"
            share = 0.0 if math.isnan(value) or high == low else (value - low) / (high - low)
            dark = sum(colormaps["cividis"](share)[:3]) < 1.5 and not math.isnan(value)
            colour = "white" if dark else COLOURS["ink"]
            axis.text(j, i, text, ha="center", va="center", fontsize=7.5, color=colour)
    axis.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    axis.set_yticks(range(len(rows)), rows)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    data = {
        "means": [list(r) for r in means], "spreads": [list(r) for r in spreads],
        "rows": list(rows), "columns": list(columns), "title": title, "percent": percent,
    }  # fmt: skip
    return Plot(figure, data)


def _written(value: float, percent: bool) -> str:
    return f"{100 * value:.2f}" if percent else f"{value:.3g}"


@styled
def gradient_norms(groups: Mapping[str, Mapping[str, Sequence[float]]], title: str) -> Plot:
    """Draw the gradient's norm of each layer, from the first to the last, per group.

    Args:
        groups: for each label, ``start`` and ``end``: the norms by depth, at the first and at the last
            recording.
        title: the figure's title.

    Returns:
        The plot; its data are the arguments.
    """
    figure = new_figure(9, max(4.0, 0.19 * len(groups) + 0.8), title)
    left, right = figure.subplots(1, 2, sharey=True)
    handles = []
    for axis, moment, name in ((left, "start", "at the first step"), (right, "end", "at the end")):
        for index, norms in enumerate(groups.values()):
            values = [v if v > 0 else math.nan for v in norms[moment]]
            axis.plot(range(1, len(values) + 1), values, marker="o", markersize=2.5, **_look(index))
        axis.set_yscale("log")
        axis.set(title=name, xlabel="layer, from the input")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    left.set_ylabel("norm of the gradient")
    handles = [Line2D([], [], label=label, **_look(i)) for i, label in enumerate(groups)]
    if handles:
        figure.legend(handles=handles, loc="outside right upper")
    data = {
        "groups": {k: {m: list(v) for m, v in g.items()} for k, g in groups.items()},
        "title": title,
    }
    return Plot(figure, data)
