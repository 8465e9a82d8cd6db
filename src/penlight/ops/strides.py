"""Views that overlap or skip: diagonals, sliding windows, arbitrary strides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis, shape_argument
from penlight._core.arrays import ArrayLike
from penlight.autograd.op import Op, ViewOp
from penlight.kernels.memory import memory_of, strided
from penlight.ops.indexing import Place

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["as_strided", "diag", "diag_embed", "diagflat", "diagonal"]


# -- diagonals -------------------------------------------------------------------------------


class Diagonal(ViewOp):
    """y = the elements x[..., i, i + offset], along a new last dimension; dx = dy put back there."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, offset: int, a: int, b: int) -> np.ndarray:
        ctx.options, ctx.shape = (offset, a, b), x.shape
        y = np.diagonal(x, offset, a, b)
        if x.flags.writeable:
            y.flags.writeable = True
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return PlaceDiagonal.apply(dy, ctx.shape, *ctx.options)


class PlaceDiagonal(Op):
    """y = zeros with x's last dimension along a diagonal; dx = dy's diagonal."""

    label = "DiagEmbedBackward0"

    @staticmethod
    def forward(
        ctx: Any, x: np.ndarray, shape: tuple[int, ...], offset: int, a: int, b: int
    ) -> Any:
        ctx.options = (offset, a, b)
        y = np.zeros(shape, x.dtype)
        into = np.moveaxis(y, (a, b), (-2, -1))
        i = np.arange(x.shape[-1])
        into[..., i + max(-offset, 0), i + max(offset, 0)] = x
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Diagonal.apply(dy, *ctx.options)


def two_axes(dim1: int, dim2: int, ndim: int) -> tuple[int, int]:
    a, b = normalize_axis(dim1, ndim, "dim1"), normalize_axis(dim2, ndim, "dim2")
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return a, b


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two dimensions, as a new last dimension: a view."""
    return Diagonal.apply(input, offset, *two_axes(dim1, dim2, input._array.ndim))


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dimension of ``input`` on a diagonal."""
    if not input._array.ndim:
        raise RuntimeError("diag_embed: input must have at least 1 dimension, got 0")
    *lead, n = input._array.shape
    a, b = two_axes(dim1, dim2, len(lead) + 2)
    shape = list(lead)
    for axis in sorted((a, b)):
        shape.insert(axis, n + abs(offset))
    return PlaceDiagonal.apply(input, tuple(shape), offset, a, b)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A matrix's diagonal (a copy), or the matrix with a vector on it."""
    if input._array.ndim == 1:
        return diag_embed(input, diagonal)
    if input._array.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input._array.ndim}D")
    y: Tensor = Diagonal.apply(input, diagonal, 0, 1)
    return y.clone()


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements of ``input`` on a diagonal."""
    return diag_embed(input.reshape(-1), offset)


# -- sliding windows -------------------------------------------------------------------------


class Unfold(ViewOp):
    """y[.., k, .., j] = x[.., k step + j, ..]: windows of one dimension; dx = the windows added up."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, axis: int, size: int, step: int) -> np.ndarray:
        ctx.options, ctx.shape = (axis, size, step), x.shape
        shape, strides = list(x.shape), list(x.strides)
        shape[axis], strides[axis] = (x.shape[axis] - size) // step + 1, x.strides[axis] * step
        return strided(x, (*shape, size), (*strides, x.strides[axis]))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return FoldAlong.apply(dy, ctx.shape, *ctx.options)


