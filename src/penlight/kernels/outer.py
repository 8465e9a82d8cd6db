"""Outer products of many pairs of vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.kernels.chunks import CACHE, ranges, run

__all__ = ["outer_products"]

_WORTH_THREADS = 1 << 20  # elements of the result: their memory takes about a millisecond to write


def outer_products(a: Any, b: Any) -> Any:
    """y_i = a_i b_i^T: (..., M) and (..., K) give (..., M, K); ndarrays or Tensors."""
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        return a[..., :, None] * b[..., None, :]
    (*stack, m), k = a.shape, b.shape[-1]
    count = math.prod(stack)
    if count * m * k < _WORTH_THREADS or a.dtype != b.dtype:
        return a[..., :, None] * b[..., None, :]
    y = np.empty((count, m, k), a.dtype)
    a, b = a.reshape(count, m, 1), b.reshape(count, 1, k)
    parts = ranges(count, max(CACHE // (m * k * y.itemsize), 1))

    def task(i: int) -> None:
        part = slice(*parts[i])
        np.multiply(a[part], b[part], out=y[part])

    run(task, len(parts))
    return y.reshape(*stack, m, k)
