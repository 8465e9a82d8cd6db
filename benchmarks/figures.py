"""Figures of the results: how many times as fast, and how time and memory grow."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from benchmarks.report import quantity
from penlight.plots.style import COLOURS, Plot, new_figure, styled

__all__ = ["growth", "ratios"]

# libraries after the first, in order (Okabe & Ito's palette, and marks that differ in print too)
MARKS = ((COLOURS["train"], "o"), (COLOURS["highlight"], "s"), (COLOURS["correct"], "^"))
SLOWER = COLOURS["test"]


@styled
def ratios(rows: list[dict[str, Any]], libraries: list[str], subtitle: str) -> Plot:
    """One line per workload: the first library's value over another's, on a logarithmic axis.

    Args:
        rows: ``title``, ``group``, ``unit`` and ``cells``, one for each library in order, each with
            ``value``, ``ratio``, ``low``, ``high`` and ``problem``.
        libraries: as readers call them; the first is the one to beat.
        subtitle: what was measured where.
    """
    first, *others = libraries
    places = _places(rows)
    height = 1.3 + 0.26 * (max(places) + 1.5)
    figure = new_figure(9.0, height, f"How many times as fast, small and lean as {first}")
    axes = figure.subplots()
    axes.set_title(subtitle, fontsize=8, fontweight="normal", color=COLOURS["muted"])
    axes.axvline(1, color=COLOURS["ink"], linewidth=1.0)
    for k, library in enumerate(others, start=1):
        colour, mark = MARKS[(k - 1) % len(MARKS)]
        for row, y in zip(rows, places, strict=True):
            _draw_ratio(axes, row["cells"][k], y, colour if len(others) > 1 else None, mark)
        axes.plot([], [], mark, color=colour, label=library)
    _label_rows(axes, rows, places, " → ".join(libraries))
    _ratio_axis(axes, rows, f"{first} / {others[0] if len(others) == 1 else 'other library'}")
    axes.set_ylim(max(places) + 0.8, -1.2)
    if len(others) > 1:
        figure.legend(loc="outside upper right", ncols=len(others))
    data = {"rows": rows, "libraries": libraries, "subtitle": subtitle}
    return Plot(figure, data)


def _places(rows: list[dict[str, Any]]) -> list[float]:
    """Where each row stands; a gap and a heading before each group."""
    places, y, group = list[float](), -1.0, None
    for row in rows:
        y += 1.0 if row["group"] == group else (2.2 if group else 1.0)
        group = row["group"]
        places.append(y)
    return places


def _draw_ratio(axes: Axes, cell: dict[str, Any], y: float, colour: str | None, mark: str) -> None:
    """The median as a mark and the spread over rounds as a line; red where slower."""
    if cell["ratio"] is None:
        text = cell["problem"].split(":")[0]
        axes.text(0.96, y, text, va="center", ha="right", fontsize=7.5, style="italic",
                  color=COLOURS["muted"])  # fmt: skip
        return
    colour = colour or (MARKS[0][0] if cell["ratio"] >= 1 else SLOWER)
    axes.plot([1, cell["ratio"]], [y, y], color=colour, linewidth=1.0, alpha=0.35)
    axes.plot([cell["low"], cell["high"]], [y, y], color=colour, linewidth=2.6, alpha=0.6,
              solid_capstyle="round")  # fmt: skip
    axes.plot(cell["ratio"], y, mark, color=colour, markersize=5.5)


def _label_rows(axes: Axes, rows: list[dict[str, Any]], places: list[float], heading: str) -> None:
    """Titles at the left, headings over the groups, values at the right."""
    axes.set_yticks(places, [row["title"] for row in rows])
    axes.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"])
    axes.grid(axis="y", visible=False)
    group = None
    right = axes.get_yaxis_transform()  # x in axes, y in data
    axes.text(1.01, -1.0, heading, transform=right, va="center", fontsize=7.5, fontweight="bold")
    for row, y in zip(rows, places, strict=True):
        values = [quantity(cell["value"], row["unit"]) for cell in row["cells"]]
        axes.text(1.01, y, " → ".join(values), transform=right, va="center", fontsize=7.5,
                  color=COLOURS["muted"])  # fmt: skip
        if row["group"] != group:
            group = row["group"]
            axes.text(-0.01, y - 1.0, group, transform=right, va="center", ha="right",
                      fontsize=8.5, fontweight="bold")  # fmt: skip


def _ratio_axis(axes: Axes, rows: list[dict[str, Any]], label: str) -> None:
    """Powers of two, symmetric enough that 1 is never at the rim."""
    found = [v for r in rows for c in r["cells"][1:] for v in (c["low"], c["high"]) if v]
    axes.set_xscale("log", base=2)
    axes.set_xlim(min([0.45, *(v / 1.15 for v in found)]), max([2.2, *(v * 1.15 for v in found)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}x"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"{label}, logarithmic; right of 1 is better. "
                    "Mark: median, bar: spread over rounds")  # fmt: skip


def _plain_log_axes(axes: Axes, x: list[int]) -> None:
    """Logarithmic axes with plain numbers: below, those that were measured."""
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(x, [f"{value:g}" for value in x])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_minor_formatter(NullFormatter())


@styled
def growth(series: list[dict[str, Any]], quantity_label: str, title: str, subtitle: str) -> Plot:
    """Log-log curves side by side, one panel per swept size.

    Args:
        series: ``sweep`` (the panel), ``library``, ``threads``, ``x`` and ``y``.
        quantity_label: of the y axis, with its unit.
        title: of the figure.
        subtitle: what stays the same.
    """
    sweeps = list(dict.fromkeys(s["sweep"] for s in series))
    figure = new_figure(2.5 * len(sweeps) + 0.8, 3.3, title)
    panels = figure.subplots(1, len(sweeps), sharey=True, squeeze=False)[0]
    libraries = list(dict.fromkeys(s["library"] for s in series))
    colours = dict(zip(libraries, (COLOURS["test"], *(c for c, _ in MARKS)), strict=False))
    marks = dict(zip(libraries, ("s", "o", "^", "D"), strict=False))
    most = max(s["threads"] for s in series)
    for axes, sweep in zip(panels, sweeps, strict=True):
        for s in (s for s in series if s["sweep"] == sweep):
            many = s["threads"] == most
            axes.plot(
                s["x"], s["y"], marker=marks[s["library"]], markersize=4,
                linestyle="-" if many else "--", color=colours[s["library"]],
                markerfacecolor=None if many else "white",
                label=f"{s['library']}, {s['threads']} thread{'s' * (s['threads'] > 1)}",
            )  # fmt: skip
        axes.set_xlabel(sweep)
        _plain_log_axes(axes, sorted({x for s in series if s["sweep"] == sweep for x in s["x"]}))
    panels[0].set_ylabel(quantity_label)
    panels[0].set_title(subtitle, fontsize=8, fontweight="normal", color=COLOURS["muted"])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    labelled = {"quantity_label": quantity_label, "title": title, "subtitle": subtitle}
    return Plot(figure, {"series": series, **labelled})
