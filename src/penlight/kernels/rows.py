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


def by_rows(function: Callable[..., Any], *xs: Any) -> Any:
    """``function(*xs)``, which treats the rows of its arguments apart, in parts of several rows.

    Args:
        function: takes some rows of each of ``xs`` and returns an array like the first of them; or a
            tuple of that and of totals over the rows, which are added up.
        xs: arrays of equal length, or None. Tensors, and what is small, reach ``function`` whole.
    """
    x = xs[0]
    if type(x) is not np.ndarray or x.nbytes <= 2 * _PART:
        return function(*xs)
    y = np.empty_like(x)
    totals: tuple[Any, ...] = ()
    for start, stop in ranges(len(x), max(_PART * len(x) // x.nbytes, 1)):
        result = function(*(None if a is None else a[start:stop] for a in xs))
        if type(result) is not tuple:
            y[start:stop] = result
            continue
        y[start:stop], *more = result
        totals = tuple(map(np.add, totals, more)) if totals else tuple(more)
    return (y, *totals) if totals else y
