"""Making tensors from data and from shapes.

All functions take PyTorch's ``device`` (the CPU alone), ``layout`` (strided alone) and ``pin_memory``
(without effect).
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from penlight._core import dtypes
from penlight._core.device import as_device
from penlight._core.dtypes import as_dtype, dtype_of, get_default_dtype
from penlight._core.layouts import as_layout
from penlight.autograd.base import TensorBase, wrap
from penlight.ops.promotion import as_scalar
from penlight.tensor.data import empty_array, numpy_dtype, size_argument, to_array
from penlight.tensor.tensor import Tensor

__all__ = [
    "as_tensor", "asarray", "empty", "empty_like", "empty_permuted", "empty_strided", "from_file", "from_numpy",
    "frombuffer", "full", "full_like", "ones", "ones_like", "scalar_tensor", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def finish(array: np.ndarray, device: Any, requires_grad: bool, layout: Any = None) -> Tensor:
    """A leaf around ``array``: the common end of all creation functions."""
    if device is not None:
        as_device(device)
    if layout is not None:
        as_layout(layout)
    t: Tensor = wrap(Tensor, array)
    if requires_grad:
        t.requires_grad = True
    return t


def read_options(name: str, options: dict[str, Any]) -> tuple[np.dtype, Any, bool, Any]:
    """``dtype``, ``device``, ``requires_grad`` and ``layout`` of a creation function's keywords.

    Raises:
        TypeError: if there are others.
    """
    left = dict(options)
    dtype = numpy_dtype(left.pop("dtype", None), name)
    device, grad = left.pop("device", None), left.pop("requires_grad", False)
    layout = left.pop("layout", None)
    left.pop("pin_memory", None)
    if left:
        raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(left))!r}")
    return dtype, device, grad, layout


# -- from data -------------------------------------------------------------------------------


def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor that holds a copy of ``data``.

    Args:
        data: a number, nested sequences, an ndarray or a tensor.
        dtype: default: of Python floats the default dtype, of Python ints int64, of arrays theirs.
        requires_grad: whether gradients are wanted.

    Example:
        >>> torch.tensor([[1.0, 2.0]])
        tensor([[1., 2.]])
    """
    array = to_array(data, dtype, "tensor")
    if isinstance(data, (np.ndarray, TensorBase)):
        array = array.copy()
    return finish(array, device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """``data`` as a tensor, sharing its memory where that is possible."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray):
        _check_sharable(data)
    return finish(to_array(data, dtype, "as_tensor"), device, False)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``obj`` as a tensor: data, a tensor, an ndarray, or what supports DLPack or buffers.

    Args:
        copy: True copies always, False never; ``None`` only if it must.

    Raises:
        ValueError: if ``copy`` is False and a copy is needed.
    """
    if hasattr(obj, "__dlpack__") and not isinstance(obj, (TensorBase, np.ndarray)):
        obj = np.from_dlpack(obj)
    given = obj._array if isinstance(obj, TensorBase) else obj
    array = to_array(obj, dtype, "asarray")
    shares = isinstance(given, np.ndarray) and np.may_share_memory(array, given)
    if copy is False and not shares:
        raise ValueError("asarray: can't alias data of this type or dtype; pass copy=None or True")
    if isinstance(obj, Tensor) and array is given and not copy:
        if requires_grad and not obj.requires_grad:
            return obj.detach().requires_grad_()
        return obj if requires_grad or not obj.requires_grad else obj.detach()
    return finish(array.copy() if copy and shares else array, device, requires_grad)


def _check_sharable(array: np.ndarray) -> None:
    if any(s < 0 for s in array.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative "
            "strides are not supported; copy it first with array.copy()"
        )
    if not array.dtype.isnative:
        raise ValueError(
            f"given numpy array has byte order different from the native byte order: {array.dtype}"
        )
    if not array.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable: in-place operations on the tensor will raise. "
            "Copy the array to protect its data or make it writable first.",
            stacklevel=3,
        )


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor on the memory of an ndarray: a change of one is seen in the other.

    Raises:
        TypeError: if it is no ndarray, or of a dtype that tensors do not have.
        ValueError: for negative strides and the byte order of other machines.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtype_of(ndarray)
    _check_sharable(ndarray)
    return wrap(Tensor, np.asarray(ndarray))


