"""Users' data and sizes as ndarrays: what all functions that make tensors begin with."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight._core.arguments import shape_argument
from penlight._core.dtypes import as_dtype, dtype_of, get_default_dtype
from penlight.autograd.base import TensorBase

__all__ = ["empty_array", "numpy_dtype", "to_array"]


def numpy_dtype(dtype: Any, owner: str = "dtype") -> np.dtype[Any]:
    """A ``dtype=`` argument as NumPy's; ``None`` is the default dtype."""
    return (get_default_dtype() if dtype is None else as_dtype(dtype, owner)).numpy


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
        RuntimeError: for integers that the dtype can't hold.
    """
    if isinstance(data, TensorBase):
        array = data._array
    elif isinstance(data, (list, tuple)):
        array = _sequence_to_array(data, owner)
    else:
        array = np.asarray(data)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{owner}: can't convert {type(data).__name__} {data!r} to a tensor")
    if type(array) is not np.ndarray:
        array = np.asarray(array)
    of_arrays = _holds_arrays(data)
    if dtype is not None:
        wanted = as_dtype(dtype, owner).numpy
        if not of_arrays and array.size and wanted.kind in "iu":
            _check_range(array, wanted, owner)
        return array.astype(wanted, copy=False)
    if array.dtype.kind in "fc" and not of_arrays:
        default = get_default_dtype()
        default = default.to_complex() if array.dtype.kind == "c" else default
        return array.astype(default.numpy, copy=False)
    return array.astype(dtype_of(array).numpy, copy=False)


def _holds_arrays(data: Any) -> bool:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic, TensorBase))


def _check_range(array: np.ndarray, wanted: np.dtype[Any], owner: str) -> None:
    """Refuse Python numbers out of range; negative ones wrap around in unsigned dtypes."""
    limits = np.iinfo(wanted)
    low, high = array.min(), array.max()
    if array.dtype.kind == "c" or not (limits.min or -limits.max) <= low <= high <= limits.max:
        raise RuntimeError(
            f"{owner}: value cannot be converted to type {wanted} without overflow: {low} to {high}"
        )


def _sequence_to_array(data: Any, owner: str) -> np.ndarray:
    def plain(value: Any) -> Any:
        if isinstance(value, TensorBase):
            return value._array.item() if value._array.size == 1 else value._array
        return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value

    if not len(data):
        return np.empty((0,), get_default_dtype().numpy)
    try:
        array = np.asarray(plain(data))
    except ValueError:
        raise ValueError(
            f"{owner}: expected sequences of equal length at each depth, got a ragged one"
        ) from None
    if array.dtype.kind == "O" and all(isinstance(v, int) for v in array.ravel()):
        raise RuntimeError(f"{owner}: an integer is too large for int64 in {data!r}")
    return array if array.size else array.astype(get_default_dtype().numpy)
