"""How the weights and gradients of each layer are distributed, over the course of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from penlight.plots.style import COLOURS, Plot, new_figure, styled

__all__ = ["distributions_over_time"]

_ROWS_OF_PICTURE = 160  # vertical resolution of a heat band
_QUANTILES: tuple[tuple[str, Any], ...] = (  # label and line style
    ("5 % and 95 %", ":"),
    ("25 % and 75 %", "--"),
    ("median", "-"),
)


@styled
def distributions_over_time(
    records: Sequence[dict[str, Any]], kind: str, title: str | None = None, columns: int = 4
) -> Plot:
    """Draw one panel per layer: a heat band of its values over time, with quantiles.

    Weights are drawn on a linear scale of their own per layer. Of gradients the magnitudes are
    drawn, on one logarithmic scale for all layers, so that vanishing or exploding along the depth
    shows at a glance.

    Args:
        records: What a run's ``distributions.jsonl`` holds: for each recording and tensor a dict with
            ``kind``, ``name``, ``progress`` (in epochs), ``low``, ``high`` and ``counts`` of the
            histogram, and ``quantiles`` (5, 25, 50, 75 and 95 %); for gradients of log10 of the
            magnitude.
        kind: ``"weight"`` or ``"gradient"``.
        title: The figure's title.
        columns: Most panels per row. Default: 4.

    Returns:
        The plot; its data are the arguments, with only the records that were drawn.

    Raises:
        ValueError: When ``kind`` is another word, or no record is of this kind.
    """
    if kind not in ("weight", "gradient"):
        raise ValueError(
            f'distributions_over_time: kind must be "weight" or "gradient", received {kind!r}'
        )
    chosen = [r for r in records if r["kind"] == kind and r["counts"]]
    if not chosen:
        raise ValueError(f"distributions_over_time: records hold nothing of kind {kind!r}")
    layers: dict[str, list[dict[str, Any]]] = {}
    for record in chosen:
        layers.setdefault(record["name"], []).append(record)

    rows = math.ceil(len(layers) / columns)
    panels_per_row = math.ceil(len(layers) / rows)
    what = "Weights" if kind == "weight" else "Gradient magnitudes"
    title = title or f"{what} per layer over time"
    figure = new_figure(max(3.0 * panels_per_row, 6.0), 2.2 * rows + 0.9, title)
    axes = figure.subplots(
        rows, panels_per_row, squeeze=False, sharex=True, sharey=kind == "gradient"
    )
    for axis in axes.flat[len(layers) :]:
        axis.axis("off")
    for axis, (name, history) in zip(axes.flat, layers.items(), strict=False):
        _draw_band(axis, history, _limits(chosen if kind == "gradient" else history))
        axis.set_title(f"{name} ({history[0]['size']:,})", fontsize=8.5)
        if kind == "gradient":
            axis.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"$10^{{{y:.0f}}}$"))
    for row in axes:
        row[0].set_ylabel("weight" if kind == "weight" else "|gradient|")
    for axis in axes.flat[max(0, len(layers) - panels_per_row) : len(layers)]:
        axis.set_xlabel("epoch")  # the lowest panel of each column
        axis.tick_params(labelbottom=True)
    lines = [
        Line2D([], [], color=COLOURS["ink"], ls=style, label=label, linewidth=1.1)
        for label, style in reversed(_QUANTILES)
    ]
    density = Patch(color="#6BAED6", label="density")
    figure.legend(handles=[*lines, density], loc="outside lower right", ncols=4)
    return Plot(figure, {"records": chosen, "kind": kind, "title": title, "columns": columns})


def _limits(records: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """The range from the 5 % to the 95 % quantile over all records, with a margin."""
    lowest = min(record["quantiles"][0] for record in records)
    highest = max(record["quantiles"][-1] for record in records)
    margin = 0.25 * (highest - lowest) or 0.5 * abs(highest) or 1e-3
    return lowest - margin, highest + margin


def _draw_band(axis: Axes, history: Sequence[dict[str, Any]], limits: tuple[float, float]) -> None:
    """One column of colour per recording, each as wide as the time until the next."""
    times = np.array([record["progress"] for record in history])
    edges = np.linspace(*limits, _ROWS_OF_PICTURE + 1)
    density = np.stack([_rebin(record, edges) for record in history], axis=1)
    density /= np.maximum(density.max(axis=0), 1e-30)  # each column on its own scale
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    time_edges = np.append(times, times[-1] + step)
    axis.pcolormesh(time_edges, edges, density, cmap="Blues", vmin=0, vmax=1.4, rasterized=True)

    quantiles = np.array([record["quantiles"] for record in history])  # (T, 5)
    for index, (_, style) in enumerate((*_QUANTILES, *_QUANTILES[1::-1])):
        axis.plot(times + step / 2, quantiles[:, index], style, color=COLOURS["ink"], linewidth=0.9)
    axis.set_ylim(edges[0], edges[-1])
    axis.set_xlim(time_edges[0], time_edges[-1])
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axis.grid(False)


def _rebin(record: dict[str, Any], edges: np.ndarray) -> np.ndarray:
    """The record's histogram over other bins, as densities: differences of its distribution."""
    counts = np.asarray(record["counts"], dtype=float)
    old = np.linspace(record["low"], record["high"], len(counts) + 1)
    distribution = np.concatenate([[0.0], np.cumsum(counts)]) / max(counts.sum(), 1.0)
    new: np.ndarray = np.diff(np.interp(edges, old, distribution)) / np.diff(edges)
    return new
