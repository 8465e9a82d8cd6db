"""The few ops that the engine itself needs: undoing broadcasting, casting, writing into a view."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.op import Op, ViewOp

__all__ = ["BroadcastTo", "Cast", "Clone", "SumTo", "WriteView"]


class SumTo(Op):
    """Undo broadcasting: sum x over the axes along which ``shape`` was stretched to x's shape.

    y_j = sum over all i that broadcast from j of x_i; dx_i = dy_j. Only the axes of size one in
    ``shape``, and those it lacks on the left, are summed.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        ctx.shape = x.shape
        extra = x.ndim - len(shape)
        inner = tuple(a for a in range(extra, x.ndim) if shape[a - extra] == 1 != x.shape[a])
        if not inner:
            return np.add.reduce(x, axis=tuple(range(extra)))
        return np.add.reduce(x, axis=(*range(extra), *inner), keepdims=True).reshape(shape)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return BroadcastTo.apply(dy, ctx.shape)


class BroadcastTo(ViewOp):
    """y = x stretched along axes of size one; dx = dy, which the engine sums back to x's shape."""

    label = "ExpandBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if x.size == 1:
            return np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
        if not x.flags.writeable:
            return np.broadcast_to(x, shape)
        # as np.broadcast_to, which would make the view read-only
        views: Any = np.nditer(
            (x,), ("multi_index", "reduce_ok", "zerosize_ok"), (("readwrite",),),
            itershape=shape, order="C",
        )  # fmt: skip
        return views.itviews[0]

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy


class Cast(Op):
    """y = x in another dtype; dx = dy in x's own."""

    label = "ToCopyBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
        ctx.dtype = x.dtype
        if x.dtype.kind == "c" and np.dtype(dtype).kind != "c":
            x = x.real
        return x.astype(dtype)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Cast.apply(dy, ctx.dtype)


class Clone(Op):
    """y = x, in memory of its own; dx = dy."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        return x.copy(order="K")

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy


class WriteView(Op):
    """y = base with ``value`` in place of the part that ``path``, a chain of view ops, shows.

    dbase = dy with that part zeroed; dvalue = that part of dy. In-place changes write the memory
    themselves; they then pass ``written=True`` and use only the node.
    """

    label = "CopySlices"

    @staticmethod
    def forward(
        ctx: Any, base: np.ndarray, value: Any, path: tuple[Any, ...], written: bool = False
    ) -> np.ndarray:
        ctx.path = path
        if written:
            return base.view()
        y = base.copy()
        part = follow(y, path)
        if part.size and not np.may_share_memory(part, y):
            raise RuntimeError("an in-place change of this view can't be differentiated: clone it")
        part[...] = value
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        part = follow(dy, ctx.path)
        return WriteView.apply(dy, 0, ctx.path), part, None, None


def follow(x: Any, path: tuple[Any, ...]) -> Any:
    """Apply a chain of view ops to an ndarray or a Tensor."""
    for op, arguments in path:
        x = op.apply(x, *arguments)
    return x
