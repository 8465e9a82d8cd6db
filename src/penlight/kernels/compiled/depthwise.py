"""Convolution where every channel is convolved by itself, and its two gradients.

A padded plane is a line of numbers, in which a tap of the kernel is the same line further on. So a
plane is convolved in one loop over its line: at every position, also where a row would wrap around;
those results are left behind when the others are picked out.

    y[q] = sum over k of w[k] x[q + k d]

For dx the line holds dy, s apart with zeros between, and the taps come in reverse. For dw the sums
over q of dy[q] x[q + k d] are made at once for all taps. The zeros between and in the padding must
meet finite numbers: else the NumPy kernels do it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.kernels.compiled.loops import fit, in_pieces, loops, sums
from penlight.kernels.conv import dispatch
from penlight.kernels.windows import Size, Window

__all__ = ["forward", "input_grad", "weight_grad"]

_plain_forward = dispatch.forward
_plain_input_grad = dispatch.input_grad
_plain_weight_grad = dispatch.weight_grad


# -- lines -----------------------------------------------------------------------------------


@loops
def _copy(line: Any, to: Any, pitch: Any, apart: Any, source: Any, at: Any, shape: Any) -> None:
    """A plane (rows, columns) that begins at ``at`` into the line, ``apart`` numbers from each other."""
    for i in range(np.uintp(shape[0])):
        first, begin = to + i * pitch, at + i * np.uintp(shape[1])
        for j in range(np.uintp(shape[1])):
            line[first + j * apart] = source[begin + j]


@loops
def _pick(target: Any, at: Any, shape: Any, line: Any, pitch: Any, apart: Any, term: Any) -> None:
    for i in range(np.uintp(shape[0])):
        first, begin = i * pitch, at + i * np.uintp(shape[1])
        for j in range(np.uintp(shape[1])):
            target[begin + j] = line[first + j * apart] + term


@loops
def _add_nine(
    total: Any, to: Any, length: Any, line: Any, at: Any, w: Any, down: Any, right: Any
) -> None:
    """total[to + q] += all taps of a kernel of 3 x 3 that starts at line[at + q]."""
    a, b, c, d, e, f, g, h, i = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
    row, next_row = at + down, at + down + down
    for q in range(length):
        total[to + q] += (
            a * line[at + q] + b * line[at + right + q] + c * line[at + right + right + q]
            + d * line[row + q] + e * line[row + right + q] + f * line[row + right + right + q]
            + g * line[next_row + q] + h * line[next_row + right + q] + i * line[next_row + right + right + q]
        )  # fmt: skip


@loops
def _add_tap(total: Any, to: Any, length: Any, line: Any, at: Any, w: Any) -> None:
    for q in range(length):
        total[to + q] += w * line[at + q]


@loops
def _add_taps(
    total: Any,
    to: Any,
    length: Any,
    line: Any,
    at: Any,
    w: Any,
    k1: int,
    k2: int,
    down: Any,
    right: Any,
) -> None:
    if k1 == 3 and k2 == 3:
        _add_nine(total, to, length, line, at, w, down, right)
        return
    for a in range(k1):
        for b in range(k2):
            tap = at + np.uintp(a) * down + np.uintp(b) * right
            _add_tap(total, to, length, line, tap, w[a * k2 + b])


# -- passes ----------------------------------------------------------------------------------


@loops
def _forward(start: int, stop: int, x: Any, w: Any, b: Any, y: Any, window: Any) -> None:
    k1, k2, s1, s2, p1, p2, d1, d2 = window
    channels, height, width = x.shape[1:]
    filters, rows, columns = y.shape[1:]
    copies = filters // channels
    pitch = max(width + p2, (columns - 1) * s2 + (k2 - 1) * d2 + 1)
    depth = max(height + p1, (rows - 1) * s1 + (k1 - 1) * d1 + 1)
    line = np.zeros(depth * pitch, x.dtype)
    total = np.empty(rows * pitch, x.dtype)
    # one run through the plane, or one for each row of outputs if rows are skipped
    runs = 1 if s1 == 1 else rows
    length = (columns - 1) * s2 + 1 + ((rows - 1) * pitch if s1 == 1 else 0)
    source, target, weights = x.reshape(-1), y.reshape(-1), w.reshape(filters, k1 * k2)
    wide, down, right = np.uintp(pitch), np.uintp(d1 * pitch), np.uintp(d2)
    for plane in range(start, stop):
        at = np.uintp(plane * height * width)
        _copy(line, np.uintp(p1 * pitch + p2), wide, np.uintp(1), source, at, (height, width))
        for copy in range(copies):
            f = plane % channels * copies + copy
            total[:] = 0
            for i in range(runs):
                to, seen = np.uintp(i * pitch), np.uintp(i * s1 * pitch)
                _add_taps(total, to, np.uintp(length), line, seen, weights[f], k1, k2, down, right)
            out = np.uintp((plane * copies + copy) * rows * columns)
            _pick(target, out, (rows, columns), total, wide, np.uintp(s2), b[f])


@loops
def _input_grad(start: int, stop: int, dy: Any, w: Any, b: Any, dx: Any, window: Any) -> None:
    k1, k2, s1, s2, p1, p2, d1, d2 = window
    channels, height, width = dx.shape[1:]
    filters, rows, columns = dy.shape[1:]
    copies = filters // channels
    before1, before2 = (k1 - 1) * d1, (k2 - 1) * d2
    pitch = max(width + p2, (columns - 1) * s2 + 1) + before2
    depth = max(height + p1, (rows - 1) * s1 + 1) + before1
    line = np.zeros(depth * pitch, dy.dtype)
    total = np.empty(height * pitch, dy.dtype)
    source, target, weights = dy.reshape(-1), dx.reshape(-1), w.reshape(filters, k1 * k2)
    to, seen = np.uintp(before1 * pitch + before2), np.uintp(p1 * pitch + p2)
    length = np.uintp((height - 1) * pitch + width)
    wide, down, right = np.uintp(pitch), np.uintp(d1 * pitch), np.uintp(d2)
    zero = np.uintp(0)
    for plane in range(start, stop):
        total[:] = 0
        for copy in range(copies):
            f = plane % channels * copies + copy
            at = np.uintp((plane * copies + copy) * rows * columns)
            _copy(line, to, np.uintp(s1 * pitch), np.uintp(s2), source, at, (rows, columns))
            turned = weights[f][::-1].copy()
            _add_taps(total, zero, length, line, seen, turned, k1, k2, down, right)
        into = np.uintp(plane * height * width)
        _pick(target, into, (height, width), total, wide, np.uintp(1), b[plane % channels])


@sums
def _nine_sums(dw: Any, given: Any, length: Any, line: Any, down: Any, right: Any) -> None:
    """dw += the sums over q of given[q] times each tap of a kernel of 3 x 3 that starts at line[q]."""
    a = b = c = d = e = f = g = h = i = line.dtype.type(0)
    row, next_row = down, down + down
    for q in range(length):
        v = given[q]
        a += v * line[q]
        b += v * line[right + q]
        c += v * line[right + right + q]
        d += v * line[row + q]
        e += v * line[row + right + q]
        f += v * line[row + right + right + q]
        g += v * line[next_row + q]
        h += v * line[next_row + right + q]
        i += v * line[next_row + right + right + q]
    for k, total in enumerate((a, b, c, d, e, f, g, h, i)):
        dw[k] += total


@sums
def _sum_with(given: Any, length: Any, line: Any, tap: Any) -> Any:
    total = line.dtype.type(0)
    for q in range(length):
        total += given[q] * line[tap + q]
    return total


@loops
def _weight_grad(start: int, stop: int, x: Any, dy: Any, dw: Any, window: Any) -> None:
    """For windows one apart."""
    k1, k2, _, _, p1, p2, d1, d2 = window
    samples, channels, height, width = x.shape
    filters, rows, columns = dy.shape[1:]
    copies = filters // channels
    pitch = max(width + p2, columns + (k2 - 1) * d2)
    depth = max(height + p1, rows + (k1 - 1) * d1)
    line, given = np.zeros(depth * pitch, x.dtype), np.zeros(depth * pitch, x.dtype)
    length = np.uintp((rows - 1) * pitch + columns)
    source, gradients = x.reshape(-1), dy.reshape(-1)
    wide, down, right = np.uintp(pitch), np.uintp(d1 * pitch), np.uintp(d2)
    to, one, zero = np.uintp(p1 * pitch + p2), np.uintp(1), np.uintp(0)
    for c in range(start, stop):
        for n in range(samples):
            at = np.uintp((n * channels + c) * height * width)
            _copy(line, to, wide, one, source, at, (height, width))
            for f in range(c * copies, (c + 1) * copies):
                at = np.uintp((n * filters + f) * rows * columns)
                _copy(given, zero, wide, one, gradients, at, (rows, columns))
                if k1 == 3 and k2 == 3:
                    _nine_sums(dw[f], given, length, line, down, right)
                    continue
                for k in range(k1 * k2):
                    tap = np.uintp(k // k2) * down + np.uintp(k % k2) * right
                    dw[f, k] += _sum_with(given, length, line, tap)


# -- as NumPy's kernels have them ------------------------------------------------------------


def _numbers(window: Window) -> tuple[int, ...]:
    """k1, k2, s1, s2, p1, p2, d1, d2."""
    (p1, _), (p2, _) = window.padding
    return (*window.kernel, *window.stride, p1, p2, *window.dilation)


def _term(b: np.ndarray | None, size: int, dtype: Any) -> np.ndarray:
    return np.zeros(size, dtype) if b is None else b


def forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, window: Window, groups: int = 1
) -> np.ndarray:
    """y[n, f, o] = b[f] + sum over k of w[f, k] x[n, f // m, o s + k d - p]."""
    if not _applies(x, w, b, window, groups) or x.shape[1] != groups:
        return _plain_forward(x, w, b, window, groups)
    output = window.output_size(x.shape[2:])
    y = np.empty((len(x), len(w), *output), x.dtype)
    if not y.size:
        return y
    work = y.size * math.prod(window.kernel) // 4
    planes, term = len(x) * x.shape[1], _term(b, len(w), x.dtype)
    in_pieces(_forward, planes, work, x, w, term, y, _numbers(window))
    return y


def _applies(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, window: Window, groups: int
) -> bool:
    return (
        groups > 1
        and w.ndim == 4
        and w.shape[1] == 1
        and fit(x, w)
        and (b is None or fit(x, b))
        and min(map(min, window.padding)) >= 0
        and len(w) % groups == 0
        and bool(np.isfinite(w).all())
    )


def input_grad(
    dy: np.ndarray,
    w: np.ndarray,
    size: Size,
    window: Window,
    groups: int = 1,
    b: np.ndarray | None = None,
) -> np.ndarray:
    """dx[n, c, i] = b[c] + sum over all (o, k) with o s + k d - p = i, and f, of w[f, k] dy[n, f, o]."""
    fits = _applies(dy, w, b, window, groups) and dy.shape[1] == len(w)
    if not fits or not math.prod(size) or window.output_size(size) != dy.shape[2:]:
        return _plain_input_grad(dy, w, size, window, groups, b)
    dx = np.empty((len(dy), groups, *size), dy.dtype)
    work = dx.size * len(w) // groups * math.prod(window.kernel) // 4
    term = _term(b, groups, dy.dtype)
    in_pieces(_input_grad, len(dy) * groups, work, dy, w, term, dx, _numbers(window))
    return dx


def weight_grad(x: np.ndarray, dy: np.ndarray, window: Window, groups: int = 1) -> np.ndarray:
    """dw[f, k] = sum over n, o of dy[n, f, o] x[n, f // m, o s + k d - p]."""
    fits = groups > 1 and x.ndim == 4 and groups == x.shape[1] and fit(x, dy)
    fits = fits and dy.shape[1] % groups == 0 and window.output_size(x.shape[2:]) == dy.shape[2:]
    if not fits or window.stride != (1, 1) or min(map(min, window.padding)) < 0:
        return _plain_weight_grad(x, dy, window, groups)
    dw = np.zeros((dy.shape[1], math.prod(window.kernel)), x.dtype)
    work = dy.size * math.prod(window.kernel) // 4
    in_pieces(_weight_grad, groups, work, x, dy, dw, _numbers(window))
    if not np.isfinite(dw).all():
        return _plain_weight_grad(x, dy, window, groups)
    return dw.reshape(len(dw), 1, *window.kernel)