class FoldAlong(Op):
    """y = zeros with x's windows added at their places; dx = dy's windows."""

    @staticmethod
    def forward(
        ctx: Any, x: np.ndarray, shape: tuple[int, ...], axis: int, size: int, step: int
    ) -> np.ndarray:
        ctx.options = (axis, size, step)
        y = np.zeros(shape, x.dtype)
        before, count = (slice(None),) * axis, x.shape[axis]
        for j in range(size):
            y[(*before, slice(j, j + step * (count - 1) + 1, step))] += x[..., j]
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Unfold.apply(dy, *ctx.options)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of ``size`` elements along a dimension, ``step`` apart: a view.

    The windows' elements lie along a new last dimension.
    """
    axis = normalize_axis(dimension, input._array.ndim, "dimension")
    x = input if input._array.ndim else input.reshape(1)
    n = x._array.shape[axis]
    if size < 0:
        raise RuntimeError(f"unfold: size is {size} but must be >= 0")
    if size > n:
        raise RuntimeError(
            f"unfold: maximum size for tensor at dimension {axis} is {n} but size is {size}"
        )
    if step <= 0:
        raise RuntimeError(f"unfold: step is {step} but must be > 0")
    y: Tensor = Unfold.apply(x, axis, size, step)
    return y if input._array.ndim else y.reshape(size)


# -- arbitrary strides -----------------------------------------------------------------------


class AsStrided(ViewOp):
    """y = the elements at offset + sum_k i_k stride_k of x's memory; dx = dy added up at them.

    Strides and the offset, which counts from x's first element, are in elements.
    """

    @staticmethod
    def forward(
        ctx: Any, x: np.ndarray, size: tuple[int, ...], stride: tuple[int, ...], offset: int
    ) -> np.ndarray:
        step = x.itemsize
        ctx.shape, ctx.strides = x.shape, tuple(s // step for s in x.strides)
        ctx.geometry = size, stride, offset
        return strided(x, size, tuple(s * step for s in stride), offset * step)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        n = math.prod(ctx.shape)
        places = _places(ctx.shape, ctx.strides, *ctx.geometry)
        return Place.apply(dy, (n + 1,), (0,), places)[:-1].reshape(ctx.shape)


def _positions(shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """sum_k i_k stride_k for all indices i."""
    total = np.zeros(shape, np.int64)
    for a, (n, s) in enumerate(zip(shape, strides, strict=True)):
        total += (np.arange(n) * s).reshape((-1,) + (1,) * (len(shape) - a - 1))
    return total


def _places(
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    size: tuple[int, ...],
    stride: tuple[int, ...],
    offset: int,
) -> np.ndarray:
    """Which of x's elements, counted in order, each element of the view is; x's size if none."""
    mine, theirs = _positions(shape, strides), _positions(size, stride) + offset
    low = min(int(mine.min(initial=0)), int(theirs.min(initial=0)))
    high = max(int(mine.max(initial=0)), int(theirs.max(initial=0)))
    element = np.full(high - low + 1, mine.size)
    element[mine - low] = np.arange(mine.size).reshape(shape)
    return element[theirs - low]


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the tensor's memory with any sizes and strides, counted in elements.

    Args:
        storage_offset: from the start of the memory. Default: where ``input`` begins.

    Raises:
        RuntimeError: if the view would leave the memory.
    """
    shape, steps = shape_argument((size,)), shape_argument((stride,), "stride")
    if len(shape) != len(steps):
        raise RuntimeError(
            f"as_strided: mismatch in length of strides and shape: {len(steps)} and {len(shape)}"
        )
    if any(s < 0 for s in steps):
        raise RuntimeError(f"as_strided: Negative strides are not supported, got {list(steps)}")
    if isinstance(input._array, ArrayLike):  # each sample of a vmap counts from its own start
        return AsStrided.apply(input, shape, steps, storage_offset or 0)
    root, start = memory_of(input._array)
    if not (root.flags.c_contiguous or root.flags.f_contiguous):
        raise RuntimeError("as_strided: the tensor's memory has gaps; clone() it first")
    begin, available = start // input._array.itemsize, root.nbytes // input._array.itemsize
    first = begin if storage_offset is None else storage_offset
    last = first + sum((n - 1) * s for n, s in zip(shape, steps, strict=True))
    if first < 0 or (all(shape) and last >= available):
        raise RuntimeError(
            f"as_strided: sizes {list(shape)}, strides {list(steps)}, storage offset {first} reach "
            f"element {last} of a memory of {available} elements"
        )
    y: Tensor = AsStrided.apply(input, shape, steps, first - begin)
    if y._view is not None and not y._view.base._array.flags.c_contiguous:
        y._view = y._view._replace(origin="lies in memory as no copy of its base would")
    return y
