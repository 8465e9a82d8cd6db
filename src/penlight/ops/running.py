"""Running sums, products and extrema along a dimension; differences; the trapezoidal rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight._core.arguments import normalize_axis, numpy_names
from penlight._core.dtypes import as_dtype
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.ops.complex import conjugate
from penlight.ops.joining import cat
from penlight.ops.promotion import cast, floating
from penlight.ops.scatter import gather

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "cummax", "cummin", "cumprod", "cumsum", "cumulative_trapezoid", "diff", "logcumsumexp", "trapezoid",
    "trapz",
]  # fmt: skip


class CumSum(Op):
    """y_i = x_1 + ... + x_i along ``axis``; dx_i = dy_i + ... + dy_n."""

    label = "CumsumBackward0"

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, reverse: bool) -> Any:
        ctx.axis, ctx.reverse = axis, reverse
        if reverse:
            return np.flip(np.cumsum(np.flip(x, axis), axis, dtype=x.dtype), axis).copy()
        return np.cumsum(x, axis, dtype=x.dtype)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return CumSum.apply(dy, ctx.axis, not ctx.reverse)


def _along(input: Tensor, dim: int, dtype: Any) -> tuple[Tensor, int]:
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    elif input._array.dtype.kind in "biu":
        input = cast(input, as_dtype(int))
    return input, normalize_axis(dim, input._array.ndim)


@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running sums along ``dim``."""
    x, axis = _along(input, dim, dtype)
    return CumSum.apply(x, axis, False) if x._array.ndim else x.clone()


class CumProd(Op):
    """y_i = x_1 ... x_i along ``axis``; dx_k = sum_{i >= k} dy_i prod_{j <= i, j != k} x_j.

    Without zeros that is (sum_{i >= k} dy_i y_i) / x_k; with zeros each product is formed anew.
    """

    label = "CumprodBackward0"

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        y = np.cumprod(x, axis, dtype=x.dtype)
        ctx.save(x, y)
        ctx.axis, ctx.has_zeros = axis, not np.all(x)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, y = ctx.saved
        if not ctx.has_zeros:
            return CumSum.apply(dy * conjugate(y), ctx.axis, True) / conjugate(x)
        n = x.shape[ctx.axis]
        place = np.arange(n).reshape((-1,) + (1,) * (x.ndim - ctx.axis - 1))
        total = 0 * x
        for k in range(n):  # the running product with x_k left out, from k on
            without = conjugate(CumProd.apply(np.where(place == k, 1, x), ctx.axis))
            of_k = np.sum(np.where(place >= k, dy * without, 0), axis=ctx.axis, keepdims=True)
            total = total + np.where(place == k, of_k, 0)
        return total


@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running products along ``dim``."""
    x, axis = _along(input, dim, dtype)
    return CumProd.apply(x, axis) if x._array.ndim else x.clone()


class LogCumSumExp(Op):
    """y_i = ln(e^x_1 + ... + e^x_i) along ``axis``; dx_i = sum_{j >= i} dy_j e^(x_i - y_j).

    That sum is formed by its logarithm, for positive and negative dy apart: e^-y may overflow.
    """

    label = "LogcumsumexpBackward0"

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        y = np.logaddexp.accumulate(x, axis)
        ctx.save(x, y)
        ctx.axis = axis
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, y = ctx.saved
        y = np.where(np.isfinite(y), y, 0)

        def part(g: Any) -> Any:
            known = g > 0
            logs = np.where(known, np.log(np.where(known, g, 1)) - y, -np.inf)
            total = np.flip(LogCumSumExp.apply(np.flip(logs, ctx.axis), ctx.axis), ctx.axis)
            return np.exp(x + total)

        return part(dy) - part(-dy)


@numpy_names
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """log of running sums of exp(input) along ``dim``, without overflow."""
    x = floating(input)
    axis = normalize_axis(dim, x._array.ndim)
    return LogCumSumExp.apply(x, axis) if x._array.ndim else x.clone()


def _running_extremum(input: Tensor, dim: int, larger: Any, kind: Any) -> Any:
    axis = normalize_axis(dim, input._array.ndim)
    if not input._array.ndim:
        return kind(input.clone(), wrap(TensorBase._result_type, np.zeros((), np.int64)))
    x = input._array
    best = (np.maximum if larger is np.greater_equal else np.minimum).accumulate(x, axis)
    before = np.roll(best, 1, axis)
    place = np.arange(x.shape[axis]).reshape((-1,) + (1,) * (x.ndim - axis - 1))
    new = (place == 0) | larger(x, before)
    if x.dtype.kind == "f":
        new |= np.isnan(x)
    index = np.maximum.accumulate(np.where(new, place, 0), axis)
    indices = wrap(TensorBase._result_type, index)
    return kind(gather(input, axis, indices), indices)


@numpy_names
def cummax(input: Tensor, dim: int) -> Any:
    """Running maxima along ``dim``, and where they are: the last among equals."""
    return _running_extremum(input, dim, np.greater_equal, return_types.cummax)


@numpy_names
def cummin(input: Tensor, dim: int) -> Any:
    """Running minima along ``dim``, and where they are: the last among equals."""
    return _running_extremum(input, dim, np.less_equal, return_types.cummin)


# -- differences -----------------------------------------------------------------------------


@numpy_names
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None
) -> Tensor:
    """Differences of neighbours along ``dim``, n times over.

    Args:
        prepend, append: tensors joined before and after ``input`` first.
    """
    if not input._array.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"diff: order must be non-negative but got {n}")
    parts = [x for x in (prepend, input, append) if x is not None]
    x = cat(parts, dim) if len(parts) > 1 else input
    axis = normalize_axis(dim, x._array.ndim)
    for _ in range(n):
        size = x._array.shape[axis]
        if size < 2:
            return x.narrow(axis, 0, 0)
        after, before = x.narrow(axis, 1, size - 1), x.narrow(axis, 0, size - 1)
        x = after != before if x._array.dtype.kind == "b" else after - before
    return x


def _trapezoids(y: Tensor, x: Any, dx: Any, dim: int) -> tuple[Tensor, int]:
    """The areas between neighbouring points along ``dim``."""
    axis = normalize_axis(dim, y._array.ndim)
    size = y._array.shape[axis]
    heights = y.narrow(axis, 1, max(size - 1, 0)) + y.narrow(axis, 0, max(size - 1, 0))
    widths = 1 if dx is None else dx
    if x is not None:
        if x._array.ndim == 1:
            x = x.reshape([-1 if a == axis else 1 for a in range(y._array.ndim)])
        widths = diff(x, dim=axis if x._array.ndim == y._array.ndim else dim)
    return heights * widths / 2, axis


@numpy_names
def trapezoid(y: Tensor, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integral of y along ``dim`` by the trapezoidal rule.

    Args:
        x: the points. Default: ``dx`` apart.
        dx: the spacing. Default: 1.
    """
    areas, axis = _trapezoids(y, x, dx, dim)
    return areas.sum(axis)


@numpy_names
def cumulative_trapezoid(y: Tensor, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The running integral of y along ``dim`` by the trapezoidal rule."""
    areas, axis = _trapezoids(y, x, dx, dim)
    return cumsum(areas, axis)


trapz = trapezoid
