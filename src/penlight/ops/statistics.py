"""Products, variances, norms, and running sums."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axes, normalize_axis
from penlight._core.dtypes import as_dtype
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.ops.promotion import cast, floating
from penlight.ops.reduction import Dims, spread

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "all", "any", "count_nonzero", "cumprod", "cumsum", "logcumsumexp", "logsumexp", "nanmean", "nansum",
    "norm", "prod", "std", "std_mean", "var", "var_mean",
]  # fmt: skip


class Prod(Op):
    """y = the product of x over ``axis``; dx_i = dy times the product of the others.

    The others' product is that of all before times that of all after, so zeros do no harm.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, keepdims: bool) -> Any:
        ctx.save(x)
        ctx.axis = axis
        return np.multiply.reduce(x, axis=axis, keepdims=keepdims)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return spread(dy, x.shape, (ctx.axis,)) * OthersProduct.apply(x, ctx.axis)


class OthersProduct(Op):
    """y_i = prod_{j != i} x_j along an axis; dx_k = sum_{i != k} dy_i prod_{j != i, k} x_j."""

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        ctx.save(x)
        ctx.axis = axis
        first = np.ones_like(np.take(x, [0], axis)) if x.shape[axis] else x
        without_last = np.take(x, range(x.shape[axis] - 1), axis)
        without_first = np.flip(np.take(x, range(1, x.shape[axis]), axis), axis)
        before = np.cumprod(np.concatenate([first, without_last], axis), axis, dtype=x.dtype)
        after = np.cumprod(np.concatenate([first, without_first], axis), axis, dtype=x.dtype)
        return before * np.flip(after, axis)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        n = x.shape[ctx.axis]
        total = 0 * x
        for i in range(n):  # the product of all but i, as a function of the others
            here = np.arange(n).reshape((-1,) + (1,) * (x.ndim - ctx.axis - 1)) == i
            others = OthersProduct.apply(np.where(here, 1, x), ctx.axis)
            of_i = np.sum(np.where(here, dy, 0), axis=ctx.axis, keepdims=True)
            total = total + np.where(here, 0, others * of_i)
        return total


def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The product over ``dim`` (default: of all elements)."""
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    elif input._array.dtype.kind in "biu":
        input = cast(input, as_dtype(int))
    if dim is None or not input._array.ndim:
        return Prod.apply(input.reshape(-1), 0, False)  # type: ignore[no-any-return]
    return Prod.apply(input, normalize_axis(dim, input._array.ndim), keepdim)  # type: ignore[no-any-return]


class Var(Op):
    """y = sum (x - m)^2 / (n - c) with m the mean over ``axes``; dx = 2 dy (x - m) / (n - c)."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...] | None, c: float, keepdims: bool) -> Any:
        n = math.prod(x.shape if axes is None else (x.shape[a] for a in axes))
        ctx.save(x)
        ctx.axes, ctx.n, ctx.free = axes, n, max(n - c, 0)
        centred = x - np.add.reduce(x, axis=axes, keepdims=True) / max(n, 1)
        total = np.add.reduce(centred * centred, axis=axes, keepdims=keepdims)
        return total / np.asarray(ctx.free, x.dtype)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        centred = x - np.sum(x, axis=ctx.axes, keepdims=True) / max(ctx.n, 1)
        scale = 2 / ctx.free if ctx.free else math.nan
        return spread(dy, x.shape, ctx.axes) * (centred * scale)


def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The variance over ``dim`` (default: all): squared deviations summed, divided by n - correction.

    Args:
        unbiased: True is correction 1, False is 0.
        correction: default: 1, Bessel's.
    """
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        correction = float(unbiased)
    if input._array.dtype.kind not in "fc":
        raise RuntimeError(
            f"std and var only support floating point and complex dtypes, got {input.dtype}"
        )
    axes = normalize_axes(dim, input._array.ndim) or None
    return Var.apply(input, axes, 1.0 if correction is None else correction, keepdim)  # type: ignore[no-any-return]


def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The standard deviation: the square root of :func:`var`."""
    return var(input, dim, unbiased, keepdim, correction=correction).sqrt()


def var_mean(
    input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, **kw: Any
) -> Any:
    """:func:`var` and the mean."""
    dims = None if isinstance(dim, bool) else dim
    return var(input, dim, unbiased, keepdim, **kw), input.mean(dims, keepdim)


def std_mean(
    input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, **kw: Any
) -> Any:
    """:func:`std` and the mean."""
    variance, mean = var_mean(input, dim, unbiased, keepdim, **kw)
    return variance.sqrt(), mean


