"""What is done to each image of a batch (N, C, H, W) with parameters of its own, in one call."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from penlight._core.random import numpy_generator
from penlight.autograd.op import Op
from penlight.ops.selection import where
from penlight.tensor import Tensor
from penlight.tensor.creation import from_numpy

__all__ = ["crop_each", "erase_each", "flip_each"]


class CropEach(Op):
    """y_n = x_n[:, t_n : t_n + h, l_n : l_n + w]; dx_n = dy_n at that place, 0 elsewhere."""

    @staticmethod
    def forward(ctx: Any, x: Any, tops: np.ndarray, lefts: np.ndarray, size: Any) -> Any:
        ctx.tops, ctx.lefts, ctx.shape = tops, lefts, x.shape
        windows = sliding_window_view(x, size, axis=(2, 3))  # (N, C, H - h + 1, W - w + 1, h, w)
        return windows[np.arange(len(x)), :, tops, lefts]

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return PlaceEach.apply(dy, ctx.tops, ctx.lefts, ctx.shape)


class PlaceEach(Op):
    """y = zeros with x_n at (t_n, l_n) of y_n; dx_n = that part of dy_n."""

    @staticmethod
    def forward(ctx: Any, x: Any, tops: np.ndarray, lefts: np.ndarray, shape: Any) -> Any:
        ctx.tops, ctx.lefts, ctx.size = tops, lefts, x.shape[2:]
        y = np.zeros(shape, x.dtype)
        windows = sliding_window_view(y, x.shape[2:], axis=(2, 3), writeable=True)
        windows[np.arange(len(x)), :, tops, lefts] = x
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return CropEach.apply(dy, ctx.tops, ctx.lefts, ctx.size)


class FlipEach(Op):
    """y_n = x_n reversed along ``axis`` for the chosen n; dx_n = dy_n reversed for the same."""

    @staticmethod
    def forward(ctx: Any, x: Any, chosen: np.ndarray, axis: int) -> Any:
        ctx.chosen, ctx.axis = chosen, axis
        y = np.array(x, order="C")
        y[chosen] = np.flip(x[chosen], axis)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return FlipEach.apply(dy, ctx.chosen, ctx.axis)


def crop_each(x: Tensor, tops: np.ndarray, lefts: np.ndarray, size: tuple[int, int]) -> Tensor:
    """A window of ``size`` from each image, at rows ``tops`` and columns ``lefts``, both (N,)."""
    return CropEach.apply(x, tops, lefts, size)


def flip_each(x: Tensor, chosen: np.ndarray, axis: int) -> Tensor:
    """The images where ``chosen``, bool (N,), holds reversed along ``axis``, the others copied."""
    return FlipEach.apply(x, chosen, axis)


def erase_each(x: Tensor, boxes: np.ndarray, values: np.ndarray | None, inplace: bool) -> Tensor:
    """A rectangle of each image filled.

    Args:
        x: (N, C, H, W).
        boxes: top, left, height and width, (4, N); a height of 0 leaves an image as it is.
        values: (1,) or (C,); ``None`` for standard normal noise.
        inplace: change ``x`` itself.
    """
    top, left, height, width = boxes[:, :, None]  # (N, 1) each
    row, column = np.arange(x.shape[2]), np.arange(x.shape[3])
    rows = (row >= top) & (row < top + height)
    columns = (column >= left) & (column < left + width)
    inside = (rows[:, :, None] & columns[:, None])[:, None]  # (N, 1, H, W)
    if values is None:
        filling = np.zeros(tuple(x.shape), x.dtype.numpy)
        places = np.broadcast_to(inside, filling.shape)
        filling[places] = numpy_generator(None).standard_normal(np.count_nonzero(places))
    else:
        filling = values[:, None, None]
    y = where(from_numpy(inside), from_numpy(filling), x)
    return x.copy_(y) if inplace else y
