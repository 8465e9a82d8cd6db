"""Making tensors from data and from shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight._core import dtypes
from penlight._core.device import as_device
from penlight._core.dtypes import as_dtype, dtype_of, get_default_dtype
from penlight.autograd.base import TensorBase, wrap
from penlight.tensor.data import empty_array, to_array
from penlight.tensor.tensor import Tensor

__all__ = [
    "as_tensor", "empty", "empty_like", "from_numpy", "full", "full_like", "ones", "ones_like",
    "tensor", "zeros", "zeros_like",
]  # fmt: skip


def finish(array: np.ndarray, device: Any, requires_grad: bool) -> Tensor:
    """A leaf around ``array``: the common end of all creation functions."""
    as_device(device)
    t: Tensor = wrap(Tensor, array)
    if requires_grad:
        t.requires_grad = True
    return t


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
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
    return finish(to_array(data, dtype, "as_tensor"), device, False)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor on the memory of an ndarray: a change of one is seen in the other.

    Raises:
        TypeError: if it is no ndarray, or of a dtype that tensors do not have.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtype_of(ndarray)
    return wrap(Tensor, ndarray)  # type: ignore[no-any-return]


def empty(
    *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **unused: Any
) -> Tensor:
    """An uninitialised tensor of shape ``size``."""
    return finish(empty_array(size, dtype), device, requires_grad)


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros of shape ``size``."""
    array = empty_array(size, dtype)
    array.fill(0)
    return finish(array, device, requires_grad)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones of shape ``size``."""
    array = empty_array(size, dtype)
    array.fill(1)
    return finish(array, device, requires_grad)


def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of shape ``size`` filled with one value, in that value's dtype."""
    if dtype is None:
        default = get_default_dtype()
        by_category = (dtypes.bool_, dtypes.int64, default, default.to_complex())
        dtype = by_category[dtypes.category(fill_value)]
    array = empty_array((size,) if isinstance(size, int) else (tuple(size),), dtype)
    array.fill(fill_value)
    return finish(array, device, requires_grad)


def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **unused: Any,
) -> Tensor:
    """An uninitialised tensor of ``input``'s shape and dtype."""
    d = input._array.dtype if dtype is None else as_dtype(dtype).numpy
    return finish(np.empty_like(input._array, d), device, requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of ``input``'s shape and dtype filled with one value."""
    y = empty_like(input, dtype=dtype, device=device)
    y._array.fill(fill_value)
    return y.requires_grad_(requires_grad) if requires_grad else y


def zeros_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of ``input``'s shape and dtype."""
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones of ``input``'s shape and dtype."""
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)
