"""Work cut into chunks that fit the cache, run on a few threads, with memory that is reused.

Where the chunks begin and end depends on the shapes alone, never on the number of threads, and every
chunk writes memory of its own: so results have the same bits whoever computes them.
"""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.threads import blas_is_controlled, get_num_threads, one_blas_thread

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["CACHE", "ranges", "run", "scratch"]

CACHE = 1 << 20  # bytes of a chunk's largest buffer: half a usual second-level cache
_KEPT = 1 << 24  # bytes: larger buffers are given back rather than kept for the next call

_local = threading.local()
_pool: ThreadPoolExecutor | None = None
_pool_size = 0


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Uninitialised memory that this thread reuses under ``name``; it must not outlive the chunk.

    A fresh array of this size would cost a page fault every 4 kB.
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size > _KEPT:
        return np.empty(shape, dtype)
    buffers: dict[str, np.ndarray] | None = getattr(_local, "buffers", None)
    if buffers is None:
        buffers = _local.buffers = {}
    memory = buffers.get(name)
    if memory is None or memory.size < size:
        memory = buffers[name] = np.empty(size, np.uint8)
    return np.ndarray(shape, dtype, memory)


def ranges(n: int, step: int) -> list[tuple[int, int]]:
    """``range(n)`` in consecutive parts of ``step``, the last one perhaps shorter."""
    return [(start, min(start + step, n)) for start in range(0, n, step)]


def run(task: Callable[[int], None], count: int, parallel: bool = True) -> None:
    """Call ``task(0)``, ..., ``task(count - 1)``, on several threads if ``parallel``.

    The caller works too, and takes what is left: helpers that come late, or never, cost nothing.
    """
    with one_blas_thread():
        threads = min(get_num_threads(), count)
        if threads < 2 or not parallel or not blas_is_controlled():
            for i in range(count):
                task(i)
            return
        left = deque(range(count))

        def work() -> None:
            while left:
                try:
                    i = left.popleft()
                except IndexError:  # another thread was faster
                    return
                task(i)

        helpers = [_helpers(threads - 1).submit(work) for _ in range(threads - 1)]
        try:
            work()
        finally:
            left.clear()
            started = [helper for helper in helpers if not helper.cancel()]
            failures = [helper.exception() for helper in started]  # waits
        for failure in failures:
            if failure is not None:
                raise failure


def _helpers(size: int) -> ThreadPoolExecutor:
    global _pool, _pool_size
    if _pool is None or _pool_size < size:
        from concurrent.futures import ThreadPoolExecutor  # takes 3 ms of an import without threads

        _pool = ThreadPoolExecutor(size, "penlight")
        _pool_size = size
    return _pool


def _forget_pool() -> None:
    """After a fork the threads are gone; their executor would wait for them forever."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
