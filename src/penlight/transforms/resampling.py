"""Resampling along one dimension: each new value is a weighted sum of a few old ones.

y_i = sum_k weight[i, k] x[index[i, k]]. Pixel ``i`` lies at ``i + 1/2``. Enlarging (and shrinking
without ``antialias``) interpolates between the nearest pixels; shrinking with it widens the filter
by the scale, so that every old pixel counts.

Source: Turkowski, "Filters for common resampling tasks", Graphics Gems I, 1990; Keys, "Cubic
convolution interpolation for digital image processing", 1981.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from penlight.autograd.op import Op
from penlight.tensor import Tensor

__all__ = ["nearest_indices", "resample", "smaller_edge"]


class Table(NamedTuple):
    """For every new position, which old ones count and how much: both (out, K)."""

    sources: np.ndarray
    weights: np.ndarray
    size: int  # how many old ones there are

    def transposed(self) -> Table:
        """The table of the transposed matrix: the gradient's."""
        places = self.sources.ravel()
        counts = np.bincount(places, minlength=self.size)
        order = np.argsort(places, kind="stable")
        taps = max(1, int(counts.max()))
        column = np.arange(places.size) - np.repeat(np.cumsum(counts) - counts, counts)
        sources = np.zeros((self.size, taps), np.intp)
        weights = np.zeros((self.size, taps))
        sources[places[order], column] = order // self.sources.shape[1]
        weights[places[order], column] = self.weights.ravel()[order]
        return Table(sources, weights, len(self.sources))


class Resample(Op):
    """y = sum over k of w_k x[i_k] along ``axis``; dx = the same with the transposed table."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, table: Table, axis: int) -> np.ndarray:
        ctx.table, ctx.axis = table, axis
        shape = [1] * x.ndim
        shape[axis] = len(table.sources)
        y = None
        for index, weight in zip(table.sources.T, table.weights.T, strict=True):
            term = x.take(index, axis)
            term *= weight.astype(x.dtype).reshape(shape)
            if y is None:
                y = term
            else:
                y += term
        assert y is not None
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Resample.apply(dy, ctx.table.transposed(), ctx.axis)


def _linear(x: np.ndarray) -> np.ndarray:
    """1 - |x| within 1, a triangle."""
    return np.maximum(1 - np.abs(x), 0)


def _cubic(x: np.ndarray, a: float) -> np.ndarray:
    """Keys' kernel: cubic pieces on [0, 1] and [1, 2]."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0))


@functools.lru_cache(maxsize=64)
def _table(old: int, new: int, mode: str, antialias: bool) -> Table:
    scale = old / new
    centre = (np.arange(new) + 0.5) * scale
    radius = 1 if mode == "bilinear" else 2
    if antialias:
        stretch = max(scale, 1.0)
        first = np.maximum((centre - radius * stretch + 0.5).astype(np.intp), 0)
        end = np.minimum((centre + radius * stretch + 0.5).astype(np.intp), old)
        index = first[:, None] + np.arange(int((end - first).max()))
        distance = (index - centre[:, None] + 0.5) / stretch
        weight = _linear(distance) if mode == "bilinear" else _cubic(distance, -0.5)
        weight = np.where(index < end[:, None], weight, 0)
        weight = weight / weight.sum(1, keepdims=True)
    else:
        position = centre - 0.5
        index = np.floor(position).astype(np.intp)[:, None] + np.arange(1 - radius, 1 + radius)
        distance = index - position[:, None]
        weight = _linear(distance) if mode == "bilinear" else _cubic(distance, -0.75)
    return Table(np.clip(index, 0, old - 1), weight, old)


def resample(x: Tensor, size: tuple[int, int], mode: str, antialias: bool) -> Tensor:
    """(..., H, W) to (..., *size), by ``"bilinear"`` or ``"bicubic"`` interpolation.

    The dimension that shrinks most goes first, which leaves the least to do for the other.
    """
    axes = sorted((-2, -1), key=lambda axis: size[axis] / x.shape[axis])
    for axis in axes:
        if size[axis] != x.shape[axis]:
            table = _table(x.shape[axis], size[axis], mode, antialias)
            x = Resample.apply(x, table, x.ndim + axis)
    return x


def nearest_indices(old: int, new: int, exact: bool) -> np.ndarray:
    """Which old pixel each new one repeats.

    ``exact`` takes the one under its centre, as Pillow does; else the one under its first corner,
    computed in single precision, as PyTorch does.
    """
    if exact:
        scale = np.float32(old) / np.float32(new)
        position = (np.arange(new, dtype=np.float32) + np.float32(0.5)) * scale
    else:
        position = np.arange(new, dtype=np.float32) * (np.float32(old) / np.float32(new))
    return np.minimum(np.floor(position).astype(np.intp), old - 1)


def smaller_edge(old: tuple[int, int], edge: int, max_size: int | None) -> tuple[int, int]:
    """(H, W) scaled so that the smaller of both is ``edge``, and the larger at most ``max_size``."""
    short, long = sorted(old)
    new_short, new_long = edge, int(edge * long / short)
    if max_size is not None and new_long > max_size:
        new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_short, new_long) if old[0] <= old[1] else (new_long, new_short)
