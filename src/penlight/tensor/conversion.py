"""Conversions: to Python numbers, to NumPy and DLPack, to other dtypes; copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import dtypes, layouts
from penlight._core.device import as_device, device
from penlight._core.dtypes import as_dtype
from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.ops.promotion import cast

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["ConversionMethods", "clone"]


class Clone(Op):
    """y = x, in memory of its own; dx = dy."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        if 0 in x.strides:  # an expanded view: its copy is to be an ordinary array
            return x.copy()
        return x.copy(order="K")

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy


class Contiguous(Op):
    """y = x with its elements in memory order; dx = dy."""

    label = "CloneBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        return x.copy(order="C")

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy that gradients flow through."""
    _check_format("clone", memory_format)
    return (Contiguous if memory_format is layouts.contiguous_format else Clone).apply(input)


def _check_format(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, layouts.memory_format):
        raise TypeError(
            f"{name}(): argument 'memory_format' must be torch.memory_format, not "
            f"{type(value).__name__}"
        )


class ConversionMethods:
    """What turns a tensor into something else."""

    __slots__ = ()

    clone = clone

    # -- to Python ---------------------------------------------------------------------------

    def item(self: Any) -> Any:
        """The one element as a Python number.

        Raises:
            RuntimeError: if there is not exactly one.
        """
        if self._array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self._array.size} elements cannot be converted to Scalar"
            )
        return self._array.item()

    def tolist(self: Any) -> Any:
        """The elements as (nested lists of) Python numbers."""
        return self._array.tolist()

    def is_nonzero(self: Any) -> bool:
        """Whether the one element is not zero."""
        return bool(self)

    def __bool__(self: Any) -> bool:
        size = self._array.size
        if size != 1:
            raise RuntimeError(
                f"Boolean value of Tensor with {'more than one' if size else 'no'} "
                f"value{'' if size else 's'} is ambiguous"
            )
        return bool(self._array.item())

    def _number(self: Any) -> Any:
        if self._array.size != 1:
            raise ValueError(
                "only one element tensors can be converted to Python scalars, got one of shape "
                f"{list(self._array.shape)}"
            )
        return self._array.item()

    def __float__(self: Any) -> float:
        return float(self._number())

    def __int__(self: Any) -> int:
        return int(self._number())

    def __complex__(self: Any) -> complex:
        return complex(self._number())

    def __index__(self: Any) -> int:
        if self._array.size != 1 or self._array.dtype.kind not in "biu":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array.item())

    def apply_(self: Any, callable: Callable[[Any], Any]) -> Tensor:
        """Replace each element x by ``callable(x)``, in place; slow, and without gradients.

        Raises:
            RuntimeError: for tensors that require gradients.
        """
        return self.map_(None, lambda x, _: callable(x))

    def map_(self: Any, tensor: Any, callable: Callable[[Any, Any], Any]) -> Tensor:
        """Replace each element x by ``callable(x, y)``, y from ``tensor``, in place."""
        if self._requires_grad:
            raise RuntimeError(
                "Can't call apply_() or map_() on Variable that requires grad. Use "
                "var.detach().apply_() instead."
            )
        others = np.broadcast_to(0 if tensor is None else tensor._array, self._array.shape)
        for place in np.ndindex(self._array.shape):
            self._array[place] = callable(self._array[place].item(), others[place].item())
        if self._counter is not None:
            self._counter[0] += 1
        return self

    # -- to NumPy and others -----------------------------------------------------------------

    def numpy(self: Any, *, force: bool = False) -> np.ndarray:
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
        array = self._array
        return array if type(array) is np.ndarray else np.asarray(array)  # which vmap refuses

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"can't make a {dtype} array of a {array.dtype} tensor in place")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(
        self: Any, *, stream: Any = None, max_version: Any = None, dl_device: Any = None,
        copy: bool | None = None,
    ) -> Any:  # fmt: skip
        """A DLPack capsule of the tensor's memory.

        Raises:
            BufferError: for tensors that require gradients.
        """
        if self._requires_grad:
            raise BufferError(
                "Can't export tensors that require gradient, use tensor.detach() first"
            )
        options = {"max_version": max_version, "dl_device": dl_device, "copy": copy}
        given = {name: value for name, value in options.items() if value is not None}
        return self._array.__dlpack__(stream=stream, **given)  # NumPy 2.0 knows none of them

    def __dlpack_device__(self: Any) -> tuple[int, int]:
        """The CPU, in DLPack's numbers."""
        return (1, 0)

    # -- order in memory ---------------------------------------------------------------------

    def contiguous(self: Any, memory_format: Any = None) -> Tensor:
        """The tensor itself if its elements lie in order, else a copy where they do."""
        _check_format("contiguous", memory_format)
        return self if self._array.flags.c_contiguous else Contiguous.apply(self)

    def is_contiguous(self: Any, memory_format: Any = None) -> bool:
        """Whether the elements lie in memory in the order of their indices (or of the format)."""
        _check_format("is_contiguous", memory_format)
        array, ndim = self._array, self._array.ndim
        if memory_format in (layouts.channels_last, layouts.channels_last_3d):
            wanted = 4 if memory_format is layouts.channels_last else 5
            return ndim == wanted and bool(np.moveaxis(array, 1, -1).flags.c_contiguous)
        return bool(array.flags.c_contiguous)

    # -- to other dtypes ---------------------------------------------------------------------

    def to(self: Any, *args: Any, **kwargs: Any) -> Tensor:
        """The tensor in another dtype: ``to(dtype)``, ``to("cpu", dtype)``, ``to(other)``.

        Args:
            non_blocking, memory_format: accepted for PyTorch's sake.
            copy: make a copy even if nothing changes.
        """
        copy = kwargs.pop("copy", False)
        kwargs.pop("non_blocking", None)
        _check_format("to", kwargs.pop("memory_format", None))
        other = kwargs.pop("other", None)
        wanted = kwargs.pop("dtype", None)
        as_device(kwargs.pop("device", None))
        if kwargs:
            raise TypeError(f"to() got an unexpected keyword argument {next(iter(kwargs))!r}")
        for argument in args if other is None else (other, *args):
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

    def type(self: Any, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Without ``dtype`` the type's name, such as ``'torch.FloatTensor'``; with it :meth:`to`."""
        if dtype is None:
            return f"torch.{_TYPE_NAMES[self.dtype.name]}"
        if isinstance(dtype, str):
            names = {f"torch.{name}": d for d, name in _TYPE_NAMES.items()}
            if dtype not in names:
                raise ValueError(
                    f"type(): invalid type: {dtype!r}; expected e.g. torch.FloatTensor"
                )
            dtype = dtypes.from_torch_name(names[dtype])
        return self.to(getattr(dtype, "dtype", dtype))

    def type_as(self: Any, other: Tensor) -> Tensor:
        """In ``other``'s dtype."""
        return cast(self, other.dtype)

    def float(self: Any, memory_format: Any = None) -> Tensor:
        """As float32."""
        return cast(self, dtypes.float32)

    def double(self: Any, memory_format: Any = None) -> Tensor:
        """As float64."""
        return cast(self, dtypes.float64)

    def half(self: Any, memory_format: Any = None) -> Tensor:
        """As float16."""
        return cast(self, dtypes.float16)

    def long(self: Any, memory_format: Any = None) -> Tensor:
        """As int64."""
        return cast(self, dtypes.int64)

    def int(self: Any, memory_format: Any = None) -> Tensor:
        """As int32."""
        return cast(self, dtypes.int32)

    def short(self: Any, memory_format: Any = None) -> Tensor:
        """As int16."""
        return cast(self, dtypes.int16)

    def char(self: Any, memory_format: Any = None) -> Tensor:
        """As int8."""
        return cast(self, dtypes.int8)

    def byte(self: Any, memory_format: Any = None) -> Tensor:
        """As uint8."""
        return cast(self, dtypes.uint8)

    def bool(self: Any, memory_format: Any = None) -> Tensor:
        """As bool: nonzero elements are True."""
        return cast(self, dtypes.bool_)

    def cfloat(self: Any, memory_format: Any = None) -> Tensor:
        """As complex64."""
        return cast(self, dtypes.complex64)

    def cdouble(self: Any, memory_format: Any = None) -> Tensor:
        """As complex128."""
        return cast(self, dtypes.complex128)

    def cpu(self: Any, memory_format: Any = None) -> Tensor:
        """The tensor itself."""
        return self

    def cuda(self: Any, device: Any = None, non_blocking: Any = False) -> Tensor:
        """Refused: there is no GPU.

        Raises:
            RuntimeError: always; ask ``torch.cuda.is_available()`` first.
        """
        as_device("cuda" if device is None else device)
        return self


_TYPE_NAMES = {
    "float16": "HalfTensor", "float32": "FloatTensor", "float64": "DoubleTensor",
    "uint8": "ByteTensor", "int8": "CharTensor", "int16": "ShortTensor", "int32": "IntTensor",
    "int64": "LongTensor", "bool": "BoolTensor", "complex64": "ComplexFloatTensor",
    "complex128": "ComplexDoubleTensor",
}  # fmt: skip