class LogSumExp(Op):
    """y = ln sum e^x over ``axes``, shifted by the maximum; dx = dy e^(x - y)."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
        top = np.maximum.reduce(x, axis=axes, keepdims=True, initial=-np.inf)
        top = np.where(np.isfinite(top), top, 0).astype(x.dtype, copy=False)
        y = np.log(np.add.reduce(np.exp(x - top), axis=axes, keepdims=True)) + top
        if not keepdims:
            y = np.squeeze(y, axes)
        ctx.save(x, y)
        ctx.axes = axes
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, y = ctx.saved
        return spread(dy, x.shape, ctx.axes) * np.exp(x - spread(y, x.shape, ctx.axes))


def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """log(sum(exp(input))) over ``dim``, without overflow."""
    axes = normalize_axes(dim, input._array.ndim) or ()
    return LogSumExp.apply(floating(input), axes, keepdim)  # type: ignore[no-any-return]


class Norm2(Op):
    """y = sqrt(sum x^2) over ``axes``; dx = dy x / y, and 0 where y is 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...] | None, keepdims: bool) -> Any:
        y = np.sqrt(np.add.reduce(x * x, axis=axes, keepdims=keepdims))
        ctx.save(x, y)
        ctx.axes = axes
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, y = ctx.saved
        direction = np.where(y == 0, 0, dy / np.where(y == 0, 1, y))
        return x * spread(direction, x.shape, ctx.axes)


def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """The p-norm (sum |x|^p)^(1/p) over ``dim`` (default: of all elements as one vector).

    Args:
        p: a number, ``inf``, ``-inf``, or ``"fro"``, which is 2.
    """
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    if input._array.dtype.kind not in "fc":
        raise RuntimeError(
            f"norm: expected a floating point or complex tensor as input, got {input.dtype}"
        )
    axes = normalize_axes(dim, input._array.ndim) or None
    if p in ("fro", 2, None):
        return Norm2.apply(input, axes, keepdim)  # type: ignore[no-any-return]
    if not isinstance(p, (int, float)):
        raise RuntimeError(f"norm: p must be a number, inf or 'fro', got {p!r}")
    size = input.abs()
    if math.isinf(p):
        return (size.amax if p > 0 else size.amin)(
            dim=() if axes is None else axes, keepdim=keepdim
        )
    if p == 0:
        return cast(input != 0, input.dtype).sum(axes, keepdim)
    if p == 1:
        return size.sum(axes, keepdim)
    return (size**p).sum(axes, keepdim) ** (1 / p)


class CumSum(Op):
    """y_i = x_1 + ... + x_i along ``axis``; dx_i = dy_i + ... + dy_n."""

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


def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running sums along ``dim``."""
    x, axis = _along(input, dim, dtype)
    return CumSum.apply(x, axis, False) if x._array.ndim else x.clone()  # type: ignore[no-any-return]


class CumProd(Op):
    """y_i = x_1 ... x_i along ``axis``; dx_k = sum_{i >= k} dy_i prod_{j <= i, j != k} x_j."""

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int) -> Any:
        ctx.save(x)
        ctx.axis = axis
        return np.cumprod(x, axis, dtype=x.dtype)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        n = x.shape[ctx.axis]
        place = np.arange(n).reshape((-1,) + (1,) * (x.ndim - ctx.axis - 1))
        total = 0 * x
        for k in range(n):  # the running product with x_k left out, from k on
            without = CumProd.apply(np.where(place == k, 1, x), ctx.axis)
            of_k = np.sum(np.where(place >= k, dy * without, 0), axis=ctx.axis, keepdims=True)
            total = total + np.where(place == k, of_k, 0)
        return total


def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running products along ``dim``."""
    x, axis = _along(input, dim, dtype)
    return CumProd.apply(x, axis) if x._array.ndim else x.clone()  # type: ignore[no-any-return]


def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """log of running sums of exp(input) along ``dim``, shifted by the overall maximum."""
    top = input.detach().amax(dim, keepdim=True)
    return cumsum((input - top).exp(), dim).log() + top


def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum with NaN counted as 0."""
    return input.where(input == input, 0).sum(dim, keepdim, dtype=dtype)


def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of what is not NaN."""
    count = cast(input == input, input.dtype).sum(dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / count


def _logical(function: Any, input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    axes = normalize_axes(dim, input._array.ndim) or None
    y = function(input._array.astype(np.bool_, copy=False), axis=axes, keepdims=keepdim)
    d = np.uint8 if input._array.dtype == np.uint8 else np.bool_
    return wrap(TensorBase._result_type, np.asarray(y, d))  # type: ignore[no-any-return]


def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether all elements over ``dim`` are nonzero."""
    return _logical(np.logical_and.reduce, input, dim, keepdim)


def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether any element over ``dim`` is nonzero."""
    return _logical(np.logical_or.reduce, input, dim, keepdim)


def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements over ``dim`` are nonzero."""
    axes = normalize_axes(dim, input._array.ndim) or None
    return wrap(TensorBase._result_type, np.asarray(np.count_nonzero(input._array, axis=axes)))  # type: ignore[no-any-return]
