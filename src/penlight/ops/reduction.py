"""Sums and means over dimensions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axes
from penlight._core.dtypes import as_dtype
from penlight.autograd.op import Op
from penlight.autograd.primitives import BroadcastTo
from penlight.ops.promotion import cast

if TYPE_CHECKING:
    from penlight._core.dtypes import dtype as Dtype
    from penlight.tensor import Tensor

__all__ = ["mean", "sum"]

Dims = int | tuple[int, ...] | list[int] | None


def spread(dy: Any, shape: tuple[int, ...], axes: tuple[int, ...] | None) -> Any:
    """A reduction's gradient in the shape of its input: reduced axes come back at size one."""
    if axes is None:
        axes = tuple(range(len(shape)))
    kept = tuple(1 if a in axes else n for a, n in enumerate(shape))
    return BroadcastTo.apply(dy.reshape(kept), shape)


class Sum(Op):
    """y = sum of x over ``axes``; dx = dy, repeated along them."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...] | None, keepdims: bool) -> Any:
        ctx.shape, ctx.axes = x.shape, axes
        return np.add.reduce(x, axis=axes, keepdims=keepdims)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return spread(dy, ctx.shape, ctx.axes)


def sum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Dtype | None = None
) -> Tensor:
    """The sum over ``dim`` (default: all dimensions); integers and booleans sum as int64."""
    axes = normalize_axes(dim, input._array.ndim) or None
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    elif input._array.dtype.kind in "biu":
        input = cast(input, as_dtype(int))
    return Sum.apply(input, axes, keepdim)  # type: ignore[no-any-return]


class Mean(Op):
    """y = (1/n) sum of x over ``axes``, n elements each; dx = dy / n."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...] | None, keepdims: bool) -> Any:
        ctx.shape, ctx.axes = x.shape, axes
        ctx.n = math.prod(x.shape if axes is None else (x.shape[a] for a in axes))
        total = np.add.reduce(x, axis=axes, keepdims=keepdims)
        return total / ctx.n if ctx.n else total * math.nan

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return spread(dy / max(ctx.n, 1), ctx.shape, ctx.axes)


def mean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Dtype | None = None
) -> Tensor:
    """The mean over ``dim`` (default: all dimensions); NaN over no elements.

    Raises:
        RuntimeError: for integers and booleans, unless ``dtype`` is a floating one.
    """
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    if input._array.dtype.kind in "biu":
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or "
            f"complex dtype. Got: {input.dtype}"
        )
    axes = normalize_axes(dim, input._array.ndim) or None
    return Mean.apply(input, axes, keepdim)  # type: ignore[no-any-return]
