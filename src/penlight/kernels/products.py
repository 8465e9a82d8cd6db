"""Products of matrices, shared out among our own threads instead of the BLAS's.

OpenBLAS's threads wait for their next product by spinning, for milliseconds, on the cores that our own
chunks need; and where other processes want the cores too, a product of 0.1 ms that is spread over two
threads can wait 10 ms for the second. So each product runs in one BLAS thread: small ones whole, large
ones cut into blocks of rows or columns, by shape alone, which also makes their bits independent of the
number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight._core.threads import one_blas_thread
from penlight.kernels.chunks import ranges, run

__all__ = ["matmul", "product"]

_UNSHARED = 1 << 18  # multiplications that OpenBLAS does in one thread by itself
_WORTH_THREADS = 12_000_000  # multiplications, 0.25 ms; a thread takes 0.05 ms to wake
_BLOCK = 16_000_000  # multiplications in a block, about
_ALIGNED = 32  # rows and columns that a block is a multiple of


def product(a: Any, b: Any) -> Any:
    """A B for matrices (M, K) and (K, N), ndarrays or Tensors."""
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        return a @ b
    m, k = a.shape
    n = b.shape[1]
    work = m * k * n
    if work <= _UNSHARED:
        return np.dot(a, b)  # starts faster than ``@``, and knows a column times a row
    if work < _WORTH_THREADS or a.dtype.char not in "fdFD" or a.dtype != b.dtype:
        with one_blas_thread():
            return np.dot(a, b)
    y = np.empty((m, n), a.dtype)
    by_rows = m >= n
    size = m if by_rows else n
    blocks = ranges(size, _block(size, work))

    def task(i: int) -> None:
        part = slice(*blocks[i])
        if by_rows:
            np.dot(a[part], b, out=y[part])
        else:
            np.matmul(a, b[:, part], out=y[:, part])

    run(task, len(blocks))
    return y


def _block(size: int, work: int) -> int:
    """Rows or columns in a block: 2, 4 or 8 blocks, which threads can share evenly."""
    blocks = 8 if work >= 8 * _BLOCK else 4 if work >= 4 * _BLOCK else 2
    return -(-size // (blocks * _ALIGNED)) * _ALIGNED


def matmul(a: Any, b: Any) -> Any:
    """A B for stacks of matrices (..., M, K) and (..., K, N) that broadcast, ndarrays or Tensors."""
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        return a @ b
    if a.ndim == 2 and b.ndim == 2:
        return product(a, b)
    (*stack, m, k), n = a.shape, b.shape[-1]
    each = m * k * n
    total = each * math.prod(stack)
    if each <= _UNSHARED and total < _WORTH_THREADS:
        return a @ b
    if total < _WORTH_THREADS or a.shape[:-2] != b.shape[:-2] or a.dtype != b.dtype:
        with one_blas_thread():
            return a @ b
    y = np.empty((len(a), *stack[1:], m, n), a.dtype)
    parts = ranges(len(a), max(len(a) * _BLOCK // total, 1))

    def task(i: int) -> None:
        part = slice(*parts[i])
        np.matmul(a[part], b[part], out=y[part])

    run(task, len(parts))
    return y
