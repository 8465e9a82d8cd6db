"""Products, variances, covariances and quantiles."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis, numpy_names
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.ops.complex import conjugate
from penlight.ops.promotion import floating
from penlight.ops.reduction import add_reduce, as_summable, reduced_axes, spread
from penlight.ops.scatter import gather

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "corrcoef", "cov", "nanquantile", "prod", "quantile", "std", "std_mean", "var", "var_mean",
]  # fmt: skip

multiply_reduce: Any = np.multiply.reduce


class Prod(Op):
    """y = the product of x over ``axis``; dx_i = dy times the product of the others.

    The others' product is that of all before times that of all after, so zeros do no harm.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, keepdims: bool) -> Any:
        ctx.save(x)
        ctx.axis = axis
        return multiply_reduce(x, axis=axis, keepdims=keepdims)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return spread(dy, x.shape, (ctx.axis,)) * conjugate(OthersProduct.apply(x, ctx.axis))


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
            others = conjugate(OthersProduct.apply(np.where(here, 1, x), ctx.axis))
            of_i = np.sum(np.where(here, dy, 0), axis=ctx.axis, keepdims=True)
            total = total + np.where(here, 0, others * of_i)
        return total


@numpy_names
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The product over ``dim`` (default: of all elements)."""
    x = as_summable(input, dtype)
    if dim is None or not x._array.ndim:
        normalize_axis(dim or 0, x._array.ndim)
        return Prod.apply(x.reshape(-1), 0, False)
    return Prod.apply(x, normalize_axis(dim, x._array.ndim), keepdim)


# -- variance --------------------------------------------------------------------------------


class Var(Op):
    """y = sum |x - m|^2 / (n - c) with m the mean over ``axes``; dx = 2 dy (x - m) / (n - c)."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...] | None, c: float, keepdims: bool) -> Any:
        n = math.prod(x.shape if axes is None else (x.shape[a] for a in axes))
        ctx.save(x)
        ctx.axes, ctx.n, ctx.free = axes, n, max(n - c, 0)
        return _variance(x, axes, n, ctx.free, keepdims)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        scale = 2 / ctx.free if ctx.free else math.nan
        return spread(dy, x.shape, ctx.axes) * (_centred(x, ctx.axes, ctx.n) * scale)


def _centred(x: Any, axes: tuple[int, ...] | None, n: int) -> Any:
    return x - np.sum(x, axis=axes, keepdims=True) / max(n, 1)


def _variance(x: Any, axes: tuple[int, ...] | None, n: int, free: float, keepdims: bool) -> Any:
    centred = x - add_reduce(x, axis=axes, keepdims=True) / max(n, 1)
    squares = (centred * np.conjugate(centred)).real if x.dtype.kind == "c" else centred * centred
    return add_reduce(squares, axis=axes, keepdims=keepdims) / np.asarray(free, squares.dtype)


class Std(Op):
    """y = sqrt(variance); dx = dy (x - m) / ((n - c) y), and 0 where y is 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...] | None, c: float, keepdims: bool) -> Any:
        n = math.prod(x.shape if axes is None else (x.shape[a] for a in axes))
        ctx.axes, ctx.n, ctx.free = axes, n, max(n - c, 0)
        y = np.sqrt(_variance(x, axes, n, ctx.free, keepdims))
        if x.dtype.char == "f" and not np.all(
            (y > 1e-18) & (y < np.inf)
        ):  # of squares out of range
            y = np.sqrt(_variance(x.astype(np.float64), axes, n, ctx.free, keepdims)).astype(
                x.dtype
            )
        ctx.save(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, y = ctx.saved
        constant = y == 0
        per_sum = dy / (np.where(constant, 1, y) * (ctx.free or math.nan))
        share = spread(np.where(constant, 0, per_sum), x.shape, ctx.axes)
        return share * _centred(x, ctx.axes, ctx.n)


def _spread_of(
    op: type[Op], input: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any
) -> Tensor:
    name = op.__name__.lower()
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{name}() got both 'unbiased' and 'correction'; give one")
    if unbiased is not None:
        correction = int(unbiased)
    correction = 1 if correction is None else correction
    if input._array.dtype.kind not in "fc":
        raise RuntimeError(
            f"{name}: std and var only support floating point and complex dtypes, got {input.dtype}"
        )
    shape = input._array.shape
    axes = reduced_axes(dim, len(shape))
    n = math.prod(shape if axes is None else (shape[a] for a in axes))
    if n <= correction and input._array.size == n:
        warnings.warn(
            f"{name}(): degrees of freedom is <= 0. Correction (={correction}) should be strictly "
            f"less than the reduction factor (input numel divided by output numel: {n}).",
            stacklevel=3,
        )
    return op.apply(input, axes, correction, keepdim)


@numpy_names
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
    return _spread_of(Var, input, dim, unbiased, keepdim, correction)


@numpy_names
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The standard deviation: the square root of :func:`var`."""
    return _spread_of(Std, input, dim, unbiased, keepdim, correction)


@numpy_names
def var_mean(
    input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, **kw: Any
) -> tuple[Tensor, Tensor]:
    """:func:`var` and the mean."""
    dims = None if isinstance(dim, bool) else dim
    return var(input, dim, unbiased, keepdim, **kw), input.mean(dims, keepdim)


@numpy_names
def std_mean(
    input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, **kw: Any
) -> tuple[Tensor, Tensor]:
    """:func:`std` and the mean."""
    dims = None if isinstance(dim, bool) else dim
    return std(input, dim, unbiased, keepdim, **kw), input.mean(dims, keepdim)


