"""Pooling over windows of 2 x 2 elements, two apart, and the gradient of any maxima.

Other windows overlap, where NumPy's way of whole lines is the faster one.

An index made of unsigned numbers spares the question whether it counts from the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.kernels import pooling, pooling_places
from penlight.kernels.compiled.loops import fit, in_pieces, loops
from penlight.kernels.windows import Size, Window

__all__ = ["max_pool", "scatter_at", "spread_windows", "sum_pool"]

_plain_max_pool = pooling.max_pool
_plain_scatter_at = pooling_places.scatter_at
_plain_spread_windows = pooling.spread_windows
_plain_sum_pool = pooling.sum_pool


def _numbers(window: Window) -> tuple[int, ...]:
    """k1, k2, s1, s2, p1, p2, d1, d2."""
    (p1, _), (p2, _) = window.padding
    return (*window.kernel, *window.stride, p1, p2, *window.dilation)


def _planes(x: np.ndarray) -> np.ndarray:
    """(N, C, ...) as (N C, ...)."""
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])


def _is_quartered(window: Window, size: Size, output: Size) -> bool:
    """Whether windows are 2 x 2, two apart, and within the plane."""
    return (
        window.kernel == window.stride == (2, 2)
        and window.dilation == (1, 1)
        and all(p == 0 for p, _ in window.padding)
        and all(0 < 2 * o <= n for o, n in zip(output, size, strict=True))
    )


@loops
def _larger(best: Any, tap: Any, v: Any, number: Any) -> Any:
    """The larger one and its number; the first of equal ones, the last NaN."""
    better = (v > best) | (v != v)
    return (v if better else best), (number if better else tap)


@loops
def _max_of_four(start: int, stop: int, x: Any, y: Any, taps: Any) -> None:
    """Windows of 2 x 2, two apart: without inner loops this one becomes vector instructions."""
    _, height, width = x.shape
    _, rows, columns = y.shape
    source, target, numbers = x.reshape(-1), y.reshape(-1), taps.reshape(-1)
    one, two, three = taps.dtype.type(1), taps.dtype.type(2), taps.dtype.type(3)
    for plane in range(start, stop):
        for i in range(rows):
            upper = np.uintp((plane * height + 2 * i) * width)
            lower, out = upper + np.uintp(width), np.uintp((plane * rows + i) * columns)
            for j in range(np.uintp(columns)):
                at = j + j
                best, tap = source[upper + at], taps.dtype.type(0)
                best, tap = _larger(best, tap, source[upper + at + np.uintp(1)], one)
                best, tap = _larger(best, tap, source[lower + at], two)
                best, tap = _larger(best, tap, source[lower + at + np.uintp(1)], three)
                target[out + j], numbers[out + j] = best, tap


def max_pool(
    x: np.ndarray, window: Window, output: Size, want_taps: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """y = the largest element of each window, NaN if there is one, and which of its taps that is."""
    if not _is_quartered(window, x.shape[2:], output) or not fit(x):
        return _plain_max_pool(x, window, output, want_taps)
    y = np.empty((*x.shape[:2], *output), x.dtype)
    taps = np.empty(y.shape, np.uint8)
    in_pieces(_max_of_four, y.shape[0] * y.shape[1], x.size, _planes(x), _planes(y), _planes(taps))
    return y, (taps if want_taps else None)


@loops
def _scatter(start: int, stop: int, dy: Any, taps: Any, dx: Any, window: Any) -> None:
    k1, k2, s1, s2, p1, p2, d1, d2 = window
    _, rows, columns = dy.shape
    width = dx.shape[2]
    offsets = np.empty(k1 * k2, np.int64)
    for a in range(k1):
        for b in range(k2):
            offsets[a * k2 + b] = a * d1 * width + b * d2
    for plane in range(start, stop):
        dx[plane] = 0
        target = dx[plane].reshape(-1)
        for i in range(rows):
            for j in range(columns):
                first = (i * s1 - p1) * width + j * s2 - p2
                target[first + offsets[taps[plane, i, j]]] += dy[plane, i, j]


def scatter_at(
    dy: np.ndarray, places: np.ndarray, size: Size, add: bool = True, window: Window | None = None
) -> np.ndarray:
    """dx = zeros (N, C, *size) with dy added up where the taps of the window are."""
    if window is None or dy.ndim != 4 or not add or not fit(dy) or not places.flags.c_contiguous:
        return _plain_scatter_at(dy, places, size, add, window)
    dx = np.empty((*dy.shape[:2], *size), dy.dtype)
    source, taps, target = _planes(dy), _planes(places), _planes(dx)
    in_pieces(_scatter, len(target), dx.size, source, taps, target, _numbers(window))
    return dx


@loops
def _sum_of_four(start: int, stop: int, x: Any, y: Any, divisor: Any) -> None:
    _, height, width = x.shape
    _, rows, columns = y.shape
    source, target, divisors, one = x.reshape(-1), y.reshape(-1), divisor.reshape(-1), np.uintp(1)
    for plane in range(start, stop):
        for i in range(rows):
            upper = np.uintp((plane * height + 2 * i) * width)
            lower, out = upper + np.uintp(width), np.uintp((plane * rows + i) * columns)
            of_row = np.uintp(i * columns)
            for j in range(np.uintp(columns)):
                a, b = upper + j + j, lower + j + j
                total = source[a] + source[a + one] + source[b] + source[b + one]
                target[out + j] = total / divisors[of_row + j]


@loops
def _spread_to_four(start: int, stop: int, dy: Any, dx: Any, divisor: Any) -> None:
    _, height, width = dx.shape
    _, rows, columns = dy.shape
    source, target, divisors, one = dy.reshape(-1), dx.reshape(-1), divisor.reshape(-1), np.uintp(1)
    for plane in range(start, stop):
        for i in range(rows):
            upper = np.uintp((plane * height + 2 * i) * width)
            lower, out = upper + np.uintp(width), np.uintp((plane * rows + i) * columns)
            of_row = np.uintp(i * columns)
            for j in range(np.uintp(columns)):
                a, b = upper + j + j, lower + j + j
                share = source[out + j] / divisors[of_row + j]
                target[a] = target[a + one] = target[b] = target[b + one] = share


def sum_pool(x: np.ndarray, window: Window, output: Size, divisor: Any) -> np.ndarray:
    """y = the sum over each window, over ``divisor`` (a number, or an array (*O))."""
    if not _is_quartered(window, x.shape[2:], output) or not fit(x):
        return _plain_sum_pool(x, window, output, divisor)
    y = np.empty((*x.shape[:2], *output), x.dtype)
    divisors, planes = np.full(output, divisor, x.dtype), _planes(x)
    in_pieces(_sum_of_four, len(planes), x.size, planes, _planes(y), divisors)
    return y


def spread_windows(dy: np.ndarray, size: Size, window: Window, divisor: Any) -> np.ndarray:
    """dx = the sum of dy / divisor over the windows that see an element."""
    output = dy.shape[2:]
    if not _is_quartered(window, size, output) or not fit(dy):
        return _plain_spread_windows(dy, size, window, divisor)
    odd = any(n % 2 for n in size)
    dx = (np.zeros if odd else np.empty)((*dy.shape[:2], *size), dy.dtype)
    divisors, planes = np.full(output, divisor, dy.dtype), _planes(dx)
    in_pieces(_spread_to_four, len(planes), dx.size, _planes(dy), planes, divisors)
    return dx
