"""Sums and means over dimensions, and what is true of all or any elements."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axes, numpy_names
from penlight._core.arrays import as_array
from penlight._core.dtypes import as_dtype
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.autograd.primitives import BroadcastTo
from penlight.ops.promotion import cast

if TYPE_CHECKING:
    from penlight._core.dtypes import dtype as Dtype
    from penlight.tensor import Tensor

__all__ = ["all", "any", "count_nonzero", "mean", "nanmean", "nansum", "sum"]

Dims = int | tuple[int, ...] | list[int] | None
add_reduce: Any = np.add.reduce


def total_over(x: Any, axes: tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """The sum; that of halves in float32, in which the sum of many neither overflows nor stalls."""
    if x.dtype.char == "e":
        return add_reduce(x, axis=axes, dtype=np.float32, keepdims=keepdims)
    return add_reduce(x, axis=axes, keepdims=keepdims)


def spread(dy: Any, shape: tuple[int, ...], axes: tuple[int, ...] | None) -> Any:
    """A reduction's gradient in the shape of its input: reduced axes come back at size one."""
    if axes is None:
        return BroadcastTo.apply(dy, shape)
    kept = tuple(1 if a in axes else n for a, n in enumerate(shape))
    return BroadcastTo.apply(dy.reshape(kept), shape)


def reduced_axes(dim: Any, ndim: int) -> tuple[int, ...] | None:
    """``dim`` as axes; ``None``, for all of them, also for ``()`` as in PyTorch."""
    return normalize_axes(dim, ndim) or None


def as_summable(input: Tensor, dtype: Any) -> Tensor:
    """``input`` in the dtype in which it is summed: int64 for integers and booleans."""
    if dtype is not None:
        return cast(input, as_dtype(dtype, "sum"))
    return cast(input, as_dtype(int)) if input._array.dtype.kind in "biu" else input


class _OverAxes(Op):
    """What reductions over axes share: PyTorch numbers their nodes by the form of the call."""

    def name(self) -> str:
        axes = self.__dict__.get("axes")
        return f"{type(self).__name__}Backward{int(axes is not None)}"


class Sum(_OverAxes):
    """y = sum of x over ``axes``; dx = dy, repeated along them."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...] | None, keepdims: bool) -> Any:
        ctx.shape, ctx.axes = x.shape, axes
        y = total_over(x, axes, keepdims)
        return y if y.dtype == x.dtype else y.astype(x.dtype)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return spread(dy, ctx.shape, ctx.axes)


@numpy_names
def sum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Dtype | None = None
) -> Tensor:
    """The sum over ``dim`` (default: all dimensions); integers and booleans sum as int64."""
    axes = reduced_axes(dim, input._array.ndim)
    return Sum.apply(as_summable(input, dtype), axes, keepdim)


class Mean(_OverAxes):
    """y = (1/n) sum of x over ``axes``, n elements each; dx = dy / n."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...] | None, keepdims: bool) -> Any:
        ctx.shape, ctx.axes = x.shape, axes
        ctx.n = math.prod(x.shape if axes is None else (x.shape[a] for a in axes))
        total = total_over(x, axes, keepdims)
        y = total / ctx.n if ctx.n else total * math.nan
        return y if y.dtype == x.dtype else y.astype(x.dtype)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return spread(dy / max(ctx.n, 1), ctx.shape, ctx.axes)


@numpy_names
def mean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Dtype | None = None
) -> Tensor:
    """The mean over ``dim`` (default: all dimensions); NaN over no elements.

    Raises:
        RuntimeError: for integers and booleans, unless ``dtype`` is a floating one.
    """
    if dtype is not None:
        input = cast(input, as_dtype(dtype, "mean"))
    if input._array.dtype.kind in "biu":
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or "
            f"complex dtype. Got: {input.dtype}"
        )
    return Mean.apply(input, reduced_axes(dim, input._array.ndim), keepdim)


@numpy_names
def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum with NaN counted as 0."""
    if input._array.dtype.kind in "biu":
        return sum(input, dim, keepdim, dtype=dtype)
    return sum(input.where(input == input, 0), dim, keepdim, dtype=dtype)


@numpy_names
def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of what is not NaN."""
    if input._array.dtype.kind in "biu":
        raise RuntimeError(
            f"nanmean(): expected input to have floating point or complex dtype but got {input.dtype}"
        )
    count = cast(input == input, input.dtype).sum(dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / count


# -- truth -----------------------------------------------------------------------------------


def _logical(function: Any, input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    axes = normalize_axes(dim, input._array.ndim)
    if dim is not None and not input._array.ndim:
        axes = None
    y = function(input._array.astype(np.bool_, copy=False), axis=axes, keepdims=keepdim)
    d = np.uint8 if input._array.dtype == np.uint8 else np.bool_
    return wrap(TensorBase._result_type, as_array(y).astype(d, copy=False))


@numpy_names
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether all elements over ``dim`` are nonzero."""
    return _logical(np.logical_and.reduce, input, dim, keepdim)


@numpy_names
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether any element over ``dim`` is nonzero."""
    return _logical(np.logical_or.reduce, input, dim, keepdim)


@numpy_names
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements over ``dim`` are nonzero."""
    axes = reduced_axes(dim, input._array.ndim)
    return wrap(TensorBase._result_type, as_array(np.count_nonzero(input._array, axis=axes)))
