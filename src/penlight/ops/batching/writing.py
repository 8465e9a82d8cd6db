"""``x[index] = value`` for all samples at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.batching import Level, Unbatchable, is_at, value_of
from penlight.ops.batching.common import reshaped, shape
from penlight.ops.batching.indexing import adjacent, before, in_full, whole_index
from penlight.ops.indexing import WHOLE, write

__all__ = ["write_all"]


def write_all(
    level: Level, target: Any, value: Any, pattern: tuple[Any, ...], indices: tuple[Any, ...]
) -> None:
    """Put a tensor or number at ``pattern`` of each sample of ``target``, in place.

    Raises:
        Unbatchable: for masks that differ between samples, unless one number is put there.
    """
    whole = value_of(target)
    batched = [is_at(i, level) for i in indices]
    arrays = [value_of(i) if b else i for i, b in zip(indices, batched, strict=True)]
    own = is_at(value, level)
    if not any(batched):
        if indices and not adjacent(in_full(pattern, target._array.ndim)):
            raise Unbatchable(level, "Writing at index tensors with slices between them")
        ndim = np.empty(target._array.shape, np.bool_)[_plain(pattern, arrays)].ndim
        write(whole, _aligned(value_of(value), ndim) if own else value, (WHOLE, *pattern), *arrays)
        return
    kinds = {getattr(i, "_array", i).dtype.kind for i in indices}
    if kinds == {"b"} and len(indices) == 1 and pattern == (0,) and not own and _is_number(value):
        write(whole, value, (0,), *arrays)
        return
    pattern = in_full(pattern, target._array.ndim)
    if "b" in kinds or before(pattern) or not adjacent(pattern):
        raise Unbatchable(level, "Writing at masks or places that differ between samples")
    full, arrays, ndim = whole_index(level.size, pattern, arrays, batched)
    selected = ndim + target._array.ndim - len(pattern)
    write(whole, _aligned(value_of(value), selected) if own else value, full, *arrays)


def _plain(pattern: tuple[Any, ...], arrays: list[Any]) -> tuple[Any, ...]:
    return tuple(
        np.asarray(getattr(arrays[p], "_array", arrays[p])) if type(p) is int and arrays else p
        for p in pattern
    )


def _is_number(value: Any) -> bool:
    return not hasattr(value, "_array") or not value._array.ndim


def _aligned(value: Any, ndim: int) -> Any:
    sizes = shape(value)
    return reshaped(value, (sizes[0], *(1,) * (ndim + 1 - len(sizes)), *sizes[1:]))
