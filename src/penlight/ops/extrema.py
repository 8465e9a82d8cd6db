"""Largest and smallest elements and medians, and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight._core.arguments import normalize_axes, normalize_axis, numpy_names
from penlight._core.arrays import as_array
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.kernels.scatter import pick_along, places
from penlight.ops.reduction import Dims, add_reduce, spread
from penlight.ops.selection import maximum, minimum

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "max", "median", "min", "nanmedian"]


def _check(name: str, input: Tensor, axes: tuple[int, ...] | None) -> None:
    """Refuse what has no extremum: complex numbers, and no elements.

    Raises:
        NotImplementedError, IndexError (a dimension of size zero), RuntimeError (no elements).
    """
    if input._array.dtype.kind == "c":
        raise NotImplementedError(f"{name}: not implemented for {input.dtype}: it has no order")
    shape = input._array.shape
    if axes is None and not input._array.size:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0, got shape "
            f"{list(shape)}. Specify the reduction dim with the 'dim' argument."
        )
    for a in axes or ():
        if shape[a] == 0:
            raise IndexError(
                f"{name}(): Expected reduction dim {a} to have non-zero size, got shape {list(shape)}"
            )


class Extremum(Op):
    """y = the largest (smallest) x over ``axes``; dy is shared evenly among the ties, or the NaN.

    (PyTorch finds no element equal to NaN, divides by their number 0, and gives all of them NaN.)
    """

    @staticmethod
    def forward(ctx: Any, x: Any, axes: Any, keepdims: bool, largest: bool) -> Any:
        reduce: Any = (np.maximum if largest else np.minimum).reduce
        y = reduce(x, axis=axes, keepdims=True)
        at = (x == y) | (x != x) if x.dtype.kind == "f" else x == y
        ctx.save(at, add_reduce(at, axis=axes, keepdims=True, dtype=x.dtype))
        ctx.axes = axes
        if keepdims:
            return y
        return y.reshape(()) if axes is None else np.squeeze(y, axes)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        at, count = ctx.saved
        return np.where(at, spread(dy, at.shape, ctx.axes) / count, 0)


class Amax(Extremum):
    """The largest element."""


class Amin(Extremum):
    """The smallest element."""


class Max(Extremum):
    """The largest of all elements."""

    label = "MaxBackward1"


class Min(Extremum):
    """The smallest of all elements."""

    label = "MinBackward1"


def _extremum(op: type[Extremum], input: Tensor, dim: Any, keepdim: bool, largest: bool) -> Tensor:
    axes = normalize_axes(None if dim == () else dim, input._array.ndim) or None
    _check(op.__name__.lower(), input, axes)
    return op.apply(input, axes, keepdim, largest)


@numpy_names
def amax(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The largest element over ``dim`` (default: all); equal ones share the gradient."""
    return _extremum(Amax, input, dim, keepdim, True)


