"""Copying and pickling of tensors, and the memory that several of them may share.

NumPy has no storage object, but the chain of ``.base`` ends at the array that owns (or first saw)
the memory. That *root* plays the storage's part: two tensors share memory if they share the root.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import wrap

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["PicklingMethods", "kinds", "rebuild", "storage_of", "view_of"]

kinds: dict[str, type[Any]] = {}
"""Subclasses of Tensor that files know by name ("Parameter", "Buffer"): they enter themselves."""


def storage_of(array: np.ndarray) -> tuple[np.ndarray, int] | None:
    """The root of the array's memory as flat bytes, and the byte in it where the array starts.

    Returns:
        ``None`` for arrays that can't be written as sizes and strides over a root: those with
        negative strides, in the byte order of other machines, or over memory with gaps.
    """
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    flags = root.flags
    if not (flags.c_contiguous or flags.f_contiguous) or not array.dtype.isnative:
        return None
    if min(array.strides, default=0) < 0:
        return None
    offset = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    flat = root.reshape(-1, order="A").view(np.uint8)
    return flat, offset if array.size else 0


def view_of(
    flat: np.ndarray, dtype: np.dtype[Any], offset: int, shape: Any, strides: Any
) -> np.ndarray:
    """The array at ``offset`` in flat bytes; strides, too, count bytes. NumPy checks the bounds."""
    return np.ndarray(shape, dtype, flat, offset, strides)


def rebuild(cls: type[Any], array: np.ndarray, requires_grad: bool) -> Any:
    """A leaf of class ``cls``: what unpickling calls."""
    t = wrap(cls, array)
    if requires_grad:
        t.requires_grad = True
    return t


class PicklingMethods:
    """``copy.deepcopy`` and ``pickle``."""

    __slots__ = ()

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Tensor:
        """A copy of values, gradient and attributes; tensors that share memory still do so after.

        Raises:
            RuntimeError: for tensors that were computed from others with gradients.
        """
        if self._node is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                f"protocol; this one was made by {self._node.name()}. Copy its detach() instead."
            )
        if id(self) in memo:
            return memo[id(self)]
        copied: Tensor = rebuild(type(self), _copy_array(self._array, memo), self._requires_grad)
        memo[id(self)] = copied
        if self._grad is not None:
            copied._grad = copy.deepcopy(self._grad, memo)
        copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return copied

    def __reduce_ex__(self: Any, protocol: Any) -> tuple[Any, ...]:
        state = self.__dict__ or None
        return rebuild, (type(self), self._array, self._requires_grad), state


def _copy_array(array: np.ndarray, memo: dict[int, Any]) -> np.ndarray:
    """A copy in which what shared memory with ``array`` and was copied under ``memo`` shares it."""
    storage = storage_of(array)
    if storage is None:
        return array.copy()
    flat, offset = storage
    address = ("storage", flat.__array_interface__["data"][0], flat.size)
    copies: Any = memo
    if address not in copies:
        copies[address] = flat.copy()
        memo.setdefault(id(memo), []).append(array)  # its memory is not to be reused meanwhile
    return view_of(copies[address], array.dtype, offset, array.shape, array.strides)
