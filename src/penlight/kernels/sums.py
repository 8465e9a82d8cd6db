"""Sums over a matrix as products, 1^T X and X 1, which the BLAS does several times as fast."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from penlight._core.threads import one_blas_thread

__all__ = ["sum_along_rows", "sum_of_rows"]

_UNSHARED = 9000  # elements that OpenBLAS adds up in one thread by itself


def sum_of_rows(x: Any) -> Any:
    """The sum over the first dimension of (N, C), ndarray or Tensor.

    ``np.add.reduce(x, axis=0)`` took 2-9 times as long, from (32, 64) to (60000, 10).
    """
    if type(x) is np.ndarray and x.dtype.char in "fd":
        if x.size < _UNSHARED:
            return _ones(len(x), x.dtype.char).dot(x)
        with one_blas_thread():  # its other threads would spin on where the next chunks are to run
            return _ones(len(x), x.dtype.char).dot(x)
    return np.sum(x, axis=0)


def sum_along_rows(x: Any) -> Any:
    """The sum over the last dimension of (N, C), ndarray or Tensor.

    ``np.add.reduce(x, axis=1)`` took 3-7 times as long, from (600, 784) to (4096, 16).
    """
    if type(x) is np.ndarray and x.dtype.char in "fd":
        if x.size < _UNSHARED:
            return x.dot(_ones(x.shape[1], x.dtype.char))
        with one_blas_thread():
            return x.dot(_ones(x.shape[1], x.dtype.char))
    return np.sum(x, axis=1)


@functools.lru_cache(maxsize=64)
def _ones(n: int, dtype: str) -> np.ndarray:
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones
