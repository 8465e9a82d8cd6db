"""Reading and writing at indices.

NumPy puts the dimensions of index arrays where the first of them stands, and in front if something stands
between them. With an index array that counts the samples they come first: afterwards they are moved to
where one sample has them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.ops.batching.common import expanded, rank, reshaped, rule, shape
from penlight.ops.batching.loop import loop
from penlight.ops.indexing import WHOLE, Gather, Place, Slice
from penlight.ops.scatter import AddAt, PutAt

__all__ = ["in_full", "whole_index"]


@rule(Slice)
def _slice(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, index = values
    return op.apply(x, (WHOLE, *index))


def in_full(pattern: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """The pattern with slices for ``...``, without those at its end."""
    if ... in pattern:
        at = pattern.index(...)
        missing = ndim - len(pattern) + 1
        pattern = (*pattern[:at], *(WHOLE,) * missing, *pattern[at + 1 :])
    while pattern and pattern[-1] == WHOLE:
        pattern = pattern[:-1]
    return pattern


def adjacent(pattern: tuple[Any, ...]) -> bool:
    """Whether nothing stands between the index arrays."""
    places = [i for i, p in enumerate(pattern) if type(p) is int]
    return places[-1] - places[0] == len(places) - 1


def before(pattern: tuple[Any, ...]) -> int:
    """How many slices stand before the first index array."""
    return next(i for i, p in enumerate(pattern) if type(p) is int)


def _masks(indices: Any) -> bool:
    return any(getattr(i, "_array", i).dtype.kind == "b" for i in indices)


def whole_index(
    size: int, pattern: tuple[Any, ...], indices: Any, batched: Any
) -> tuple[tuple[Any, ...], list[Any], int]:
    """The index of all samples' elements: one array more counts the samples.

    Returns:
        The pattern, the index arrays, and how many dimensions they have together without the samples'.
    """
    ndim = max(rank(i, b) for i, b in zip(indices, batched, strict=True))
    samples = np.arange(size).reshape((size,) + (1,) * ndim)
    arrays = []
    for i, b in zip(indices, batched, strict=True):
        sizes = shape(i)
        wide = (sizes[0], *(1,) * (ndim + 1 - len(sizes)), *sizes[1:])
        arrays.append(reshaped(i, wide) if b and sizes != wide else i)
    return (len(indices), *pattern), [*arrays, samples], ndim


def _back_in_place(y: Any, pattern: tuple[Any, ...], ndim: int) -> Any:
    """The index arrays' dimensions, which follow the samples', moved behind those of slices before."""
    first = before(pattern)
    if not first or not ndim or not adjacent(pattern):
        return y
    return np.moveaxis(y, range(1, ndim + 1), range(first + 1, first + ndim + 1))


@rule(Gather)
def _gather(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, pattern, *indices = values
    given = batched[2:]
    pattern = in_full(pattern, rank(x, batched[0]))
    if any(given) and _masks(indices):
        return loop(op, size, values, batched)
    if not any(given):
        if adjacent(pattern):
            return op.apply(x, (WHOLE, *pattern), *indices)
        masks = _masks(indices)
        dims = 1 if masks else max(len(shape(i)) for i in indices)
        return np.moveaxis(op.apply(x, (WHOLE, *pattern), *indices), dims, 0)
    if batched[0]:
        full, arrays, ndim = whole_index(size, pattern, indices, given)
        return _back_in_place(op.apply(x, full, *arrays), pattern, ndim)
    _, arrays, _ = whole_index(size, pattern, indices, given)
    y = op.apply(x, pattern, *arrays[:-1])
    return np.moveaxis(y, before(pattern), 0) if adjacent(pattern) else y


@rule(Place)
def _place(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, sizes, pattern, *indices = values
    if not indices:
        return op.apply(x, (size, *sizes), (WHOLE, *pattern))
    pattern = in_full(pattern, len(sizes))
    if any(batched[3:]) or not adjacent(pattern):
        return loop(op, size, values, batched)
    return op.apply(x, (size, *sizes), (WHOLE, *pattern), *indices)


@rule(AddAt, PutAt)
def _write_at(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, v, pattern, *indices = values
    given = batched[3:]
    pattern = in_full(pattern, rank(x, batched[0]))
    if before(pattern) or not adjacent(pattern) or _masks(indices):
        return loop(op, size, values, batched)
    full, arrays, ndim = whole_index(size, pattern, indices, given)
    if batched[1]:  # to the dimensions of what the index selects
        selected = ndim + rank(x, batched[0]) - len(pattern)
        sizes = shape(v)
        v = reshaped(v, (sizes[0], *(1,) * (selected + 1 - len(sizes)), *sizes[1:]))
    return op.apply(expanded(x, batched[0], size), v, full, *arrays)
