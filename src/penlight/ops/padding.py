"""Padding the last dimensions: with a constant, or with elements of the input itself.

An amount of padding is a pair (before, after) for each of the last dimensions; negative ones crop.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels import windows
from penlight.kernels.windows import Padding, Size

__all__ = ["ConstantPad", "PadByIndex", "circular_index", "reflect_index", "replicate_index"]


class ConstantPad(Op):
    """y = x with ``value`` around it; dx = the inside of dy, which is padding by the negative."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, padding: Padding, value: Any) -> Any:
        ctx.padding = padding
        return windows.pad(x, padding, value)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return ConstantPad.apply(dy, tuple((-p, -q) for p, q in ctx.padding), 0)


class PadByIndex(Op):
    """y = x at an index along each of the last dimensions; dx = dy added up at those indices.

    The indices are 1-d arrays, one per dimension.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, indices: tuple[np.ndarray, ...]) -> Any:
        ctx.indices, ctx.size = indices, x.shape[x.ndim - len(indices) :]
        for axis, index in enumerate(indices, x.ndim - len(indices)):
            x = np.take(x, index, axis)
        return x

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return AddByIndex.apply(dy, ctx.indices, ctx.size)


class AddByIndex(Op):
    """The transpose of :class:`PadByIndex`: y[index[i]] += x[i] along each of the last dimensions."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, indices: tuple[np.ndarray, ...], size: Size) -> Any:
        ctx.indices = indices
        for axis, (index, n) in enumerate(zip(indices, size, strict=True), x.ndim - len(indices)):
            before = (slice(None),) * axis
            total = np.zeros((*x.shape[:axis], n, *x.shape[axis + 1 :]), x.dtype)
            for target, source in _runs(index):
                total[(*before, target)] += x[(*before, source)]
            x = total
        return x

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return PadByIndex.apply(dy, ctx.indices)


def _runs(index: np.ndarray) -> Iterator[tuple[slice, slice]]:
    """The stretches in which the index goes on by one: where they lead, and where they lie."""
    starts = np.flatnonzero(np.diff(index, prepend=index[:1]) != 1)
    for start, stop in zip(starts, [*starts[1:], index.size], strict=True):
        first = int(index[start])
        yield slice(first, first + int(stop - start)), slice(int(start), int(stop))


def _positions(n: int, before: int, after: int) -> np.ndarray:
    """Where the padded elements lie, counted from the first of n."""
    return np.arange(-before, n + after)


def reflect_index(n: int, before: int, after: int) -> np.ndarray:
    """... 2 1 | 0 1 2 ... n-1 | n-2 n-3 ...: mirrored, without repeating the edge."""
    distance = np.abs(_positions(n, before, after))
    return np.asarray(n - 1 - np.abs(n - 1 - distance))


def replicate_index(n: int, before: int, after: int) -> np.ndarray:
    """... 0 0 | 0 1 2 ... n-1 | n-1 n-1 ...: the edge repeated."""
    return np.clip(_positions(n, before, after), 0, n - 1)


def circular_index(n: int, before: int, after: int) -> np.ndarray:
    """... n-2 n-1 | 0 1 2 ... n-1 | 0 1 ...: the other side follows. What is cropped goes first."""
    start, left = max(-before, 0), n - max(-before, 0) - max(-after, 0)
    return start + _positions(left, max(before, 0), max(after, 0)) % left
