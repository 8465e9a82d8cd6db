"""Adding rows to places that may repeat, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.kernels import scatter
from penlight.kernels.compiled.loops import fit, loops

__all__ = ["add_rows"]

_plain_add_rows = scatter.add_rows


@loops
def _add_rows(y: Any, index: Any, rows: Any) -> None:
    for k in range(len(rows)):
        place = index[k]
        target, row = y[place if place >= 0 else place + len(y)], rows[k]
        for i in range(target.size):
            target[i] += row[i]


def add_rows(y: np.ndarray, index: np.ndarray, rows: np.ndarray) -> None:
    """y[index[k]] += rows[k] for all k, in place."""
    whole = index.dtype == np.int64 and index.flags.c_contiguous and index.size
    if not whole or not fit(y, rows) or rows.shape != (*index.shape, *y.shape[1:]):
        _plain_add_rows(y, index, rows)
        return
    if index.min() < -len(y) or index.max() >= len(y):
        _plain_add_rows(y, index, rows)  # loops do not check indices
        return
    _add_rows(y.reshape(len(y), -1), index.reshape(-1), rows.reshape(index.size, -1))
