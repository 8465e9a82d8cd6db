"""Users' data and sizes as ndarrays: what all functions that make tensors begin with."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from penlight._core import dtypes
from penlight._core.arguments import shape_argument
from penlight._core.dtypes import as_dtype, dtype_of, get_default_dtype, promote_types
from penlight.autograd.base import TensorBase

__all__ = ["empty_array", "numpy_dtype", "size_argument", "to_array"]


def numpy_dtype(dtype: Any, owner: str = "dtype") -> np.dtype[Any]:
    """A ``dtype=`` argument as NumPy's; ``None`` is the default dtype."""
    return (get_default_dtype() if dtype is None else as_dtype(dtype, owner)).numpy


def size_argument(args: tuple[Any, ...], size: Any, owner: str) -> tuple[Any, ...]:
    """``f(2, 3)``, ``f((2, 3))`` and ``f(size=(2, 3))``."""
    if size is not None:
        if args:
            raise TypeError(f"{owner}() got multiple values for argument 'size'")
        return (size,)
    if not args:
        raise TypeError(f"{owner}() missing 1 required positional argument: 'size'")
    return args


def empty_array(size: tuple[Any, ...], dtype: Any) -> np.ndarray:
    """An uninitialised array.

    Raises:
        RuntimeError: if a size is negative.
    """
    shape = shape_argument(size)
    for n in shape:
        if n < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {n}: {list(shape)}"
            )
    return np.empty(shape, numpy_dtype(dtype))


def to_array(data: Any, dtype: Any, owner: str) -> np.ndarray:
    """Data as an ndarray in the dtype that PyTorch would give it, copying only if it must.

    Python floats get the default dtype, integers int64; ndarrays and tensors keep theirs.

    Raises:
        ValueError: for nested sequences of unequal lengths.
        TypeError: for data that is not numeric.
        RuntimeError: for ``None``, and for integers that the dtype can't hold.
    """
    if isinstance(data, TensorBase):
        array, inferred = data._array, None
    elif isinstance(data, np.ndarray):
        array, inferred = np.asarray(data), None
    else:
        array, inferred = _of_python(data, owner)
    if dtype is None:
        wanted = inferred or dtype_of(array)
    else:
        wanted = as_dtype(dtype, owner)
        if inferred is not None and array.size:
            _check_range(array, wanted, owner)
    return array.astype(wanted.numpy, copy=False)


_NUMBERS = {bool: dtypes.bool_, int: dtypes.int64}


def _of_python(data: Any, owner: str) -> tuple[np.ndarray, Any]:
    """A number or nested sequences as an array, and the dtype that its elements ask for."""
    if isinstance(data, (list, tuple)) and not len(data):
        return np.empty((0,)), get_default_dtype()
    kinds = _kinds_of(data, owner)
    try:
        array = np.asarray(_plain(data) if TensorBase in kinds else data)
    except ValueError:
        raise ValueError(
            f"{owner}: expected sequences of equal length at each depth, got a ragged one"
        ) from None
    if array.dtype in (np.object_, np.uint64) and kinds <= {int, bool}:
        raise ValueError(f"{owner}: Overflow: an integer is too large for int64")
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{owner}: can't convert {type(data).__name__} {data!r} to a tensor")
    if not array.size:
        return array, get_default_dtype()
    default = get_default_dtype()
    numbers = {**_NUMBERS, float: default, complex: default.to_complex()}
    found = [numbers.get(k) or k for k in kinds if k is not TensorBase]
    return array, functools.reduce(promote_types, found)


def _kinds_of(data: Any, owner: str) -> set[Any]:
    """The types of the numbers in nested sequences; of arrays and tensors among them, the dtypes.

    ``TensorBase`` is added if there are tensors.
    """
    if isinstance(data, TensorBase):
        if data._array.size != 1:
            raise ValueError(
                f"{owner}: only one element tensors can be converted to Python scalars, got one of "
                f"shape {list(data._array.shape)}; use stack() or cat()"
            )
        return {dtype_of(data._array), TensorBase}
    if isinstance(data, (np.ndarray, np.generic)):
        return {dtype_of(np.asarray(data))}
    if not isinstance(data, (list, tuple)):
        if data is None:
            raise RuntimeError(f"{owner}: Could not infer dtype of NoneType")
        if type(data) in _PYTHON:
            return {type(data)}
        array = np.asarray(data)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{owner}: can't convert {type(data).__name__} {data!r} to a tensor")
        return {dtype_of(array)}
    kinds = set(map(type, data))
    if kinds <= _PYTHON:
        return kinds
    return set().union(*(_kinds_of(item, owner) for item in data))


_PYTHON = {bool, int, float, complex}


def _plain(data: Any) -> Any:
    """Nested sequences with tensors of one element replaced by numbers."""
    if isinstance(data, TensorBase):
        return data._array.item()
    return [_plain(v) for v in data] if isinstance(data, (list, tuple)) else data


def _check_range(array: np.ndarray, wanted: dtypes.dtype, owner: str) -> None:
    """Refuse Python numbers that the dtype can't hold; negative ones wrap around in unsigned dtypes."""
    if array.dtype.kind == "c" and not wanted.is_complex:
        raise TypeError(f"{owner}: {wanted} can't hold complex numbers")
    if wanted.category != dtypes.INTEGER:
        return
    limits = np.iinfo(wanted.numpy)
    low, high = array.min(), array.max()
    if not (limits.min or -limits.max) <= low <= high <= limits.max:
        raise RuntimeError(
            f"{owner}: value cannot be converted to type {wanted} without overflow: {low} to {high}"
        )
