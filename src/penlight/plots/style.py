"""The one look of all figures: fonts, sizes, colours, and how a figure is made and saved."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import numpy as np

try:
    import matplotlib
    from matplotlib.figure import Figure
except ImportError as error:
    raise ImportError(
        "penlight.plots draws with matplotlib, which is not installed; "
        "pip install 'penlight[plots]'"
    ) from error

from penlight._core.files import atomic_write, read_json, write_json

__all__ = ["COLOURS", "DIVERGING", "Plot", "load_data", "new_figure", "styled"]

# Okabe and Ito's palette, which all common forms of colour blindness can tell apart:
# M. Okabe, K. Ito, "Color Universal Design" (2008).
COLOURS = {
    "train": "#0072B2",  # blue
    "test": "#D55E00",  # vermilion
    "correct": "#009E73",  # green
    "mistake": "#D55E00",
    "highlight": "#E69F00",  # orange
    "muted": "#767676",
    "ink": "#222222",
}
DIVERGING = "RdBu_r"  # red above zero, blue below, white at zero

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same look everywhere
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": COLOURS["ink"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "text.color": COLOURS["ink"],
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "figure.dpi": 100.0,
    "savefig.dpi": 150.0,
    "figure.titlesize": 12.0,
    "figure.titleweight": "bold",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}

P = ParamSpec("P")


@dataclass(frozen=True)
class Plot:
    """A figure together with the data it was drawn from.

    Attributes:
        figure: The matplotlib figure.
        data: What the drawing function was given: its arguments by name. Numbers and lists are
            saved as JSON; as soon as one of them is an array, all go to a NumPy ``.npz`` file.
    """

    figure: Figure
    data: dict[str, Any]

    def save(self, path: str | os.PathLike[str]) -> list[Path]:
        """Write the PNG and, beside it, the data; each of them atomically.

        Args:
            path: The picture's file; its ending is set to ``.png``.

        Returns:
            The two paths: the picture, the data (``.json`` or ``.npz``).
        """
        picture = Path(path).with_suffix(".png")
        with matplotlib.rc_context(_STYLE), atomic_write(picture) as file:
            self.figure.savefig(file, format="png")
        if any(isinstance(value, np.ndarray) for value in self.data.values()):
            data = picture.with_suffix(".npz")
            with atomic_write(data) as file:
                np.savez_compressed(file, **{k: v for k, v in self.data.items() if v is not None})
        else:
            data = picture.with_suffix(".json")
            write_json(data, self.data)
        return [picture, data]


def load_data(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the data beside a figure, as arguments for the function that drew it.

    Args:
        path: A ``.json`` or ``.npz`` file that ``Plot.save`` wrote.

    Returns:
        The arguments by name.

    Raises:
        ValueError: When the file is neither.
    """
    path = Path(path)
    if path.suffix == ".json":
        data: dict[str, Any] = read_json(path)
        return data
    if path.suffix != ".npz":
        raise ValueError(f"load_data: path must end in .json or .npz, received {path}")
    with np.load(path, allow_pickle=False) as file:
        # 0-d arrays were plain strings and numbers
        return {k: file[k] if file[k].ndim else file[k].item() for k in file.files}


def styled(draw: Callable[P, Plot]) -> Callable[P, Plot]:
    """Decorate a drawing function: all it makes has the shared style, and nobody else's has."""

    @wraps(draw)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Plot:
        with matplotlib.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return wrapped


def new_figure(width: float, height: float, title: str | None = None) -> Figure:
    """An empty figure of ``width`` x ``height`` inches, laid out so that nothing is cut off.

    It belongs to no window and no global state, so it can be made on any machine and thread.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(title, x=0.01, horizontalalignment="left")
    return figure
