"""Softmax and its logarithm, over one dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis, numpy_names
from penlight._core.dtypes import as_dtype
from penlight.autograd.op import Op
from penlight.kernels import softmax as kernels
from penlight.ops.promotion import cast

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["log_softmax", "softmax"]


def shifted(x: Any, axis: int) -> Any:
    """x minus its maximum along ``axis``, so that exp can't overflow; rows of -inf give NaN."""
    return x - np.maximum.reduce(
        x, axis=axis, keepdims=True, initial=-np.inf if not x.size else None
    )


def _rows(x: Any) -> Any:
    return x.reshape(-1, x.shape[-1])


class Softmax(Op):
    """y_i = e^x_i / sum_j e^x_j; dx_i = y_i (dy_i - sum_j dy_j y_j)."""

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        if kernels.fits(x, axis):
            y = kernels.softmax(_rows(x)).reshape(x.shape)
        else:
            y = shifted(x, axis)
            np.exp(y, out=y)
            y /= np.add.reduce(y, axis=axis, keepdims=True)
        ctx.save(y)
        ctx.axis = axis
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        if kernels.fits(dy, ctx.axis) and y.flags.c_contiguous:
            return kernels.softmax_backward(_rows(dy), _rows(y)).reshape(y.shape)
        return (dy - np.sum(dy * y, axis=ctx.axis, keepdims=True)) * y


class LogSoftmax(Op):
    """y_i = x_i - ln sum_j e^x_j; dx_i = dy_i - e^y_i sum_j dy_j."""

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        if kernels.fits(x, axis):
            y = kernels.log_softmax(_rows(x)).reshape(x.shape)
        else:
            y = shifted(x, axis)
            y -= np.log(np.add.reduce(np.exp(y), axis=axis, keepdims=True))
        ctx.save(y)
        ctx.axis = axis
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        if kernels.fits(dy, ctx.axis) and y.flags.c_contiguous:
            return kernels.log_softmax_backward(_rows(dy), _rows(y)).reshape(y.shape)
        return dy - np.exp(y) * np.sum(dy, axis=ctx.axis, keepdims=True)


def _over(name: str, op: type[Op], input: Tensor, dim: int, dtype: Any) -> Any:
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    elif input._array.dtype.kind not in "fc":
        raise NotImplementedError(
            f"{name}: not implemented for input of dtype {input.dtype}; give a floating dtype="
        )
    axis = normalize_axis(dim, input._array.ndim)
    if not input._array.ndim:
        return op.apply(input.reshape(1), 0).reshape(())
    return op.apply(input, axis)


@numpy_names
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """exp(input) scaled to sum to one along ``dim``."""
    return _over("softmax", Softmax, input, dim, dtype)


@numpy_names
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """The logarithm of :func:`softmax`, computed without forming it."""
    return _over("log_softmax", LogSoftmax, input, dim, dtype)
