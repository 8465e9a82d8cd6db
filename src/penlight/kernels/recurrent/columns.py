"""What the recurrent kernels share: sequences as columns, and products with them.

A step's examples stand side by side as columns: in W h each gate, some rows of it, is then one
contiguous block, and W is multiplied as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight._core.threads import blas_threads
from penlight.kernels.chunks import ranges

__all__ = ["as_blocks", "as_columns", "history", "joined", "parts", "plus_product", "with_ones"]

Array = np.ndarray

_PART = 1 << 19  # bytes of the gates of the steps that are dealt with at a time
_SMALL = 10**6  # multiplications that OpenBLAS does without copying its operands first


def parts(steps: int, gates: int, batch: int, dtype: Any) -> tuple[int, list[tuple[int, int]]]:
    """How many steps stay in the cache together, and from where to where the parts go."""
    count = max(min(steps, _PART // max(gates * batch * dtype.itemsize, 1)), 1)
    return count, ranges(steps, count)


def as_blocks(w: Array, batch: int) -> Array:
    """w (M, K), contiguous, as (B, M / B, K) if multiplying (K, batch) by parts of it is faster.

    OpenBLAS copies the operands of large products into another order. For a few columns that takes a
    fifth of the time; small products go without. Two threads gain more on an undivided one.
    """
    rows, inner = w.shape
    size = rows * inner * batch
    if size <= _SMALL or (blas_threads() > 1 and size >= 2 * _SMALL):
        return w
    for count in range(-(-size // _SMALL), rows // 16 + 1):
        if rows % count == 0:
            return w.reshape(count, rows // count, inner)
    return w


def joined(*parts: Array | None, rows: int, dtype: Any) -> Array:
    """[W, U, ..., b], where b may be missing: zeros."""
    columns = sum(1 if p is None or p.ndim == 1 else p.shape[1] for p in parts)
    whole, start = np.empty((rows, columns), dtype), 0
    for p in parts:
        part = np.zeros((rows, 1), dtype) if p is None else p[:, None] if p.ndim == 1 else p
        whole[:, start : start + part.shape[1]] = part
        start += part.shape[1]
    return whole


def history(x: Array, h: Array, dtype: Any) -> Array:
    """z_t = [x_t; h_{t-1}; 1] as (T + 1, I + P + 1, N), with room for all h but the first.

    z_T holds the last h, and no x.
    """
    steps, batch, inputs = x.shape
    z = np.empty((steps + 1, inputs + h.shape[1] + 1, batch), dtype)
    z[:-1, :inputs] = x.swapaxes(1, 2)
    z[0, inputs:-1] = h.T
    z[:, -1] = 1
    return z


def with_ones(columns: Array, dtype: Any) -> Array:
    """[x; 1] for (T, I, N)."""
    steps, inputs, batch = columns.shape
    more = np.empty((steps, inputs + 1, batch), dtype)
    more[:, :-1] = columns
    more[:, -1] = 1
    return more


def as_columns(x: Array, dtype: Any) -> Array:
    """(T, N, I) as (T, I, N)."""
    columns = np.empty((x.shape[0], x.shape[2], x.shape[1]), dtype)
    columns[...] = x.swapaxes(1, 2)
    return columns


def plus_product(total: Array | None, da: Array, z: Array) -> Array:
    """``total``, in place, or zeros, + sum_t da_t z_t^T, for (T, M, N) and (T, K, N)."""
    rows, columns = (a.swapaxes(0, 1).reshape(a.shape[1], len(a) * a.shape[2]) for a in (da, z))
    product = np.dot(rows, columns.T)  # (M, T N) @ (T N, K) -> (M, K)
    return product if total is None else np.add(total, product, total)
