"""Adding rows to places that may repeat."""

from __future__ import annotations

import numpy as np

__all__ = ["add_rows"]


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
