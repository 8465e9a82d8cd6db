"""Largest and smallest elements, and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from penlight._core.arguments import normalize_axes, normalize_axis
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.ops.reduction import Dims, spread
from penlight.ops.selection import maximum, minimum

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "max", "median", "min"]


def _refuse_empty(name: str, input: Tensor, axes: tuple[int, ...] | None) -> None:
    shape = input._array.shape
    if any(shape[a] == 0 for a in (range(len(shape)) if axes is None else axes)):
        kind = IndexError if axes is not None else RuntimeError
        raise kind(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0 and to have "
            f"non-zero size, got shape {list(shape)}"
        )


class Extremum(Op):
    """y = the largest (smallest) x over ``axes``; dy is shared evenly among the ties."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: Any, keepdims: bool, largest: bool) -> Any:
        y = (np.maximum if largest else np.minimum).reduce(x, axis=axes, keepdims=True)
        at = x == y
        ctx.save(at, np.add.reduce(at, axis=axes, keepdims=True, dtype=x.dtype))
        ctx.axes = axes
        if keepdims:
            return y
        return y.reshape(()) if axes is None else np.squeeze(y, axes)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        at, count = ctx.saved
        return np.where(at, spread(dy, at.shape, ctx.axes) / count, 0)


def _extremum(name: str, input: Tensor, dim: Any, keepdim: bool, largest: bool) -> Tensor:
    axes = normalize_axes(None if dim == () else dim, input._array.ndim) or None
    _refuse_empty(name, input, axes)
    return Extremum.apply(input, axes, keepdim, largest)  # type: ignore[no-any-return]


def amax(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The largest element over ``dim`` (default: all); equal ones share the gradient."""
    return _extremum("amax", input, dim, keepdim, True)


def amin(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The smallest element over ``dim`` (default: all); equal ones share the gradient."""
    return _extremum("amin", input, dim, keepdim, False)


class AminMax(NamedTuple):
    min: Any
    max: Any


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> AminMax:
    """The smallest and the largest element over ``dim``."""
    return AminMax(amin(input, dim, keepdim), amax(input, dim, keepdim))


class Pick(Op):
    """y = x at one index along ``axis``; dx = dy there, 0 elsewhere."""

    @staticmethod
    def forward(ctx: Any, x: Any, index: Any, axis: int) -> Any:
        ctx.save(index)
        ctx.axis, ctx.size = axis, x.shape[axis]
        return np.squeeze(np.take_along_axis(x, index, axis), axis)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (index,) = ctx.saved
        places = np.arange(ctx.size).reshape((-1,) + (1,) * (index.ndim - ctx.axis - 1))
        return np.where(places == index, np.expand_dims(dy, ctx.axis), 0)


class MaxResult(NamedTuple):
    """What ``max``, ``min`` and ``median`` over a dimension give, under PyTorch's field names."""

    values: Any
    indices: Any


def pick(input: Tensor, index: np.ndarray, axis: int, keepdim: bool) -> MaxResult:
    """``input`` at ``index`` along ``axis``, and the index."""
    values = Pick.apply(input, index, axis)
    indices = wrap(TensorBase._result_type, index if keepdim else np.squeeze(index, axis))
    return MaxResult(values.unsqueeze(axis) if keepdim else values, indices)


def _arg(name: str, input: Tensor, axis: int, largest: bool) -> np.ndarray:
    _refuse_empty(name, input, (axis,))
    return np.asarray((np.argmax if largest else np.argmin)(input._array, axis, keepdims=True))


def _max_or_min(name: str, input: Tensor, dim: Any, keepdim: bool, largest: bool) -> Any:
    if isinstance(dim, TensorBase):
        return (maximum if largest else minimum)(input, dim)
    if dim is None:
        return _extremum(name, input, None, False, largest)
    if not input._array.ndim:
        normalize_axis(dim, 0)
        return MaxResult(input.clone(), wrap(TensorBase._result_type, np.zeros((), np.int64)))
    axis = normalize_axis(dim, input._array.ndim)
    return pick(input, _arg(name, input, axis, largest), axis, keepdim)


def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Without ``dim`` the largest element; with it (values, indices); with a tensor, elementwise.

    The gradient goes to the element at the index; without ``dim`` equal elements share it.
    """
    return _max_or_min("max", input, dim, keepdim, True)


def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Without ``dim`` the smallest element; with it (values, indices); with a tensor, elementwise."""
    return _max_or_min("min", input, dim, keepdim, False)


def _argument(name: str, input: Tensor, dim: int | None, keepdim: bool, largest: bool) -> Tensor:
    if dim is None or not input._array.ndim:
        _refuse_empty(name, input, None)
        flat = (np.argmax if largest else np.argmin)(input._array)
        shape = (1,) * input._array.ndim if keepdim else ()
        return wrap(TensorBase._result_type, np.asarray(flat).reshape(shape))  # type: ignore[no-any-return]
    axis = normalize_axis(dim, input._array.ndim)
    index = _arg(name, input, axis, largest)
    return wrap(TensorBase._result_type, index if keepdim else np.squeeze(index, axis))  # type: ignore[no-any-return]


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the largest element, the first among equals; of all elements without ``dim``."""
    return _argument("argmax", input, dim, keepdim, True)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the smallest element, the first among equals; of all elements without ``dim``."""
    return _argument("argmin", input, dim, keepdim, False)


def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median; NaN if there is one. With ``dim``: (values, indices)."""
    flat = input.reshape(-1) if dim is None else input
    axis = 0 if dim is None else normalize_axis(dim, input._array.ndim)
    if not flat._array.ndim:
        flat = flat.reshape(1)
    order = np.argsort(flat._array, axis, kind="stable")
    n = flat._array.shape[axis]
    if n == 0:
        _refuse_empty("median", flat, (axis,))
    index = np.take(order, [(n - 1) // 2], axis)
    if flat._array.dtype.kind == "f":  # NaN sorts last: where there is one, it is the result
        last = np.take(order, [n - 1], axis)
        index = np.where(np.isnan(np.take_along_axis(flat._array, last, axis)), last, index)
    result = pick(flat, index, axis, keepdim)
    return result.values if dim is None else result
