"""Indexing: ``x[...]`` and ``x[...] = value``, basic (views) and advanced (copies)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.grad_mode import mode
from penlight.autograd.inplace import bump_version, check_inplace, set_history, snapshot
from penlight.autograd.op import Op, ViewOp
from penlight.kernels.scatter import add_rows
from penlight.ops.promotion import as_operand, cast

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["getitem", "setitem"]

_BASIC = (int, slice, type(None), type(...))


class Slice(ViewOp):
    """y = x[index] for basic indices, a view; dx = dy at those places, 0 elsewhere."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, index: tuple[Any, ...]) -> Any:
        ctx.shape, ctx.index = x.shape, index
        return x[(*index, ...)] if ... not in index else x[index]

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Place.apply(dy, ctx.index, ctx.shape, False)


class Gather(Op):
    """y = x[index] for index arrays or masks, a copy; dx = dy added up at those places."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, index: tuple[Any, ...]) -> Any:
        ctx.shape, ctx.index = x.shape, index
        return x[index]

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Place.apply(dy, ctx.index, ctx.shape, True)


def add_at(y: np.ndarray, index: tuple[Any, ...], x: Any) -> None:
    """y[index] += x, repeated places more than once."""
    whole_rows = len(index) == 1 and isinstance(index[0], np.ndarray) and index[0].dtype.kind == "i"
    if whole_rows and np.shape(x) == index[0].shape + y.shape[1:]:
        add_rows(y, index[0], x)
    else:
        np.add.at(y, index, x)


class Place(Op):
    """y = zeros with x added at ``index``; dx = dy[index]."""

    @staticmethod
    def forward(ctx: Any, x: Any, index: Any, shape: tuple[int, ...], repeats: bool) -> Any:
        ctx.index = index
        y = np.zeros(shape, x.dtype)
        if repeats and not all(getattr(i, "dtype", None) == np.bool_ for i in index):
            add_at(y, index, x)
        else:
            y[index] = x
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy[ctx.index]


def as_index(index: Any) -> tuple[tuple[Any, ...], bool]:
    """An index as a tuple of what NumPy takes, and whether it is a basic one.

    Raises:
        IndexError: for floating index tensors and unknown objects.
        ValueError: for slices with a step that is not positive.
    """
    items = index if isinstance(index, tuple) else (index,)
    basic = True
    result = []
    for item in items:
        if isinstance(item, TensorBase):
            item = item._array
        elif isinstance(item, (list, range, tuple)):
            item = np.asarray(item, dtype=None if len(item) else np.int64)
        if isinstance(item, slice):
            item = _as_slice(item)
        elif isinstance(item, (bool, np.bool_, np.ndarray)):
            item = np.asarray(item)
            if item.dtype == np.uint8:
                item = item.astype(np.bool_)
            if item.dtype.kind not in "bi":
                raise IndexError(
                    "tensors used as indices must be long, int, byte or bool tensors, got dtype "
                    f"{item.dtype}"
                )
            if item.ndim == 0 and item.dtype.kind == "i":
                item = int(item)
            else:
                basic = False
        elif isinstance(item, np.integer) or (
            not isinstance(item, _BASIC) and hasattr(item, "__index__")
        ):
            item = int(item)
        elif not isinstance(item, _BASIC):
            raise TypeError(
                "only integers, slices (`:`), ellipsis (`...`), None and long, byte or bool "
                f"Variables are valid indices (got {type(item).__name__})"
            )
        result.append(item)
    return tuple(result), basic


def _as_slice(s: slice) -> slice:
    bounds = [int(b) if b is not None and not isinstance(b, int) else b
              for b in (s.start, s.stop, s.step)]  # fmt: skip
    if bounds[2] is not None and bounds[2] <= 0:
        raise ValueError("step must be greater than zero; use flip() to reverse a dimension")
    return slice(*bounds)


def getitem(input: Tensor, index: Any) -> Tensor:
    """``input[index]``: a view for integers, slices, None and ``...``; a copy otherwise."""
    items, basic = as_index(index)
    return (Slice if basic else Gather).apply(input, items)  # type: ignore[no-any-return]


class Assign(Op):
    """y = x with ``value`` at ``index``; dx = dy with those places zeroed, dvalue = dy there.

    The memory has been written when this runs: it only records the history.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, value: np.ndarray, index: Any) -> Any:
        ctx.index = index
        return x.view()

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        keep = np.ones(dy.shape, np.bool_)
        keep[ctx.index] = False
        return np.where(keep, dy, 0), dy[ctx.index], None


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """``input[index] = value``, in place; the value is cast to ``input``'s dtype and broadcast.

    Raises:
        RuntimeError: if the value's shape can't be broadcast to what the index selects.
    """
    check_inplace(input)
    items, _ = as_index(index)
    value = as_operand(value, "setitem")
    raw = value._array if isinstance(value, TensorBase) else value
    old = snapshot(input, copy=False)
    if raw is not value and np.may_share_memory(raw, input._array):
        raw = raw.copy()
    target = input._array[items].shape
    extra = getattr(raw, "ndim", 0) - len(target)
    if extra > 0 and all(n == 1 for n in raw.shape[:extra]):  # PyTorch drops leading ones
        value = value.reshape(raw.shape[extra:])
        raw = raw.reshape(raw.shape[extra:])
    try:
        input._array[items] = raw
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(np.shape(raw))} cannot be broadcast to "
            f"indexing result of shape {list(target)}"
        ) from None
    bump_version(input)
    if not mode.grad:
        return
    if isinstance(value, TensorBase) and value._requires_grad:
        value = cast(value, input.dtype)
    elif not input._requires_grad:
        return
    else:
        value = wrap(input._result_type, np.zeros((), input._array.dtype))
    y = Assign.apply(old, value, items)
    set_history(input, y._node, 0)
