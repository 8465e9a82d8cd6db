"""Test images with what the model made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from penlight.plots.style import COLOURS, Plot, new_figure, styled

__all__ = ["prediction_grid"]


@styled
def prediction_grid(
    images: ArrayLike,
    labels: ArrayLike,
    predictions: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    title: str = "Predictions",
    columns: int = 8,
) -> Plot:
    """Draw images in a grid, each with the predicted class and its probability.

    A mistake has a thick vermilion frame, a cross, and the true class below the predicted one.

    Args:
        images: Grey images (N, H, W) or (N, 1, H, W), or colour images (N, 3, H, W); integers
            from 0 to 255 or floats from 0 to 1.
        labels: True classes (N,), as indices into ``classes``.
        predictions: Predicted classes (N,).
        probabilities: Probability of the predicted class (N,), from 0 to 1.
        classes: The class names.
        title: The figure's title.
        columns: Images per row. Default: 8.

    Returns:
        The plot; its data are the arguments.

    Raises:
        ValueError: When there is no image, or the four arrays differ in length.
    """
    images, labels, predictions, probabilities = (
        np.asarray(values) for values in (images, labels, predictions, probabilities)
    )
    count = len(images)
    if count == 0:
        raise ValueError("prediction_grid: images is empty, expected at least one")
    lengths = {len(values) for values in (labels, predictions, probabilities)}
    if lengths != {count}:
        raise ValueError(
            f"prediction_grid: expected {count} labels, predictions and probabilities, one per "
            f"image, received {len(labels)}, {len(predictions)} and {len(probabilities)}"
        )
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    figure = new_figure(max(1.3 * columns, 4.0), 1.58 * rows + 0.4, title)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[count:]:
        axis.axis("off")
    drawn = zip(axes, images, labels, predictions, probabilities, strict=False)
    for axis, image, label, prediction, probability in drawn:
        _draw_image(axis, image)
        caption = f"{classes[prediction]} {probability:.0%}"
        if label == prediction:
            axis.set_xlabel(caption, fontsize=7.5)
            axis.spines[:].set_color("#CCCCCC")
        else:
            axis.set_xlabel(
                f"✗ {caption}\ntrue: {classes[label]}",
                fontsize=7.5, color=COLOURS["mistake"], fontweight="bold",
            )  # fmt: skip
            axis.spines[:].set(color=COLOURS["mistake"], linewidth=2.5)
    data = {
        "images": images, "labels": labels, "predictions": predictions,
        "probabilities": probabilities, "classes": np.asarray(classes, dtype=str),
        "title": title, "columns": columns,
    }  # fmt: skip
    return Plot(figure, data)


def _draw_image(axis: Axes, image: np.ndarray) -> None:
    if image.ndim == 3:
        image = image[0] if image.shape[0] == 1 else image.transpose(1, 2, 0)  # (H, W[, 3])
    highest = 255 if np.issubdtype(image.dtype, np.integer) else 1.0
    axis.imshow(image, cmap="gray", vmin=0, vmax=highest)
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    axis.spines[:].set_visible(True)
