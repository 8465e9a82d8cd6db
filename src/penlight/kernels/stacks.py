"""LAPACK on stacks of matrices: NumPy takes them one by one, and several threads can share them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.kernels.chunks import ranges, run

__all__ = ["over_stack"]

_WORTH_THREADS = 1_000_000  # multiplications; of small matrices LAPACK does 1-2 in a nanosecond
_PARTS = 8


def over_stack(function: Callable[..., Any], cost: float, *arrays: np.ndarray) -> Any:
    """``function(*arrays)`` of stacks (..., m, n) of equally many matrices, large ones in parts.

    Args:
        cost: multiplications for each m * n * min(m, n) of the first array.
    """
    *stack, m, n = arrays[0].shape
    count = math.prod(stack)
    if (
        count < 2
        or count * m * n * min(m, n) * cost < _WORTH_THREADS
        or any(a.shape[:-2] != arrays[0].shape[:-2] for a in arrays)
    ):
        return function(*arrays)
    flat = [a.reshape(count, *a.shape[-2:]) for a in arrays]
    parts = ranges(count, -(-count // _PARTS))
    results: list[Any] = [None] * len(parts)

    def task(i: int) -> None:
        results[i] = function(*(a[slice(*parts[i])] for a in flat))

    run(task, len(parts))
    if not isinstance(results[0], tuple):
        return _joined(results, stack)
    return tuple(_joined(pieces, stack) for pieces in zip(*results, strict=True))


def _joined(pieces: Any, stack: list[int]) -> np.ndarray:
    y = np.concatenate(pieces)
    return y.reshape(*stack, *y.shape[1:])