@numpy_names
def amin(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The smallest element over ``dim`` (default: all); equal ones share the gradient."""
    return _extremum(Amin, input, dim, keepdim, False)


@numpy_names
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the largest element over ``dim``."""
    over = () if dim is None else dim
    return return_types.aminmax(amin(input, over, keepdim), amax(input, over, keepdim))


# -- with their places -----------------------------------------------------------------------


class Pick(Op):
    """y = x at one index along ``axis``; dx = dy there, 0 elsewhere."""

    @staticmethod
    def forward(ctx: Any, x: Any, index: Any, axis: int, label: str) -> Any:
        ctx.save(index)
        ctx.axis, ctx.size, ctx.label = axis, x.shape[axis], label
        return np.squeeze(pick_along(x, index, axis), axis)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (index,) = ctx.saved
        return np.where(
            places(ctx.size, ctx.axis, index.ndim) == index, np.expand_dims(dy, ctx.axis), 0
        )


def pick(input: Tensor, index: np.ndarray, axis: int, keepdim: bool, kind: Any) -> Any:
    """``input`` at ``index`` along ``axis``, and the index, as a tuple of type ``kind``."""
    values = Pick.apply(input, index, axis, f"{kind.__name__.capitalize()}Backward0")
    shown = index if keepdim else np.squeeze(index, axis)
    indices = wrap(TensorBase._result_type, shown.copy())  # Pick saves its own, unseen by users
    return kind(values.unsqueeze(axis) if keepdim else values, indices)


def of_scalar(input: Tensor, kind: Any) -> Any:
    """What a reduction over the dimension that a 0-d tensor lacks gives."""
    return kind(input.clone(), wrap(TensorBase._result_type, np.zeros((), np.int64)))


def _max_or_min(name: str, input: Tensor, dim: Any, keepdim: bool, largest: bool) -> Any:
    if isinstance(dim, TensorBase):
        other: Any = dim
        return (maximum if largest else minimum)(input, other)
    if dim is None:
        return _extremum(Max if largest else Min, input, None, False, largest)
    axis = normalize_axis(dim, input._array.ndim)
    kind = return_types.max if largest else return_types.min
    if not input._array.ndim:
        return of_scalar(input, kind)
    _check(name, input, (axis,))
    find = np.argmax if largest else np.argmin
    return pick(input, as_array(find(input._array, axis, keepdims=True)), axis, keepdim, kind)


@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Without ``dim`` the largest element; with it (values, indices); with a tensor, elementwise.

    The gradient goes to the element at the index; without ``dim`` equal elements share it.
    """
    return _max_or_min("max", input, other if dim is None else dim, keepdim, True)


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Without ``dim`` the smallest element; with it (values, indices); with a tensor, elementwise."""
    return _max_or_min("min", input, other if dim is None else dim, keepdim, False)


def _argument(name: str, input: Tensor, dim: int | None, keepdim: bool, largest: bool) -> Tensor:
    if input._array.dtype.kind == "b":
        raise RuntimeError(f"{name}(): does not support bool input; convert with .to(dtype)")
    find = np.argmax if largest else np.argmin
    if dim is None or not input._array.ndim:
        normalize_axis(dim or 0, input._array.ndim)
        if not input._array.size:
            raise IndexError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0."
            )
        shape = (1,) * input._array.ndim if keepdim else ()
        return wrap(TensorBase._result_type, as_array(find(input._array)).reshape(shape))
    axis = normalize_axis(dim, input._array.ndim)
    _check(name, input, (axis,))
    index = as_array(find(input._array, axis, keepdims=keepdim))
    return wrap(TensorBase._result_type, index)


@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the largest element, the first among equals; of all elements without ``dim``."""
    return _argument("argmax", input, dim, keepdim, True)


@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the smallest element, the first among equals; of all elements without ``dim``."""
    return _argument("argmin", input, dim, keepdim, False)


# -- medians ---------------------------------------------------------------------------------


def _median(name: str, input: Tensor, dim: int | None, keepdim: bool, skip_nan: bool) -> Any:
    kind = getattr(return_types, name)
    if dim is not None and not input._array.ndim:
        normalize_axis(dim, 0)
        return of_scalar(input, kind)
    if dim is None and not input._array.size:
        return input.sum() * float("nan")
    axis = 0 if dim is None else normalize_axis(dim, input._array.ndim)
    _check(name, input, None if dim is None else (axis,))
    if dim is None:
        op = NanMedian if skip_nan else Median
        return op.apply(input, int(_median_index(input._array.reshape(-1), 0, skip_nan)[0]))
    return pick(input, _median_index(input._array, axis, skip_nan), axis, keepdim, kind)


class Median(Op):
    """y = the element of x at ``index`` when flat; dy is shared evenly among its equals."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, index: int) -> Any:
        y = x.reshape(-1)[index]
        at = x == y if y == y else x != x
        ctx.save(at)
        ctx.count = int(np.count_nonzero(at)) if any(ctx.edges) else 1
        return np.array(y)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (at,) = ctx.saved
        return np.where(at, dy / ctx.count, 0)


class NanMedian(Median):
    """The median of what is not NaN."""

    label = "NanmedianBackward0"


def _median_index(x: np.ndarray, axis: int, skip_nan: bool) -> np.ndarray:
    """Where the lower median is; NaN, which sorts last, is it where there is one."""
    order = np.argsort(x, axis, kind="stable")
    n = x.shape[axis]
    if x.dtype.kind != "f":
        return np.take(order, [(n - 1) // 2], axis)
    missing = np.count_nonzero(np.isnan(x), axis=axis, keepdims=True)
    known = n - missing
    place = (known - 1) // 2 if skip_nan else np.where(missing > 0, known, (n - 1) // 2)
    return np.take_along_axis(order, np.maximum(place, 0), axis)


@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median; NaN if there is one. With ``dim``: (values, indices)."""
    return _median("median", input, dim, keepdim, False)


@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median of what is not NaN. With ``dim``: (values, indices)."""
    return _median("nanmedian", input, dim, keepdim, True)
