"""Adding rows to places that may repeat."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["add_at", "add_rows"]


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
    order = np.argsort(flat, kind="stable")
    places = flat[order]
    starts = np.flatnonzero(np.r_[True, places[1:] != places[:-1]])
    ordered = rows.reshape(flat.size, *y.shape[1:])[order]
    y[places[starts]] += np.add.reduceat(ordered, starts, axis=0)


def add_at(y: np.ndarray, index: tuple[Any, ...], x: Any) -> None:
    """y[index] += x in place, repeated places more than once; ``index`` holds index arrays.

    ``np.add.at`` is fast for one flat index only, so that is what all others become.
    """
    first = index[0] if index else None
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
