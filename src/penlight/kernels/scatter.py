"""Adding rows to places that may repeat."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

__all__ = ["add_at", "add_rows", "grid", "pick_along", "places"]


def grid(shape: tuple[int, ...], axis: int) -> list[Any]:
    """Index arrays for all axes but ``axis``: x[i, ..., index, ..., k] for every place i ... k."""
    ndim = len(shape)
    return [None if a == axis else places(n, a, ndim) for a, n in enumerate(shape)]


def places(n: int, axis: int, ndim: int) -> np.ndarray:
    """0 ... n-1 along one axis of ``ndim``; small ones are made once."""
    return _small_places(n, axis, ndim) if n <= 1024 else _places(n, axis, ndim)


def _places(n: int, axis: int, ndim: int) -> np.ndarray:
    i = np.arange(n).reshape((n,) + (1,) * (ndim - axis - 1))
    i.flags.writeable = False
    return i


_small_places = functools.lru_cache(maxsize=512)(_places)


def pick_along(x: np.ndarray, index: np.ndarray, axis: int) -> np.ndarray:
    """``np.take_along_axis`` for an index of x's shape except along ``axis``, without its checks."""
    where = grid(index.shape, axis)
    where[axis] = index
    return x[tuple(where)]


def add_rows(y: np.ndarray, index: np.ndarray, rows: np.ndarray) -> None:
    """y[index[k]] += rows[k] for all k, in place: rows sorted by place are summed in one pass.

    Args:
        y: (V, ...).
        index: integers in [-V, V), any shape S.
        rows: (S, ...).
    """
    flat = index.ravel() % max(len(y), 1)
    if not flat.size:
        return
    short = len(y) < 1 << 15  # NumPy sorts integers of two bytes digit by digit, in linear time
    order = np.argsort(flat.astype(np.int16) if short else flat, kind="stable")
    places = flat[order]
    starts = np.flatnonzero(np.r_[True, places[1:] != places[:-1]])
    ordered = rows.reshape(flat.size, *y.shape[1:])[order]
    y[places[starts]] += np.add.reduceat(ordered, starts, axis=0)


def add_at(y: np.ndarray, index: tuple[Any, ...], x: Any) -> None:
    """y[index] += x in place, repeated places more than once; ``index`` holds index arrays.

    ``np.add.at`` is fast for one flat index only, so that is what all others become.
    """
    first: Any = index[0] if index else None
    rows = len(index) == 1 and isinstance(first, np.ndarray) and first.dtype.kind == "i"
    if rows and y.ndim > 1 and np.shape(x) == first.shape + y.shape[1:]:
        add_rows(y, first, x)
        return
    if not y.flags.c_contiguous:
        np.add.at(y, index, x)
        return
    places = np.arange(y.size).reshape(y.shape)[index]
    values = np.broadcast_to(x, places.shape).ravel()
    np.add.at(y.reshape(-1), places.ravel(), values.astype(y.dtype, copy=False))
