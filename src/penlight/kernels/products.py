"""Products of matrices, shared out among our own threads instead of the BLAS's.

OpenBLAS's threads wait for their next product by spinning, for milliseconds, on the cores that our own
chunks need; and where other processes want the cores too, a product of 0.1 ms that is spread over two
threads can wait 10 ms for the second. So each product runs in one BLAS thread: small ones whole, large
ones cut into blocks of rows or columns, by shape alone, which also makes their bits independent of the
number of threads.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penlight._core.threads import one_blas_thread
from penlight.kernels.chunks import ranges, run

__all__ = ["UNSHARED", "matmul", "product", "products"]

UNSHARED = 1 << 18  # multiplications that OpenBLAS does in one thread by itself
_WORTH_THREADS = 12_000_000  # multiplications, 0.25 ms; a thread takes 0.05 ms to wake
_BLOCK = 16_000_000  # multiplications in a block, about
_ALIGNED = 32  # rows and columns that a block is a multiple of


def product(a: Any, b: Any) -> Any:
    """A B for matrices (M, K) and (K, N), ndarrays or Tensors."""
    return products((a, b))[0] if _is_shared(a, b) else _whole(a, b)


def products(*pairs: tuple[Any, Any]) -> list[Any]:
    """A B for each pair of matrices, all of whose blocks the threads share: they are woken once."""
    results: list[Any] = []
    tasks: list[Callable[[], Any]] = []
    for a, b in pairs:
        if _is_shared(a, b):
            y = np.empty((len(a), b.shape[1]), a.dtype)
            results.append(y)
            tasks += _blocks_of(a, b, y)
        else:
            results.append(_whole(a, b))
    if tasks:
        run(lambda i: tasks[i](), len(tasks))
    return results


def _is_shared(a: Any, b: Any) -> bool:
    """Whether the product of two matrices is cut into blocks."""
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        return False
    return (
        a.size * b.shape[1] >= _WORTH_THREADS
        and a.dtype.char in "fdFD"
        and bool(a.dtype == b.dtype)
    )


def _whole(a: Any, b: Any) -> Any:
    """A B for two matrices, in one thread."""
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        return a @ b
    if a.size * b.shape[1] <= UNSHARED:
        return np.dot(a, b)  # starts faster than ``@``, and knows a column times a row
    with one_blas_thread():
        return np.dot(a, b)


def _blocks_of(a: np.ndarray, b: np.ndarray, y: np.ndarray) -> list[Callable[[], np.ndarray]]:
    """y = A B in blocks of rows, or of columns if there are more of them."""
    m, n = y.shape
    blocks = [slice(*block) for block in ranges(max(m, n), _block(max(m, n), a.size * n))]
    if m >= n:
        return [functools.partial(np.dot, a[part], b, out=y[part]) for part in blocks]
    return [functools.partial(np.matmul, a, b[:, part], out=y[:, part]) for part in blocks]


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
    if each <= UNSHARED and total < _WORTH_THREADS:
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
