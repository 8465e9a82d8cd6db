"""NumPy's functions on batched arrays: for all samples at once, by the same function with axes moved.

Positions count from the front of a sample, which has one axis less than the array of all samples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penlight._core.arrays import as_array
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.batching.array import BatchedArray, innermost, is_at
from penlight.autograd.batching.level import Level, unbatchable

__all__ = ["array_function", "array_ufunc"]


def _whole(x: Any, level: Level, ndim: int | None = None) -> Any:
    """The array of all samples, with ``ndim`` axes after the first; others as they are."""
    if not is_at(x, level):
        return x
    array = x.value._array
    if ndim is None or array.ndim > ndim:
        return array
    return array.reshape((array.shape[0], *(1,) * (ndim + 1 - array.ndim), *array.shape[1:]))


def _aligned(level: Level, operands: Any) -> list[Any]:
    """Operands that are broadcast together, their samples' axes aligned at the end."""
    ndim = max(x.ndim for x in operands if is_at(x, level))
    ndim = max(ndim, *(np.ndim(x) for x in operands if not is_at(x, level)), 0)
    return [_whole(x, level, ndim) for x in operands]


def _batched(result: Any, level: Level) -> Any:
    if isinstance(result, tuple):
        return tuple(_batched(r, level) for r in result)
    array: Any = as_array(result)
    return BatchedArray(level, wrap(TensorBase._result_type, array))


def _moved(axis: Any, ndim: int) -> Any:
    """Axes of a sample as axes of the array of all; None stands for all of a sample's."""
    if axis is None:
        return tuple(range(1, ndim + 1))
    if isinstance(axis, tuple):
        return tuple(_moved(a, ndim) for a in axis)
    return axis + 1 if axis >= 0 else axis


def array_ufunc(owner: BatchedArray, ufunc: Any, method: str, inputs: Any, kwargs: Any) -> Any:
    """``BatchedArray.__array_ufunc__``."""
    if any(isinstance(x, TensorBase) for x in inputs):
        return NotImplemented  # Tensor's own turn
    out = kwargs.pop("out", ())
    level: Any = innermost((*inputs, *out))
    if method == "__call__" and ufunc.signature is None:
        arrays = _aligned(level, inputs)
        if out:
            if not is_at(out[0], level):
                unbatchable(level, "Writing a batch into an array that is not batched")
            ufunc(*arrays, out=out[0].value._array, **kwargs)
            return out[0]
        return _batched(ufunc(*arrays, **kwargs), level)
    if method == "accumulate" and not out:
        x, axis = inputs[0], inputs[1] if len(inputs) > 1 else kwargs.pop("axis", 0)
        return _batched(ufunc.accumulate(x.value._array, _moved(axis, x.ndim), **kwargs), level)
    if method == "reduce" and not out:
        (x,) = inputs
        if (
            kwargs.get("axis", 0) is None
            and x.dtype.kind in "iu"
            and ufunc in (np.maximum, np.minimum)
        ):
            return x.max() if ufunc is np.maximum else x.min()  # of indices, to be checked
        axis = _moved(kwargs.pop("axis", 0), x.ndim)
        return _batched(ufunc.reduce(x.value._array, axis=axis, **kwargs), level)
    if ufunc is np.matmul and not out:
        return _batched(_matmul(level, *inputs), level)
    unbatchable(level, f"numpy.{ufunc.__name__}.{method}")


def _matmul(level: Level, a: Any, b: Any) -> Any:
    if np.ndim(a) < 2 or np.ndim(b) < 2:
        unbatchable(level, "numpy.matmul of vectors")
    return np.matmul(*_aligned(level, (a, b)))


# -- functions -----------------------------------------------------------------------------------


def _elementwise(function: Any) -> Callable[..., Any]:
    def rule(level: Level, *operands: Any, **kwargs: Any) -> Any:
        return function(*_aligned(level, operands), **kwargs)

    return rule


