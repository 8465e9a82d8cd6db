"""Indexing: ``x[...]`` and ``x[...] = value``, basic (views) and advanced (copies).

An index is taken in two steps, as in PyTorch: its integers, slices, ``None`` and ``...`` make a view;
index tensors and masks then choose from that view. (NumPy takes integers for index arrays when it
meets both, which orders the dimensions of ``x[0, :, [1, 2]]`` differently.)
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from penlight._core.arrays import ArrayLike
from penlight.autograd import batching
from penlight.autograd.base import TensorBase
from penlight.autograd.grad_mode import mode
from penlight.autograd.inplace import (
    bump_version,
    check_inplace,
    refuse_overlap,
    refuse_wider,
    set_history,
    snapshot,
)
from penlight.autograd.op import Op, ViewOp
from penlight.kernels.scatter import add_at
from penlight.ops.promotion import as_operand, as_scalar, cast

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["getitem", "setitem"]

WHOLE = slice(None)


class Slice(ViewOp):
    """y = x[index] for basic indices, a view; dx = dy at those places, 0 elsewhere."""

    index: tuple[Any, ...]

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, index: tuple[Any, ...]) -> Any:
        ctx.shape, ctx.index = x.shape, index
        y = x[index]
        return y if type(y) is np.ndarray else x[(*index, ...)]

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Place.apply(dy, ctx.shape, ctx.index)

    def name(self) -> str:
        last = next((i for i in reversed(self.index) if i != WHOLE and i is not ...), None)
        if isinstance(last, int):
            return "SelectBackward0"
        if last is None and None in self.index:
            return "UnsqueezeBackward0"
        return "AliasBackward0" if self.index in ((), (...,)) else "SliceBackward0"


class Gather(Op):
    """y = x[pattern] for index arrays or masks, a copy; dx = dy added up at those places.

    ``pattern`` is the index with a number in place of each of the ``indices``.
    """

    label = "IndexBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, pattern: tuple[Any, ...], *indices: np.ndarray) -> Any:
        ctx.save(*indices)
        ctx.shape, ctx.pattern = x.shape, pattern
        return x[filled(pattern, indices)]

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Place.apply(dy, ctx.shape, ctx.pattern, *ctx.saved)


class Place(Op):
    """y = zeros with x added at ``pattern``; dx = dy[pattern]."""

    @staticmethod
    def forward(
        ctx: Any, x: Any, shape: tuple[int, ...], pattern: tuple[Any, ...], *indices: np.ndarray
    ) -> Any:
        ctx.save(*indices)
        ctx.pattern = pattern
        y = np.zeros(shape, x.dtype)
        index = filled(pattern, indices) if indices else pattern
        if any(i.dtype.kind != "b" for i in indices):
            add_at(y, index, x)
        else:
            y[index] = x
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        if not ctx.saved:
            return Slice.apply(dy, ctx.pattern)
        return Gather.apply(dy, ctx.pattern, *ctx.saved)


def filled(pattern: tuple[Any, ...], indices: tuple[Any, ...]) -> tuple[Any, ...]:
    """The full index: numbers in the pattern replaced by the arrays they stand for."""
    return tuple(indices[p] if type(p) is int else p for p in pattern)


# -- reading an index ------------------------------------------------------------------------


class Index(NamedTuple):
    """An index in its two steps."""

    basic: tuple[Any, ...]  # integers, slices, None, ...
    pattern: tuple[Any, ...]  # slices and ...; numbers stand for the indices
    indices: tuple[Any, ...]  # index tensors and masks: Tensors where the user gave Tensors

    @property
    def is_basic(self) -> bool:
        return not self.indices

    @property
    def takes_all(self) -> bool:
        """Whether the basic step changes nothing."""
        return all(i is ... or i == WHOLE for i in self.basic)


def read_index(index: Any) -> Index:
    """Take an index apart.

    Raises:
        IndexError: for index tensors of other dtypes than int32, int64 and bool; unknown objects.
        ValueError: for slices with a step that is not positive.
    """
    items = index if isinstance(index, tuple) else (index,)
    if isinstance(index, list) and _means_tuple(index):
        items = tuple(index)
    basic: list[Any] = []
    pattern: list[Any] = []
    indices: list[Any] = []
    for item in items:
        if isinstance(item, slice):
            basic.append(_as_slice(item))
            pattern.append(WHOLE)
        elif item is None:
            basic.append(None)
            pattern.append(WHOLE)
        elif item is ...:
            basic.append(...)
            pattern.append(...)
        elif type(item) is int or _is_integer(item):
            basic.append(int(item))
        else:
            chooser, dims = _as_chooser(item)
            basic += [WHOLE] * dims if dims else [None]
            pattern.append(len(indices))
            indices.append(chooser)
    return Index(tuple(basic), tuple(pattern), tuple(indices))


def _means_tuple(items: list[Any]) -> bool:
    """A list of more than numbers stands for a tuple, with a warning: so PyTorch 2.13 does."""
    if len(items) >= 32 or not any(
        item is None or item is ... or isinstance(item, (TensorBase, slice, list, tuple))
        for item in items
    ):
        return False
    warnings.warn(
        "Using a non-tuple sequence for multidimensional indexing is deprecated: use x[tuple(seq)] "
        "instead of x[seq], or x[torch.tensor(seq)] for an index tensor.",
        stacklevel=4,
    )
    return True


def _is_integer(item: Any) -> bool:
    """Integers of all kinds: Python's, NumPy's, and 0-d tensors and arrays."""
    if isinstance(item, (bool, np.bool_)):
        return False
    if isinstance(item, TensorBase):
        item = item._array
    if isinstance(item, ArrayLike):
        return False
    if isinstance(item, np.ndarray):
        return not item.ndim and item.dtype.kind in "iu" and item.dtype != np.uint8
    return hasattr(item, "__index__")


def _as_slice(s: slice) -> slice:
    start, stop, step = (None if b is None else int(b) for b in (s.start, s.stop, s.step))
    if step == 0:
        raise ValueError("slice step cannot be zero")
    if step is not None and step < 0:
        raise ValueError("step must be greater than zero; use flip() to reverse a dimension")
    return slice(start, stop, step)


def _as_chooser(item: Any) -> tuple[Any, int]:
    """An index tensor or mask, and how many dimensions it takes the place of (0: makes a new one)."""
    if isinstance(item, (bool, np.bool_)):
        return np.zeros(int(item), np.int64), 0
    if isinstance(item, (list, tuple, range)):
        item = _as_array(item)
    elif not isinstance(item, (TensorBase, np.ndarray)):
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long, int, byte or bool "
            f"tensors are valid indices (got {type(item).__name__})"
        )
    array = item._array if isinstance(item, TensorBase) else item
    if array.dtype == np.uint8:
        if array.ndim:
            warnings.warn(
                "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool "
                "instead.",
                stacklevel=5,
            )
        item = array = array.astype(np.bool_)
    if array.dtype.kind == "b":
        return (item, array.ndim) if array.ndim else (np.zeros(int(array), np.int64), 0)
    if array.dtype not in (np.int64, np.int32):
        raise IndexError(
            "tensors used as indices must be long, int, byte or bool tensors, got dtype "
            f"{array.dtype}"
        )
    return item, 1


def _as_array(items: Any) -> np.ndarray:
    plain = [i._array if isinstance(i, TensorBase) else i for i in items]
    if not plain:
        return np.empty(0, np.int64)
    array = np.asarray(plain)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"an index list must hold integers or booleans, got {items!r}")
    return array


# -- x[index] --------------------------------------------------------------------------------


def getitem(input: Tensor, index: Any) -> Tensor:
    """``input[index]``: a view for integers, slices, None and ``...``; a copy otherwise."""
    if type(index) is int:
        return Slice.apply(input, (index,))
    read = read_index(index)
    if read.is_basic:
        return Slice.apply(input, read.basic)
    part = input if read.takes_all else Slice.apply(input, read.basic)
    return Gather.apply(part, read.pattern, *read.indices)


# -- x[index] = value ------------------------------------------------------------------------


class Assign(Op):
    """y = x with ``value`` at ``pattern``; dx = dy with those places zeroed, dvalue = dy there.

    The memory has been written when this runs: it only records the history.
    """

    label = "CopySlices"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, value: Any, pattern: Any, *indices: np.ndarray) -> Any:
        ctx.save(*indices)
        ctx.pattern = pattern
        return x.view()

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        indices = ctx.saved
        index = filled(ctx.pattern, indices) if indices else ctx.pattern
        keep = np.ones(dy.shape, np.bool_)
        keep[tuple(i._array if isinstance(i, TensorBase) else i for i in index)] = False
        return np.where(keep, dy, 0), (
            of_last_writes(dy[index], dy.shape, index) if ctx.edges[1] else None
        )


def of_last_writes(dv: Any, shape: tuple[int, ...], index: tuple[Any, ...]) -> Any:
    """The gradient of values that were put at ``index``: of several put in one place the last counts."""
    arrays = tuple(i._array if isinstance(i, TensorBase) else i for i in index)
    if not any(isinstance(i, np.ndarray) and i.dtype.kind == "i" for i in arrays):
        return dv
    places = np.arange(math.prod(shape)).reshape(shape)[arrays]
    order = np.arange(places.size).reshape(places.shape)
    last = np.empty(math.prod(shape), np.int64)
    last[places] = order
    counts = last[places] == order
    return dv if counts.all() else np.where(counts, dv, 0)


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """``input[index] = value``, in place; the value is cast to ``input``'s dtype and broadcast.

    Raises:
        RuntimeError: if the value's shape can't be broadcast to what the index selects, or if an
            index tensor selects and the value has another dtype.
        TypeError: if the value is neither a tensor nor a number.
    """
    read = read_index(index)
    if isinstance(value, (np.ndarray, list, tuple)):
        raise TypeError(f"can't assign a {type(value).__name__} to a {input.type()}; use tensor()")
    value = as_operand(value, "setitem")
    if read.is_basic:
        write(input, value, read.basic)
        return
    if isinstance(value, TensorBase):
        same_dtype(input, value)
    part = input if read.takes_all else Slice.apply(input, read.basic)
    write(part, value, read.pattern, *read.indices)


def same_dtype(input: Any, value: Any) -> None:
    """Refuse a value of another dtype at index tensors.

    Raises:
        RuntimeError: if the dtypes differ.
    """
    if input._array.dtype != value._array.dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {input.dtype} for the "
            f"destination and {value.dtype} for the source."
        )


def write(target: Any, value: Any, pattern: tuple[Any, ...], *indices: Any) -> None:
    """Put a tensor or number at ``pattern``, in place, and record it."""
    if batching.running:
        level = batching.innermost((target, value, *indices))
        if level is not None:
            from penlight.ops.batching.writing import write_all  # which stands on this

            refuse_wider(level, target)
            write_all(level, target, value, pattern, indices)
            return
    wanted = isinstance(value, TensorBase) and value.requires_grad
    check_inplace(target, value if wanted else None)
    arrays = tuple(i._array if isinstance(i, TensorBase) else i for i in indices)
    index = filled(pattern, arrays) if indices else pattern
    old = snapshot(target, copy=False)
    if isinstance(value, TensorBase):
        value = _put_tensor(target._array, value, index)
    else:
        target._array[index] = as_scalar(value, target.dtype, "setitem")
    bump_version(target)
    if mode.recording and (wanted or target.requires_grad):
        value = cast(value, target.dtype) if wanted else 0
        y = Assign.apply(old, value, pattern, *indices)
        set_history(target, y._node, 0)


def _put_tensor(target: np.ndarray, value: Any, index: tuple[Any, ...]) -> Any:
    """target[index] = value; returns the value without the leading ones that PyTorch drops."""
    shape = target[index].shape
    extra = value._array.ndim - len(shape)
    if extra > 0 and all(n == 1 for n in value._array.shape[:extra]):
        value = value.reshape(value._array.shape[extra:])
    raw = value._array
    if np.may_share_memory(raw, target):
        raw = raw.copy()
    refuse_overlap(target)
    try:
        target[index] = raw
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(raw.shape)} cannot be broadcast to "
            f"indexing result of shape {list(shape)}"
        ) from None
    return value
