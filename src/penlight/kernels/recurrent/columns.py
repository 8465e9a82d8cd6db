"""Sequences as columns: what the recurrent kernels share.

A step's examples stand side by side as columns, so that a gate, some rows of W z, is one contiguous
block, and W is multiplied as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["as_columns", "history", "join", "parts", "weight_gradients"]

_PART = 1 << 18  # bytes of the gates of the steps that are dealt with at a time


def as_columns(x: np.ndarray, dtype: Any) -> np.ndarray:
    """(T, N, I) as (T, I, N)."""
    columns = np.empty((x.shape[0], x.shape[2], x.shape[1]), dtype)
    columns[...] = x.swapaxes(1, 2)
    return columns


def history(x: np.ndarray, h: np.ndarray, dtype: Any) -> np.ndarray:
    """z_t = [x_t; h_{t-1}; 1] as (T + 1, I + P + 1, N), with room for h_0 ... h_{T-1} but the first.

    z_T holds the last h, and no x.
    """
    steps, batch, inputs = x.shape
    z = np.empty((steps + 1, inputs + h.shape[1] + 1, batch), dtype)
    z[:-1, :inputs] = x.swapaxes(1, 2)
    z[0, inputs:-1] = h.T
    z[:, -1] = 1
    return z


def join(
    w_ih: np.ndarray, w_hh: np.ndarray, b_ih: np.ndarray | None, b_hh: np.ndarray | None
) -> np.ndarray:
    """[W_ih, W_hh, b_ih + b_hh]."""
    w = np.empty((len(w_ih), w_ih.shape[1] + w_hh.shape[1] + 1), w_ih.dtype)
    w[:, : w_ih.shape[1]] = w_ih
    w[:, w_ih.shape[1] : -1] = w_hh
    w[:, -1] = 0 if b_ih is None else b_ih + b_hh
    return w


def parts(a: np.ndarray) -> list[slice]:
    """Some steps at a time, few enough that what is made of them stays in the cache."""
    count = max(_PART * len(a) // max(a.nbytes, 1), 1)
    return [slice(start, start + count) for start in range(0, len(a), count)]


def weight_gradients(da: np.ndarray, z: np.ndarray, inputs: int) -> tuple[Any, Any, Any]:
    """dW_ih = sum_t da_t x_t^T, dW_hh = sum_t da_t h_{t-1}^T, db = sum_t da_t 1.

    da is (G, T, N), z (T, I + P + 1, N).
    """
    rows = np.empty((z.shape[1], *da.shape[1:]), z.dtype)
    rows[...] = z.swapaxes(0, 1)
    da, rows = da.reshape(len(da), -1), rows.reshape(len(rows), -1)
    return np.dot(da, rows[:inputs].T), np.dot(da, rows[inputs:-1].T), np.add.reduce(da, axis=1)
