"""PyTorch's constructors by type, such as ``torch.FloatTensor``, which older programs use."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight._core import dtypes
from penlight._core.dtypes import set_default_dtype
from penlight.autograd.base import TensorBase
from penlight.tensor.creation import finish
from penlight.tensor.data import empty_array, to_array
from penlight.tensor.tensor import Tensor

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor",
    "LongTensor", "ShortTensor", "set_default_tensor_type",
]  # fmt: skip


class _TensorType(type):
    """``FloatTensor(2, 3)`` and ``FloatTensor([1, 2])`` make Tensors; ``isinstance`` asks the dtype."""

    dtype: dtypes.dtype

    def __call__(cls, *data: Any, device: Any = None) -> Tensor:
        if len(data) == 1 and (
            isinstance(data[0], TensorBase) or not hasattr(data[0], "__index__")
        ):
            return cls._of_data(data[0], device)
        return finish(empty_array(data or (0,), cls.dtype), device, False)

    def _of_data(cls, data: Any, device: Any) -> Tensor:
        if isinstance(data, TensorBase) and data._array.dtype != cls.dtype.numpy:
            raise TypeError(
                f"{cls.__name__}: expected a tensor of dtype {cls.dtype}, got {data.dtype}; "  # type: ignore[attr-defined]
                "convert it with .to(dtype)"
            )
        if isinstance(data, tuple) and type(data) is not tuple:  # a Size
            return finish(empty_array((data,), cls.dtype), device, False)
        array = to_array(data, None, cls.__name__)
        own = array if isinstance(data, (TensorBase, np.ndarray)) else array.copy()
        return finish(own.astype(cls.dtype.numpy, copy=False), device, False)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor) and value.dtype is cls.dtype


class FloatTensor(metaclass=_TensorType):
    """Tensors of float32."""

    dtype = dtypes.float32


class DoubleTensor(metaclass=_TensorType):
    """Tensors of float64."""

    dtype = dtypes.float64


class HalfTensor(metaclass=_TensorType):
    """Tensors of float16."""

    dtype = dtypes.float16


class LongTensor(metaclass=_TensorType):
    """Tensors of int64."""

    dtype = dtypes.int64


class IntTensor(metaclass=_TensorType):
    """Tensors of int32."""

    dtype = dtypes.int32


class ShortTensor(metaclass=_TensorType):
    """Tensors of int16."""

    dtype = dtypes.int16


class CharTensor(metaclass=_TensorType):
    """Tensors of int8."""

    dtype = dtypes.int8


class ByteTensor(metaclass=_TensorType):
    """Tensors of uint8."""

    dtype = dtypes.uint8


class BoolTensor(metaclass=_TensorType):
    """Tensors of bool."""

    dtype = dtypes.bool_


def set_default_tensor_type(t: Any) -> None:
    """Deprecated in PyTorch: :func:`set_default_dtype` by a type or its name."""
    if isinstance(t, str):
        t = globals().get(t.removeprefix("torch."))
    if not isinstance(t, _TensorType):
        raise TypeError(f"set_default_tensor_type: invalid type object {t!r}")
    set_default_dtype(t.dtype)
