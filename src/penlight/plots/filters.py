"""The weights of the first layer, as pictures."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from penlight.plots.style import DIVERGING, Plot, new_figure, styled

__all__ = ["first_layer_filters"]

_MOST_FILTERS = 64
_WIDEST = 12


@styled
def first_layer_filters(
    weight: ArrayLike, layer: str = "first layer", image_shape: tuple[int, ...] | None = None
) -> Plot:
    """Draw each filter of a layer as an image, all on one scale that is symmetric about zero.

    Args:
        weight: Of a convolution, shape (F, C, kH, kW); or of a linear layer, shape (F, features).
            At most the first 64 filters are drawn. With C in (2, 3, 4), a filter is a column
            with one picture per input channel; with more channels only the first is drawn.
        layer: The layer's name, for the title.
        image_shape: For a linear layer on images: their shape (H, W) or (C, H, W), into which
            each row of ``weight`` is folded.

    Returns:
        The plot; its data are the arguments.

    Raises:
        ValueError: When ``weight`` has another number of dimensions, or does not fold.
    """
    weight = np.asarray(weight)
    filters = weight[:_MOST_FILTERS]
    if weight.ndim == 2 and image_shape is not None:
        shape = tuple(int(n) for n in image_shape)
        if math.prod(shape) != weight.shape[1]:
            raise ValueError(
                f"first_layer_filters: image_shape {shape} must hold {weight.shape[1]} values, "
                f"the columns of weight, but holds {math.prod(shape)}"
            )
        filters = filters.reshape(len(filters), -1, *shape[-2:])
    if filters.ndim != 4:
        raise ValueError(
            "first_layer_filters: weight must have shape (F, C, kH, kW), or (F, features) "
            f"together with image_shape; received {weight.shape}"
        )
    if filters.shape[1] > 4:
        filters = filters[:, :1]
    count, channels = filters.shape[:2]
    columns = min(count, _WIDEST if channels == 1 else 2 * _WIDEST)
    bands = math.ceil(count / columns)  # a band is one row of filters, `channels` pictures high
    cell = 0.9 if columns <= _WIDEST else 0.5
    figure = new_figure(max(cell * columns, 4.0) + 1.2, cell * bands * channels + 1.1)
    axes = figure.subplots(bands * channels, columns, squeeze=False)
    limit = max(float(np.abs(filters).max()), 1e-12)
    for axis in axes.flat:
        axis.axis("off")
    for index, kernel in enumerate(filters):  # kernel: (C, kH, kW)
        band, column = divmod(index, columns)
        for channel, picture in enumerate(kernel):
            axis = axes[band * channels + channel, column]
            image = axis.imshow(picture, cmap=DIVERGING, vmin=-limit, vmax=limit)
            if column == 0 and channels > 1:
                name = "RGB"[channel] if channels == 3 else str(channel)
                axis.text(-0.15, 0.5, name, transform=axis.transAxes, ha="right", va="center")
        axes[band * channels, column].set_title(str(index), fontsize=7, fontweight="normal", pad=2,
                                                loc="center")  # fmt: skip
    figure.colorbar(image, ax=axes, label="weight", shrink=0.9, aspect=12 * bands + 8)
    shown = "" if count == len(weight) else f", the first {count} of {len(weight)}"
    size = "x".join(map(str, filters.shape[2:]))
    figure.suptitle(f"Filters of {layer} ({size}){shown}", x=0.01, horizontalalignment="left")
    folded = None if image_shape is None else np.asarray(image_shape)
    return Plot(figure, {"weight": weight, "layer": layer, "image_shape": folded})