def from_file(
    filename: str | os.PathLike[str],
    shared: bool | None = None,
    size: int = 0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A vector whose memory is a file's: read where it is looked at, not at once.

    Args:
        shared: changes go into the file, which is made or lengthened if need be. Default: changes
            stay with the tensor.
        size: number of elements.
        dtype: default: the default dtype.

    Raises:
        FileNotFoundError: if there is no such file and it is not ``shared``.
        RuntimeError: if the file is too short.
    """
    kind = numpy_dtype(dtype, "from_file")
    needed = size * kind.itemsize
    if shared:
        with open(filename, "ab") as file:
            file.truncate(max(needed, file.tell()))
    elif os.path.getsize(filename) < needed:
        raise RuntimeError(
            f"from_file: file <{os.fspath(filename)}> has {os.path.getsize(filename)} bytes, "
            f"{size} elements of {kind} need {needed}"
        )
    if not size:
        return finish(np.empty(0, kind), device, requires_grad, layout)
    memory = np.memmap(filename, kind, "r+" if shared else "c", shape=(size,))
    return finish(memory.view(np.ndarray), device, requires_grad, layout)


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-d tensor on the memory of an object with Python's buffer interface.

    Raises:
        ValueError: if the bytes from ``offset`` on are not whole elements, or too few.
    """
    d = as_dtype(dtype, "frombuffer").numpy
    size = memoryview(buffer).nbytes
    if not 0 <= offset < size:
        raise ValueError(
            f"frombuffer: offset ({offset} bytes) must be non-negative and no greater than buffer "
            f"length ({size} bytes) minus 1"
        )
    if count < 0 and (size - offset) % d.itemsize:
        raise ValueError(
            f"frombuffer: buffer length ({size - offset} bytes) after offset ({offset} bytes) must "
            f"be a multiple of element size ({d.itemsize})"
        )
    array = np.frombuffer(buffer, d, count, offset)
    if not array.flags.writeable:
        _check_sharable(array)
    return finish(array, None, requires_grad)


def scalar_tensor(
    s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A 0-d tensor of one number, in the default dtype."""
    return finish(np.asarray(s, numpy_dtype(dtype)), device, requires_grad)


# -- of a shape ------------------------------------------------------------------------------


def empty(
    *args: Any, size: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor of shape ``size``."""
    array = empty_array(size_argument(args, size, "empty"), dtype)
    return finish(array, device, requires_grad, layout)


def zeros(
    *args: Any, size: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of zeros of shape ``size``."""
    array = empty_array(size_argument(args, size, "zeros"), dtype)
    array.fill(0)
    return finish(array, device, requires_grad, layout)


def ones(
    *args: Any, size: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of ones of shape ``size``."""
    array = empty_array(size_argument(args, size, "ones"), dtype)
    array.fill(1)
    return finish(array, device, requires_grad, layout)


def _number(value: Any, owner: str) -> Any:
    if isinstance(value, (TensorBase, np.generic, np.ndarray)):
        if getattr(value, "ndim", 0):
            raise TypeError(f"{owner}(): argument 'fill_value' must be Number, not Tensor")
        return value.item()  # type: ignore[union-attr]
    return value


def full(
    size: Any, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of shape ``size`` filled with one value, in that value's dtype."""
    if hasattr(size, "__index__"):
        raise TypeError("full(): argument 'size' (position 1) must be tuple of ints, not int")
    value = _number(fill_value, "full")
    if dtype is None:
        default = get_default_dtype()
        by_category = (dtypes.bool_, dtypes.int64, default, default.to_complex())
        dtype = by_category[dtypes.category(value)]
    array = empty_array((size,), dtype)
    array.fill(as_scalar(value, as_dtype(dtype, "full"), "full"))
    return finish(array, device, requires_grad, layout)


def empty_strided(
    size: Any, stride: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor of this shape whose neighbours lie ``stride`` elements apart."""
    n = 1 + sum((m - 1) * s for m, s in zip(size, stride, strict=True))
    memory = empty_array((n if all(size) else 0,), dtype)
    steps = tuple(s * memory.itemsize for s in stride)
    array = np.ndarray(tuple(size), memory.dtype, memory, 0, steps)
    return finish(array, device, requires_grad, layout)


def empty_permuted(
    size: Any, physical_layout: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor whose dimensions lie in memory in the order ``physical_layout``."""
    memory = empty_array(tuple(size[d] for d in physical_layout), dtype)
    back = sorted(range(len(physical_layout)), key=list(physical_layout).__getitem__)
    return finish(memory.transpose(back), device, requires_grad, layout)


# -- like another tensor ---------------------------------------------------------------------


def empty_like(
    input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor of ``input``'s shape, dtype and order in memory."""
    d = input._array.dtype if dtype is None else as_dtype(dtype, "empty_like").numpy
    return finish(np.empty_like(input._array, d), device, requires_grad, layout)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of ``input``'s shape and dtype filled with one value."""
    y = empty_like(input, dtype=dtype, layout=layout, device=device)
    y._array.fill(as_scalar(_number(fill_value, "full_like"), y.dtype, "full_like"))
    return y.requires_grad_() if requires_grad else y


def zeros_like(
    input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Zeros of ``input``'s shape and dtype."""
    y = empty_like(input, dtype=dtype, layout=layout, device=device)
    y._array.fill(0)
    return y.requires_grad_() if requires_grad else y


def ones_like(
    input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Ones of ``input``'s shape and dtype."""
    y = empty_like(input, dtype=dtype, layout=layout, device=device)
    y._array.fill(1)
    return y.requires_grad_() if requires_grad else y
