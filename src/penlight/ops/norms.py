"""Norms and distances, and the logarithm of sums of exponentials."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axes, normalize_axis, numpy_names
from penlight._core.dtypes import as_dtype
from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.ops.promotion import cast, floating
from penlight.ops.reduction import add_reduce, reduced_axes, spread

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["cdist", "dist", "logsumexp", "norm", "pdist", "renorm"]


class LogSumExp(Op):
    """y = ln sum e^x over ``axes``, shifted by the maximum; dx = dy e^(x - y)."""

    label = "LogsumexpBackward0"

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
        top = np.maximum.reduce(x, axis=axes, keepdims=True, initial=-np.inf)
        top = np.where(np.isfinite(top), top, 0).astype(x.dtype, copy=False)
        y = np.log(add_reduce(np.exp(x - top), axis=axes, keepdims=True)) + top
        if not keepdims:
            y = np.squeeze(y, axes)
        ctx.save(x, y)
        ctx.axes = axes
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, y = ctx.saved
        safe = np.where(np.isinf(y), 0, y)  # nothing but -inf: e^(x - y) is 0 there
        return spread(dy, x.shape, ctx.axes) * np.exp(x - spread(safe, x.shape, ctx.axes))


@numpy_names
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """log(sum(exp(input))) over ``dim``, without overflow."""
    ndim = input._array.ndim
    axes = normalize_axes(dim, ndim) or tuple(range(ndim))
    return LogSumExp.apply(floating(input), axes, keepdim)


class _Norm(Op):
    """The part that norms share: PyTorch's name."""

    label = "LinalgVectorNormBackward0"


class Norm2(_Norm):
    """y = sqrt(sum |x|^2) over ``axes``; dx = dy x / y, and 0 where y is 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...] | None, keepdims: bool) -> Any:
        squares = (x * np.conjugate(x)).real if x.dtype.kind == "c" else x * x
        y = np.sqrt(add_reduce(squares, axis=axes, keepdims=keepdims))
        ctx.save(x, y)
        ctx.axes = axes
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, y = ctx.saved
        direction = np.where(y == 0, 0, dy / np.where(y == 0, 1, y))
        return x * spread(direction, x.shape, ctx.axes)


class Norm0(_Norm):
    """y = the number of nonzero x over ``axes``; dx = 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...] | None, keepdims: bool) -> Any:
        ctx.shape, ctx.axes = x.shape, axes
        return add_reduce(x != 0, axis=axes, keepdims=keepdims, dtype=x.real.dtype)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return spread(dy * 0, ctx.shape, ctx.axes)


class NormP(_Norm):
    """y = (sum |x|^p)^(1/p) over ``axes``; dx = dy sgn(x) (|x| / y)^(p-1), 0 where x or y is 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, p: float, axes: tuple[int, ...] | None, keepdims: bool) -> Any:
        y = add_reduce(np.abs(x) ** p, axis=axes, keepdims=keepdims) ** (1 / p)
        ctx.save(x, y)
        ctx.p, ctx.axes = p, axes
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, y = ctx.saved
        whole = spread(y, x.shape, ctx.axes)
        flat = (x == 0) | (whole == 0)
        ratio = np.abs(np.where(flat, 1, x)) / np.where(flat, 1, whole)
        slope = np.sign(x) * np.where(flat, 0, ratio ** (ctx.p - 1))
        return spread(dy, x.shape, ctx.axes) * slope


def vector_norm(
    name: str, input: Tensor, p: Any, dim: Any, keepdim: bool, dtype: Any = None
) -> Tensor:
    """The p-norm over ``dim`` (default: of all elements as one vector).

    Raises:
        RuntimeError: for integers, and over no elements where that is not 0.
    """
    if dtype is not None:
        input = cast(input, as_dtype(dtype, name))
    if input._array.dtype.kind not in "fc":
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {input.dtype}"
        )
    if isinstance(p, bool) or not isinstance(p, (int, float)):
        raise RuntimeError(f"{name}: p must be a number or inf, got {p!r}")
    axes, p = reduced_axes(dim, input._array.ndim), float(p)
    if p == 2:
        return Norm2.apply(input, axes, keepdim)
    if math.isinf(p):
        size = input.abs()
        return (size.amax if p > 0 else size.amin)(() if axes is None else axes, keepdim)
    if p == 0:
        return Norm0.apply(input, axes, keepdim)
    if p == 1:
        return input.abs().sum(axes, keepdim)
    return NormP.apply(input, p, axes, keepdim)


def two_dims(name: str, A: Any, dim: Any) -> tuple[int, int]:
    """The two axes in which the matrices lie."""
    if not isinstance(A, TensorBase):
        raise TypeError(f"{name}(): argument 'A' must be Tensor, not {type(A).__name__}")
    if A._array.ndim < 2:
        raise RuntimeError(
            f"{name}: The input tensor A must have at least 2 dimensions, got {A._array.ndim}"
        )
    if isinstance(dim, int) or len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple of ints, got {dim}")
    rows, columns = (normalize_axis(d, A._array.ndim) for d in dim)
    if rows == columns:
        raise RuntimeError(f"{name}: dims must be different, got {dim}")
    return rows, columns


def spectral_norm(A: Tensor, ord: Any, rows: int, columns: int, keepdim: bool) -> Tensor:
    """The sum (``"nuc"``), the largest (2) or the smallest (-2) of the matrices' singular values."""
    from penlight.ops.singular import svdvals  # linear algebra is large, and rarely needed

    s = svdvals(A.movedim((rows, columns), (-2, -1)))
    if ord == "nuc":
        y = s.sum(-1)
    elif ord == 2:
        y = s.amax(-1) if s._array.shape[-1] else s.sum(-1)
    else:
        y = s.amin(-1)
    if not keepdim:
        return y
    for axis in sorted((rows, columns)):
        y = y.unsqueeze(axis)
    return y