def cov(
    input: Tensor, *, correction: int = 1, fweights: Any = None, aweights: Any = None
) -> Tensor:
    """The covariance matrix of variables in rows, observations in columns.

    With weights w = fweights * aweights and m the weighted mean:
    sum_k w_k (x_k - m)(x_k - m)^H / (sum w - correction sum(w aweights) / sum w).

    Args:
        fweights: how often each observation was made. Default: once.
        aweights: how important each is. Default: equally.
    """
    if input._array.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got {input._array.ndim}"
        )
    x = floating(input)
    x = x.reshape(1, -1) if x._array.ndim < 2 else x
    n = x._array.shape[1]
    w = None
    for name, weights in (("fweights", fweights), ("aweights", aweights)):
        if weights is not None:
            if weights._array.shape != (n,):
                raise RuntimeError(
                    f"cov(): expected {name} to have one weight per observation ({n}), got "
                    f"{list(weights.shape)}"
                )
            w = weights if w is None else w * weights
    if w is None:
        total: Any = n
        mean = x.mean(1, keepdim=True)
        weighted = x - mean
        norm: Any = n - correction
    else:
        total = w.sum()
        mean = (x * w).sum(1, keepdim=True) / total
        weighted = (x - mean) * w
        norm = total - correction * (
            (w * aweights).sum() / total if aweights is not None else w.new_ones(())
        )
    if (norm if w is None else norm.item()) <= 0:
        warnings.warn("cov(): degrees of freedom is <= 0", stacklevel=2)
        norm = 0 * total
    return (weighted @ (x - mean).mH / norm).squeeze()


def corrcoef(input: Tensor) -> Tensor:
    """The correlation matrix of variables in rows: covariances divided by standard deviations."""
    c = cov(input)
    if not c._array.ndim:
        return c / c
    deviation = c.diagonal().real.sqrt()
    y = c / deviation.unsqueeze(1) / deviation.unsqueeze(0)
    return y if y._array.dtype.kind == "c" else y.clamp(-1, 1)


# -- quantiles -------------------------------------------------------------------------------

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    name: str, input: Tensor, q: Any, dim: Any, keepdim: bool, interpolation: str, skip_nan: bool
) -> Tensor:
    if input._array.dtype not in (np.float32, np.float64):
        raise RuntimeError(
            f"{name}() input tensor must be either float or double dtype, got {input.dtype}"
        )
    if isinstance(q, TensorBase):
        if q._array.dtype != input._array.dtype:
            raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
        q = q._array
    at = np.asarray(q, np.float64)
    if at.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor, got {at.ndim}D")
    if ((at < 0) | (at > 1)).any():
        raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {at.tolist()}")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of {', '.join(_INTERPOLATIONS)}, but got "
            f"{interpolation}"
        )
    if not input._array.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    axis = 0 if dim is None else normalize_axis(dim, input._array.ndim)
    x = input.reshape(-1) if dim is None or not input._array.ndim else input.movedim(axis, -1)
    y = _between_ranks(x.sort(-1).values, at.reshape(-1), interpolation, skip_nan)
    return _in_place_of(y, input, dim, axis, keepdim, at.ndim)


def _between_ranks(x: Tensor, at: np.ndarray, interpolation: str, skip_nan: bool) -> Tensor:
    """Quantiles of sorted rows, along the last dimension of the result."""
    known = np.isfinite(x._array) | np.isinf(x._array)
    n = np.count_nonzero(known, -1)[..., None]
    size = x._array.shape[-1]
    rank = at * (np.maximum(n, 1) - 1)
    if not skip_nan:
        rank = np.where(n < size, size - 1, rank)  # NaN sorts last: where there is one, take it
    rank = np.where(n == 0, size - 1, rank)
    if interpolation == "lower":
        rank = np.floor(rank)
    elif interpolation == "higher":
        rank = np.ceil(rank)
    elif interpolation == "nearest":
        rank = np.round(rank)
    below = np.floor(rank)
    weight = np.where(rank > below, 0.5, 0.0) if interpolation == "midpoint" else rank - below

    def pick(places: np.ndarray) -> Tensor:
        return gather(x, -1, wrap(TensorBase._result_type, places.astype(np.int64)))

    low = pick(below)
    if not weight.any():
        return low
    w = wrap(TensorBase._result_type, weight.astype(x._array.dtype))
    return low.lerp(pick(np.ceil(rank)), w)


def _in_place_of(
    y: Tensor, input: Tensor, dim: Any, axis: int, keepdim: bool, q_ndim: int
) -> Tensor:
    """The quantiles' dimension in front (or gone), the reduced one kept if wanted."""
    y = y.movedim(-1, 0)
    if keepdim and input._array.ndim:
        whole = (-1,) + (1,) * input._array.ndim
        y = y.reshape(whole) if dim is None else y.unsqueeze(axis + 1)
    return y if q_ndim else y.squeeze(0)


@numpy_names
def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The q-th quantiles over ``dim`` (default: of all elements); NaN if there is one.

    Args:
        q: a number in [0, 1], or a 1-d tensor of them: then along a new first dimension.
        interpolation: ``"linear"``, ``"lower"``, ``"higher"``, ``"midpoint"`` or ``"nearest"``
            between the two elements next to the quantile.
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@numpy_names
def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """:func:`quantile` of what is not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)
