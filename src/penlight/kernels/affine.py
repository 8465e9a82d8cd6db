"""X W^T + b and its gradients; for many rows of x by chunks of rows on a few threads.

Each product could be shared out by itself. But then the bias and its gradient would be passes of their
own, on one thread.
"""

from __future__ import annotations

import numpy as np

from penlight.kernels.chunks import ranges, run
from penlight.kernels.products import UNSHARED, product, products
from penlight.kernels.sums import sum_of_rows

__all__ = ["affine", "affine_gradients"]

_FEW, _MANY = 4, 8  # chunks
_LONG = 512  # rows: in shorter chunks it tells that each product copies W for itself
_FEWEST_ROWS = 512  # altogether
_WORTH_CHUNKS = 1 << 24  # multiplications


def _parts(rows: int, width: int, out: int) -> list[tuple[int, int]]:
    """Chunks of rows; one, if a product is small or of few rows."""
    if rows * width * out < _WORTH_CHUNKS or rows < _FEWEST_ROWS:
        return [(0, rows)]
    return ranges(rows, max(-(-rows // _MANY), min(-(-rows // _FEW), _LONG)))


def affine(x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """y = x W^T + b: (N, I), (O, I), (O,) -> (N, O)."""
    parts = [] if len(x) * w.size <= UNSHARED else _parts(len(x), x.shape[1], len(w))
    if len(parts) < 2:
        y: np.ndarray = product(x, w.T) if parts else x.dot(w.T)
        if b is not None:
            y += b
        return y
    y = np.empty((len(x), len(w)), x.dtype)

    def task(i: int) -> None:
        start, stop = parts[i]
        part = y[start:stop]
        np.dot(x[start:stop], w.T, out=part)
        if b is not None:
            part += b

    run(task, len(parts))
    return y


def affine_gradients(
    dy: np.ndarray,
    x: np.ndarray | None,
    w: np.ndarray | None,
    need_b: bool,
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """dx = dy W if ``w`` is given, dW = dy^T x if ``x`` is, db = the sum of dy's rows."""
    rows, out = dy.shape
    width = w.shape[1] if w is not None else x.shape[1] if x is not None else 1
    if rows * width * out <= UNSHARED:
        dx = None if w is None else dy.dot(w)
        dw = None if x is None else dy.T.dot(x)
        return dx, dw, sum_of_rows(dy) if need_b else None
    parts = _parts(rows, width, out)
    if len(parts) == 1 or len(parts) * width > rows:  # the last: sums of large weights
        pairs = [] if w is None else [(dy, w)]
        pairs += [] if x is None else [(dy.T, x)]
        results = products(*pairs)
        dx = None if w is None else results[0]
        dw = None if x is None else results[-1]
        return dx, dw, sum_of_rows(dy) if need_b else None
    dx = None if w is None else np.empty((rows, width), dy.dtype)
    dws = None if x is None else np.empty((len(parts), out, width), dy.dtype)
    dbs = np.empty((len(parts), out), dy.dtype) if need_b else None

    def task(i: int) -> None:
        start, stop = parts[i]
        part = dy[start:stop]
        if dx is not None and w is not None:
            np.dot(part, w, out=dx[start:stop])
        if dws is not None and x is not None:
            np.dot(part.T, x[start:stop], out=dws[i])
        if dbs is not None:
            dbs[i] = sum_of_rows(part)

    run(task, len(parts))
    dw = None if dws is None else np.add.reduce(dws, axis=0)
    return dx, dw, None if dbs is None else np.add.reduce(dbs, axis=0)