def norm(
    input: Tensor,
    p: Any = "fro",
    dim: Any = None,
    keepdim: bool = False,
    out: None = None,
    dtype: Any = None,
) -> Tensor:
    """The p-norm (sum |x|^p)^(1/p) over ``dim`` (default: of all elements as one vector).

    Args:
        p: a number, ``inf``, ``-inf``, ``"fro"``, which is 2, or ``"nuc"``, the sum of the singular
            values of the matrices in two dimensions.
    """
    if p == "nuc":
        dims = two_dims("norm", input, (-2, -1) if dim is None else dim)
        return spectral_norm(input if dtype is None else input.to(dtype), "nuc", *dims, keepdim)
    return vector_norm("norm", input, 2 if p in ("fro", None) else p, dim, keepdim, dtype)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other."""
    return norm(input - other, float(p))


def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """The p-norm distances between all rows of x1 (..., n, d) and of x2 (..., m, d): (..., n, m)."""
    for name, x in (("x1", x1), ("x2", x2)):
        if x._array.ndim < 2:
            raise RuntimeError(f"cdist: {name} must be at least two-dimensional, got {x.ndim}-D")
        if x._array.dtype.kind != "f":
            raise RuntimeError(f"cdist: {name} must be floating-point, got {x.dtype}")
    if x1._array.shape[-1] != x2._array.shape[-1]:
        raise RuntimeError(
            f"cdist: x1 and x2 must have the same number of columns, got {x1._array.shape[-1]} and "
            f"{x2._array.shape[-1]}"
        )
    if p < 0:
        raise RuntimeError(f"cdist: p must be non-negative, got {p}")
    return norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), float(p), dim=-1)


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The p-norm distances between all pairs of rows (n, d), each once: (n (n - 1) / 2,).

    Raises:
        RuntimeError: if the input is no matrix or not floating, or p negative.
    """
    if input._array.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input._array.ndim}D")
    if input._array.dtype.kind != "f":
        raise RuntimeError(f"pdist only supports floating-point dtypes, got {input.dtype}")
    if p < 0:
        raise RuntimeError(f"pdist only supports non-negative p values, got {p}")
    first, second = np.triu_indices(input._array.shape[0], 1)
    return norm(input[first] - input[second], float(p), dim=-1)


def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """``input`` with the slices along ``dim`` whose p-norm exceeds ``maxnorm`` scaled down to it."""
    axis = normalize_axis(dim, input._array.ndim)
    others = tuple(a for a in range(input._array.ndim) if a != axis)
    sizes = norm(input, float(p), others, keepdim=True)
    return input * (maxnorm / (sizes + 1e-7)).where(sizes > maxnorm, 1.0)
