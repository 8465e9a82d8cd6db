"""The confusion matrix of a classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from penlight.plots.style import COLOURS, Plot, new_figure, styled

__all__ = ["confusion_matrix"]

_MOST_CELLS_WITH_TEXT = 20


@styled
def confusion_matrix(
    matrix: Sequence[Sequence[int]], classes: Sequence[str], title: str = "Confusion matrix"
) -> Plot:
    """Draw how often each class was taken for each other one.

    A cell shows the count and, below it, its share of the row (up to 20 classes; with more, the
    colour alone). The diagonal (right answers) is
    blue, the rest (mistakes) orange, each on its own scale, so that a mistake of 3 % can be seen
    beside right answers of 90 %.

    Args:
        matrix: Counts of shape (K, K); row: true class, column: predicted class.
        classes: The K names.
        title: The figure's title.

    Returns:
        The plot; its data are the arguments.

    Raises:
        ValueError: When the shape of ``matrix`` is not (K, K).
    """
    counts = np.asarray(matrix)
    classes = [str(name) for name in classes]
    size = len(classes)
    if counts.shape != (size, size):
        raise ValueError(
            f"confusion_matrix: matrix must have shape ({size}, {size}) for {size} classes, "
            f"received {counts.shape}"
        )
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    right = np.eye(size, dtype=bool)
    total = int(counts.sum())
    accuracy = counts[right].sum() / max(total, 1)

    side = max(4.5, 0.72 * min(size, _MOST_CELLS_WITH_TEXT) + 1.6)
    figure = new_figure(side, side, title)
    axis = figure.subplots()
    axis.grid(False)
    worst = max(float(share[~right].max(initial=0.0)), 1e-9)
    written = size <= _MOST_CELLS_WITH_TEXT
    for label, colours, hidden, highest in (
        ("right", "Blues", ~right, 1.0),
        ("wrong", "Oranges", right, worst),
    ):
        values = np.ma.masked_array(share, hidden)
        image = axis.imshow(values, cmap=colours, vmin=0, vmax=highest * 1.15)
        if not written:
            text = f"{label} (share of the true class)"
            figure.colorbar(image, ax=axis, label=text, format="{x:.0%}", shrink=0.7)
    if written:
        for (row, column), count in np.ndenumerate(counts):
            part = share[row, column]
            dark = part > 0.6 * (1.0 if row == column else worst)
            axis.text(
                column, row, f"{count:,}\n{part:.1%}" if count else "0",
                color="white" if dark else COLOURS["ink"],
                alpha=1.0 if count else 0.35,
                horizontalalignment="center", verticalalignment="center",
                fontsize=7.5, fontweight="bold" if row == column else "normal",
            )  # fmt: skip
    axis.set_xticks(range(size), classes, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(size), classes)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set(xlabel="predicted class", ylabel="true class")
    axis.set_title(f"{accuracy:.2%} of {total:,} images right", fontweight="normal")
    data = {"matrix": counts.tolist(), "classes": classes, "title": title}
    return Plot(figure, data)
