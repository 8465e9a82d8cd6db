"""What the machine can do: how fast NumPy multiplies matrices and passes over memory.

python -m benchmarks.machine 2
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

__all__ = ["gemm_rate", "memory_rate"]

SIDE = 2048  # of the square float32 matrices
FLOATS = 1 << 24  # of each array that is passed over: 64 MB, more than the caches hold


def fastest(run: Callable[[], Any], seconds: float) -> float:
    """The shortest of the times that calls of ``run`` take within so many seconds."""
    run()
    best = float("inf")
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop:
        before = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - before)
    return best


def gemm_rate(seconds: float) -> float:
    """GFLOP/s of a product of float32 matrices, with the threads that the BLAS was given."""
    a = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    b, c = a.T.copy(), np.empty_like(a)
    return 2 * SIDE**3 / fastest(lambda: np.matmul(a, b, out=c), seconds) / 1e9


def memory_rate(threads: int, seconds: float) -> float:
    """GB/s of c = a + b, counting two arrays read and one written, as the STREAM benchmark does."""
    a, b, c = (np.ones(FLOATS, np.float32) for _ in range(3))
    part = FLOATS // threads
    parts = [slice(i * part, (i + 1) * part) for i in range(threads)]

    def add(s: slice) -> None:
        np.add(a[s], b[s], out=c[s])

    with ThreadPoolExecutor(threads) as pool:
        return 12 * FLOATS / fastest(lambda: list(pool.map(add, parts)), seconds) / 1e9


if __name__ == "__main__":
    count, duration = int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    print(json.dumps({"gflops": gemm_rate(duration), "gbytes": memory_rate(count, duration)}))
