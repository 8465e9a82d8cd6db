"""Conversions: to Python numbers, to NumPy, to other dtypes; copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import dtypes
from penlight._core.device import as_device, device
from penlight._core.dtypes import as_dtype
from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.ops.promotion import cast

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["ConversionMethods"]


class Clone(Op):
    """y = x, in memory of its own; dx = dy."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        return x.copy(order="K")

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy


class ConversionMethods:
    """What turns a tensor into something else."""

    __slots__ = ()

    def item(self: Tensor) -> Any:
        """The one element as a Python number.

        Raises:
            RuntimeError: if there is not exactly one.
        """
        if self._array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self._array.size} elements cannot be converted to Scalar"
            )
        return self._array.item()

    def tolist(self: Tensor) -> Any:
        """The elements as (nested lists of) Python numbers."""
        return self._array.tolist()

    def numpy(self: Tensor, *, force: bool = False) -> np.ndarray:
        """The ndarray underneath: it shares the tensor's memory.

        Args:
            force: detach first, so that tensors that require gradients are taken too.

        Raises:
            RuntimeError: if the tensor requires gradients and ``force`` is not set.
        """
        if self._requires_grad and not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead."
            )
        return self._array

    def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"can't make a {dtype} array of a {array.dtype} tensor in place")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __bool__(self: Tensor) -> bool:
        if self._array.size != 1:
            raise RuntimeError(
                f"Boolean value of Tensor with {self._array.size or 'no'} values is ambiguous"
                if self._array.size == 0
                else "Boolean value of Tensor with more than one value is ambiguous"
            )
        return bool(self._array.item())

    def __float__(self: Tensor) -> float:
        return float(self.item())

    def __int__(self: Tensor) -> int:
        return int(self.item())

    def __complex__(self: Tensor) -> complex:
        return complex(self.item())

    def __index__(self: Tensor) -> int:
        if self._array.size != 1 or self._array.dtype.kind not in "biu":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array.item())

    def clone(self: Tensor, *, memory_format: Any = None) -> Tensor:
        """A copy that gradients flow through."""
        return Clone.apply(self)  # type: ignore[no-any-return]

    def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
        """The tensor itself if its elements lie in order, else a copy where they do."""
        return self if self._array.flags.c_contiguous else Contiguous.apply(self)  # type: ignore[no-any-return]

    def is_contiguous(self: Tensor, memory_format: Any = None) -> bool:
        """Whether the elements lie in memory in the order of their indices."""
        return bool(self._array.flags.c_contiguous)

    def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The tensor in another dtype: ``to(dtype)``, ``to("cpu", dtype)``, ``to(other)``.

        Args:
            non_blocking, memory_format: accepted for PyTorch's sake.
            copy: make a copy even if nothing changes.
        """
        copy = kwargs.pop("copy", False)
        kwargs.pop("non_blocking", None)
        kwargs.pop("memory_format", None)
        wanted = kwargs.pop("dtype", None)
        as_device(kwargs.pop("device", None))
        if kwargs:
            raise TypeError(f"to() got an unexpected keyword argument {next(iter(kwargs))!r}")
        for argument in args:
            if isinstance(argument, TensorBase):
                wanted = argument.dtype  # type: ignore[attr-defined]
            elif isinstance(argument, (str, device)):
                as_device(argument)
            elif isinstance(argument, (dtypes.dtype, type, np.dtype)):
                wanted = argument
            elif argument is not None and not isinstance(argument, bool):
                raise TypeError(f"to(): expected a dtype, device or Tensor, got {argument!r}")
        y = self if wanted is None else cast(self, as_dtype(wanted, "to"))
        return y.clone() if copy and y is self else y

    def type(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Without ``dtype`` the type's name, such as ``'torch.FloatTensor'``; with it :meth:`to`."""
        if dtype is None:
            return f"torch.{_TYPE_NAMES[self.dtype.name]}"
        if isinstance(dtype, str):
            names = {f"torch.{name}": d for d, name in _TYPE_NAMES.items()}
            dtype = dtypes.from_torch_name(names.get(dtype, dtype))
        return self.to(dtype)

    def type_as(self: Tensor, other: Tensor) -> Tensor:
        """In ``other``'s dtype."""
        return self.to(other.dtype)

    def float(self: Tensor) -> Tensor:
        """As float32."""
        return cast(self, dtypes.float32)

    def double(self: Tensor) -> Tensor:
        """As float64."""
        return cast(self, dtypes.float64)

    def half(self: Tensor) -> Tensor:
        """As float16."""
        return cast(self, dtypes.float16)

    def long(self: Tensor) -> Tensor:
        """As int64."""
        return cast(self, dtypes.int64)

    def int(self: Tensor) -> Tensor:
        """As int32."""
        return cast(self, dtypes.int32)

    def bool(self: Tensor) -> Tensor:
        """As bool: nonzero elements are True."""
        return cast(self, dtypes.bool_)

    def cpu(self: Tensor) -> Tensor:
        """The tensor itself."""
        return self


class Contiguous(Op):
    """y = x with its elements in memory order; dx = dy."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy


_TYPE_NAMES = {
    "float16": "HalfTensor", "float32": "FloatTensor", "float64": "DoubleTensor",
    "uint8": "ByteTensor", "int8": "CharTensor", "int16": "ShortTensor", "int32": "IntTensor",
    "int64": "LongTensor", "bool": "BoolTensor", "complex64": "ComplexFloatTensor",
    "complex128": "ComplexDoubleTensor",
}  # fmt: skip