def _reduction(function: Any) -> Callable[..., Any]:
    def rule(level: Level, x: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        return function(_whole(x, level), _moved(axis, x.ndim), *args, **kwargs)

    return rule


def _along_one(function: Any, default: int | None) -> Callable[..., Any]:
    """Functions along one axis; of the flattened sample for ``axis=None``."""

    def rule(level: Level, x: Any, axis: Any = default, *args: Any, **kwargs: Any) -> Any:
        whole = _whole(x, level)
        if axis is None:
            kept = kwargs.get("keepdims", False)
            y = function(whole.reshape(whole.shape[0], -1), 1, *args, **kwargs)
            return y.reshape((len(y), *(1,) * x.ndim)) if kept else y
        return function(whole, _moved(axis, x.ndim), *args, **kwargs)

    return rule


def _like(function: Any) -> Callable[..., Any]:
    def rule(level: Level, x: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("shape") is not None:
            kwargs["shape"] = (level.size, *kwargs["shape"])
        return function(_whole(x, level), *args, **kwargs)

    return rule


def _reshape(level: Level, x: Any, shape: Any, order: str = "C") -> Any:
    whole = _whole(x, level)
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    return whole.reshape((whole.shape[0], *sizes))


def _transpose(level: Level, x: Any, axes: Any = None) -> Any:
    order = tuple(range(x.ndim))[::-1] if axes is None else axes
    return np.transpose(_whole(x, level), (0, *(a % x.ndim + 1 for a in order)))


def _of_axes(function: Any) -> Callable[..., Any]:
    """Functions of an array and axes that it has."""

    def rule(level: Level, x: Any, *axes: Any) -> Any:
        return function(_whole(x, level), *(_moved(a, x.ndim) for a in axes))

    return rule


def _expand_dims(level: Level, x: Any, axis: int) -> Any:
    return np.expand_dims(_whole(x, level), _moved(axis, x.ndim))


def _squeeze(level: Level, x: Any, axis: Any = None) -> Any:
    if axis is None:
        axis = tuple(a for a, n in enumerate(x.shape) if n == 1)
    return np.squeeze(_whole(x, level), _moved(axis, x.ndim))


def _broadcast_to(level: Level, x: Any, shape: Any) -> Any:
    return np.broadcast_to(_whole(x, level, len(shape)), (level.size, *shape))


def _joined(function: Any, axis_default: int) -> Callable[..., Any]:
    def rule(level: Level, arrays: Any, axis: int = axis_default) -> Any:
        whole = [
            _whole(x, level) if is_at(x, level) else np.broadcast_to(x, (level.size, *np.shape(x)))
            for x in arrays
        ]
        return function(whole, axis + 1 if axis >= 0 else axis)

    return rule


def _take_along_axis(level: Level, x: Any, indices: Any, axis: int = -1) -> Any:
    values, places = (
        _whole(a, level) if is_at(a, level) else np.broadcast_to(a, (level.size, *np.shape(a)))
        for a in (x, indices)
    )
    return np.take_along_axis(values, places, _moved(axis, np.ndim(x)))


def _take(level: Level, x: Any, indices: Any, axis: Any = None) -> Any:
    if axis is not None:
        if is_at(indices, level):
            unbatchable(level, "numpy.take at batched indices along an axis")
        return np.take(_whole(x, level), indices, _moved(axis, x.ndim))
    if not is_at(x, level):
        return np.take(x, _whole(indices, level))
    flat = x.value._array.reshape(level.size, -1)
    if not is_at(indices, level):
        return np.take(flat, indices, 1)
    places = indices.value._array
    return np.take_along_axis(flat, places.reshape(level.size, -1), 1).reshape(places.shape)


def _stacks(function: Any) -> Callable[..., Any]:
    """Functions of stacks of matrices."""

    def rule(level: Level, x: Any, *args: Any, **kwargs: Any) -> Any:
        return function(_whole(x, level), *args, **kwargs)

    return rule


def _roll(level: Level, x: Any, shift: Any, axis: Any) -> Any:
    return np.roll(_whole(x, level), shift, _moved(axis, x.ndim))


def _diagonal(level: Level, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.diagonal(_whole(x, level), offset, _moved(axis1, x.ndim), _moved(axis2, x.ndim))


def _flip(level: Level, x: Any, axis: Any = None) -> Any:
    return np.flip(_whole(x, level), _moved(axis, x.ndim))


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **{f: _elementwise(f) for f in (np.where, np.clip, np.isclose, np.nan_to_num, np.real, np.imag)},
    **{
        f: _reduction(f)
        for f in (np.sum, np.prod, np.mean, np.amax, np.amin, np.any, np.all, np.count_nonzero)
    },
    np.argmax: _along_one(np.argmax, None),
    np.argmin: _along_one(np.argmin, None),
    np.argsort: _along_one(np.argsort, -1),
    np.sort: _along_one(np.sort, -1),
    np.cumsum: _along_one(np.cumsum, None),
    np.cumprod: _along_one(np.cumprod, None),
    **{f: _like(f) for f in (np.zeros_like, np.ones_like, np.empty_like, np.full_like)},
    np.reshape: _reshape,
    np.transpose: _transpose,
    np.swapaxes: _of_axes(np.swapaxes),
    np.moveaxis: _of_axes(np.moveaxis),
    np.expand_dims: _expand_dims,
    np.squeeze: _squeeze,
    np.broadcast_to: _broadcast_to,
    np.concatenate: _joined(np.concatenate, 0),
    np.stack: _joined(np.stack, 0),
    np.take_along_axis: _take_along_axis,
    np.take: _take,
    np.roll: _roll,
    np.diagonal: _diagonal,
    np.argpartition: lambda level, x, kth, axis=-1: np.argpartition(
        _whole(x, level), kth, _moved(axis, x.ndim)
    ),
    np.diff: lambda level, x, n=1, axis=-1: np.diff(_whole(x, level), n, _moved(axis, x.ndim)),
    np.round: lambda level, x, decimals=0: np.round(_whole(x, level), decimals),
    np.searchsorted: lambda level, a, v, *args: np.searchsorted(a, _whole(v, level), *args)
    if not is_at(a, level)
    else unbatchable(level, "numpy.searchsorted in several rows"),
    **{
        f: _stacks(f)
        for f in (np.linalg.svd, np.linalg.eigvalsh, np.linalg.eigvals, np.linalg.matrix_rank)
    },
    np.flip: _flip,
    np.copy: lambda level, x: _whole(x, level).copy(),
}  # fmt: skip
PLAIN: dict[Any, Callable[..., Any]] = {
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.result_type: lambda *xs: np.result_type(*(getattr(x, "dtype", x) for x in xs)),
    np.size: lambda x: x.size,
    np.may_share_memory: lambda a, b, *args: False,
    np.shares_memory: lambda a, b, *args: False,
}
"""Functions whose result is the same for all samples."""


def array_function(owner: BatchedArray, function: Any, args: Any, kwargs: Any) -> Any:
    """``BatchedArray.__array_function__``."""
    parts = [p for a in args for p in (a if isinstance(a, (list, tuple)) else (a,))]
    if any(isinstance(x, TensorBase) for x in parts):
        return NotImplemented
    if function in PLAIN:
        return PLAIN[function](*args, **kwargs)
    level: Any = innermost(parts)
    rule = FUNCTIONS.get(function)
    if rule is None:
        unbatchable(level or owner.level, f"numpy.{function.__name__}")
    return _batched(rule(level, *args, **kwargs), level)
