"""What rules are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penlight.autograd.batching import rules
from penlight.autograd.op import Op
from penlight.autograd.primitives import BroadcastTo
from penlight.ops.shape import Reshape

__all__ = [
    "Rule", "aligned", "expanded", "folded", "moved", "rank", "reshaped", "rule", "shape", "shared", "unfolded",
]  # fmt: skip

Rule = Callable[[type[Op], int, list[Any], list[bool]], Any]


def rule(*ops: Any) -> Callable[[Rule], Rule]:
    """Decorate the rule of these ops (and of what is derived from them)."""

    def register(function: Rule) -> Rule:
        rules.update(dict.fromkeys(ops, function))
        return function

    return register


def shape(x: Any) -> tuple[int, ...]:
    """The shape of a Tensor or array."""
    return np.shape(getattr(x, "_array", x))


def rank(x: Any, batched: bool) -> int:
    """How many dimensions a sample has."""
    return len(shape(x)) - batched


def reshaped(x: Any, sizes: Sequence[int]) -> Any:
    """x in another shape; itself if it has that."""
    sizes = tuple(sizes)
    return x if shape(x) == sizes else Reshape.apply(x, sizes)


def aligned(values: Sequence[Any], batched: Sequence[bool]) -> list[Any]:
    """Values that are broadcast together: samples of fewer dimensions get new ones after the first."""
    ranks = [rank(x, b) if hasattr(getattr(x, "_array", x), "ndim") else 0
             for x, b in zip(values, batched, strict=True)]  # fmt: skip
    ndim = max(ranks)
    return [
        reshaped(x, (shape(x)[0], *(1,) * (ndim - r), *shape(x)[1:])) if b and r < ndim else x
        for x, b, r in zip(values, batched, ranks, strict=True)
    ]


def expanded(x: Any, batched: bool, size: int) -> Any:
    """x of shape (B, *S), repeated without a copy if it is one for all samples."""
    return x if batched else BroadcastTo.apply(x, (size, *shape(x)))


def shared(x: Any) -> bool:
    """Whether all samples of a batch are one and the same in memory."""
    array = x._array
    return array.shape[0] > 1 and array.strides[0] == 0


def moved(axis: Any, ndim: int) -> Any:
    """Axes of a sample of ``ndim`` dimensions as axes of the batch; None, for all of them, as well."""
    if axis is None:
        return tuple(range(1, ndim + 1))
    if isinstance(axis, tuple):
        return tuple(a + 1 if a >= 0 else a for a in axis)
    return axis + 1 if axis >= 0 else axis


def folded(x: Any, axis: int = 0) -> Any:
    """(B, *S) with the batch made part of the samples' dimension ``axis``, before its own index."""
    sizes = shape(x)
    if axis:
        x = np.moveaxis(x, 0, axis)
    rest = sizes[1:]
    return reshaped(x, (*rest[:axis], sizes[0] * rest[axis], *rest[axis + 1 :]))


def unfolded(x: Any, size: int, axis: int = 0) -> Any:
    """Undo :func:`folded`."""
    sizes = shape(x)
    y = reshaped(x, (*sizes[:axis], size, sizes[axis] // max(size, 1), *sizes[axis + 1 :]))
    return np.moveaxis(y, axis, 0) if axis else y
