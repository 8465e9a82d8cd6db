"""Softmax over the rows of a matrix, a part of the rows at a time.

Where no number of a part is far from 0, its exponentials can't overflow as they are, and the rows'
maxima are not needed. Otherwise ``argmax`` finds them three times as fast as ``max``. Sums along
rows are products with a vector of ones, which BLAS does several times as fast as NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.kernels.chunks import ranges, run, scratch
from penlight.kernels.pointwise import exponential

__all__ = [
    "exponentials", "fits", "log_softmax", "log_softmax_backward", "scaled", "softmax",
    "softmax_backward",
]  # fmt: skip

_CHUNK = 1 << 20  # bytes
_SHARED = 1 << 21  # bytes from which on two threads are faster than one
_NEAR = 16.0  # e^x is exact to 1e-6 up to it without a shift, see `exponential`


def fits(x: Any, axis: int) -> bool:
    """Whether x, over ``axis``, is a matter for this module."""
    return (
        type(x) is np.ndarray
        and x.dtype.char in "fd"
        and x.size > 0
        and axis in (x.ndim - 1, -1)
        and x.flags.c_contiguous
    )


def _by_rows(task: Callable[[slice], None], x: np.ndarray) -> None:
    if x.nbytes < _SHARED:
        task(slice(0, len(x)))
        return
    parts = [slice(*ends) for ends in ranges(len(x), max(_CHUNK * len(x) // x.nbytes, 1))]
    run(lambda i: task(parts[i]), len(parts))


def _exponentials(x: np.ndarray, e: np.ndarray) -> tuple[Any, np.ndarray]:
    """e = e^(x - m) for rows x (R, C), into e. Returns m, None for 0, and the sums of e; (R, 1)."""
    m = None
    if x.max() <= _NEAR and x.min() >= -_NEAR:
        exponential(e, x)
    else:
        m = x[np.arange(len(x)), x.argmax(1)][:, None]
        np.subtract(x, m, out=e)
        exponential(e, e)
    return m, (e @ np.ones(x.shape[1], x.dtype))[:, None]


def exponentials(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """e = e^(x - m), its sums s, and m, for rows x (R, C); the last two are (R, 1)."""
    e, s = np.empty_like(x), np.empty((len(x), 1), x.dtype)
    shift = np.zeros_like(s)

    def task(at: slice) -> None:
        m, s[at] = _exponentials(x[at], e[at])
        if m is not None:
            shift[at] = m

    _by_rows(task, x)
    return e, s, shift


def scaled(x: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """x (R, C) times a factor (R, 1) for each row."""
    y = np.empty_like(x)
    _by_rows(lambda at: np.multiply(x[at], factor[at], out=y[at]), x)
    return y


def softmax(x: np.ndarray) -> np.ndarray:
    """y = e^x / sum(e^x) for x (R, C)."""
    y = np.empty_like(x)

    def task(at: slice) -> None:
        part = y[at]
        part /= _exponentials(x[at], part)[1]

    _by_rows(task, x)
    return y


def softmax_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """dx = (dy - sum(dy y)) y."""
    dx = np.empty_like(y)

    def task(at: slice) -> None:
        part = dx[at]
        np.subtract(dy[at], np.vecdot(dy[at], y[at])[:, None], out=part)
        part *= y[at]

    _by_rows(task, y)
    return dx


def log_softmax(x: np.ndarray) -> np.ndarray:
    """y = x - ln sum(e^x) for x (R, C)."""
    y = np.empty_like(x)

    def task(at: slice) -> None:
        part, result = x[at], y[at]
        m, total = _exponentials(part, scratch("e", part.shape, part.dtype))
        if m is not None:
            part = np.subtract(part, m, out=result)
        np.subtract(part, np.log(total), out=result)

    _by_rows(task, x)
    return y


def log_softmax_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """dx = dy - e^y sum(dy)."""
    dx, ones = np.empty_like(y), np.ones(y.shape[1], y.dtype)

    def task(at: slice) -> None:
        part = dx[at]
        exponential(part, y[at])
        part *= (dy[at] @ ones)[:, None]
        np.subtract(dy[at], part, out=part)

    _by_rows(task, y)
    return dx
