"""Arithmetic on large arrays a part at a time, so that what is made on the way stays in the cache.

A fresh temporary of megabytes costs a page fault every 4 kB, and its way to memory and back; parts of
half a megabyte made a layer norm's backward six times as fast. The parts depend on shapes alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.kernels.chunks import ranges

__all__ = ["by_rows"]

_PART = 1 << 19  # bytes of one array that are dealt with at a time


def by_rows(
    function: Callable[..., tuple[Any, ...]], xs: tuple[Any, ...], shape: tuple[int, ...]
) -> tuple[Any, ...]:
    """``function(*xs)``, which treats the rows of its arguments apart, in parts of several rows.

    Args:
        function: takes some rows of each of ``xs``; returns an array like the first of them, and
            then totals over the rows, which are added up.
        xs: arrays of equal length, or None. Tensors, and what is small, reach ``function`` whole.
        shape: what to reshape the first result to. Large ones are made in it, for a reshaped array
            is a view, which the engine copies before it keeps it.
    """
    x = xs[0]
    if type(x) is not np.ndarray or x.nbytes <= 2 * _PART:
        y, *totals = function(*xs)
        return y.reshape(shape), *totals
    y = np.empty(shape, x.dtype)
    rows, totals = y.reshape(x.shape), []
    for start, stop in ranges(len(x), max(_PART * len(x) // x.nbytes, 1)):
        rows[start:stop], *more = function(*(None if a is None else a[start:stop] for a in xs))
        totals = [a + b for a, b in zip(totals, more, strict=True)] if totals else more
    return y, *totals
