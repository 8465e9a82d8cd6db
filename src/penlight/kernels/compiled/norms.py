"""Normalisation of whole arrays, a channel or a row at a time while it is in the cache.

Three passes forwards: sum x; sum c and c^2 with c = x - m; write y = c scale + shift. Two backwards:
sum dy and dy c; write dx. The sums of a batch's rows are added up in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.kernels import norms
from penlight.kernels.chunks import run
from penlight.kernels.compiled.loops import fit, in_pieces, loops, pieces, sums

__all__ = [
    "affine", "batch_norm", "batch_norm_backward", "group_norm_backward", "row_norm",
    "row_norm_backward",
]  # fmt: skip

_plain_affine = norms.affine
_plain_batch_norm = norms.batch_norm
_plain_batch_norm_backward = norms.batch_norm_backward
_plain_row_norm = norms.row_norm
_plain_row_norm_backward = norms.row_norm_backward

_SHORT = 8  # positions of a channel below which a loop over them is none
_LONG = 512  # elements from which on a single row is worth the call


def _given(*arrays: Any) -> list[Any]:
    return [a for a in arrays if a is not None]


def _have(size: int, *arrays: Any) -> bool:
    """Whether arrays that may be None have so many elements; loops do not check indices."""
    return all(a is None or a.size == size for a in arrays)


def _or(w: Any, value: float, size: int, dtype: Any) -> np.ndarray:
    """w, or ``value`` in its place if it is None."""
    return np.full(size, value, dtype) if w is None else w


# -- one factor and term per channel -------------------------------------------------------------


@loops
def _affine(start: int, stop: int, x: Any, scale: Any, shift: Any, y: Any) -> None:
    for n in range(start, stop):
        for c in range(x.shape[1]):
            a, b = scale[c], shift[c]
            source, target = x[n, c], y[n, c]
            for i in range(x.shape[2]):
                target[i] = source[i] * a + b


def affine(x: np.ndarray, scale: np.ndarray, shift: np.ndarray | None) -> np.ndarray:
    """x (N, C, L) times scale (C,) plus shift (C,)."""
    if (
        x.shape[2] < _SHORT
        or not fit(x, scale, *_given(shift))
        or not _have(x.shape[1], scale, shift)
    ):
        return _plain_affine(x, scale, shift)
    y = np.empty(x.shape, x.dtype)
    in_pieces(_affine, len(x), x.size, x, scale, _or(shift, 0, len(scale), x.dtype), y)
    return y


# -- over the batch --------------------------------------------------------------------------


@sums
def _sum_of(x: Any) -> Any:
    total = x.dtype.type(0)
    for i in range(x.size):
        total += x[i]
    return total


@sums
def _sums_about(x: Any, m: Any) -> Any:
    """The sums of c and of c^2 for c = x - m."""
    total = square = x.dtype.type(0)
    for i in range(x.size):
        c = x[i] - m
        total += c
        square += c * c
    return total, square


@sums
def _sums_with(dy: Any, x: Any, m: Any) -> Any:
    """The sums of dy and of dy (x - m)."""
    level = along = x.dtype.type(0)
    for i in range(x.size):
        level += dy[i]
        along += dy[i] * (x[i] - m)
    return level, along


@loops
def _corrected(middle: Any, left: Any) -> Any:
    """The mean with what rounding left; as it is, if it is infinite and nothing can be taken from it."""
    return middle + left if left == left else middle


@loops
def _batch_norm(
    start: int, stop: int, x: Any, w: Any, b: Any, eps: float, y: Any, m: Any, v: Any, r: Any
) -> None:
    samples, _, length = x.shape
    count = samples * length
    real = x.dtype.type
    for c in range(start, stop):
        total = 0.0
        for n in range(samples):
            total += _sum_of(x[n, c])
        middle = real(total / count)
        left = square = 0.0
        for n in range(samples):
            of_c, of_square = _sums_about(x[n, c], middle)
            left += of_c
            square += of_square
        left /= count  # what rounding left of the mean of c
        variance = square / count - left * left
        rate = 1 / np.sqrt(variance + eps)
        scale, rest, term = real(rate * w[c]), real(left), b[c]
        for n in range(samples):
            source, target = x[n, c], y[n, c]
            for i in range(length):
                target[i] = ((source[i] - middle) - rest) * scale + term
        m[c], v[c], r[c] = _corrected(middle, left), variance, rate


@loops
def _add(total: Any, x: Any) -> None:
    for i in range(total.size):
        total[i] += x[i]


@loops
def _centre(c: Any, rest: Any, square: Any, x: Any, m: Any) -> None:
    """c = x - m; it and its square are added to ``rest`` and ``square``."""
    for i in range(x.size):
        c[i] = x[i] - m[i]
        rest[i] += c[i]
        square[i] += c[i] * c[i]


@loops
def _scale(y: Any, rest: Any, factor: Any, term: Any) -> None:
    for i in range(y.size):
        y[i] = (y[i] - rest[i]) * factor[i] + term[i]


@loops
def _batch_norm_columns(
    start: int, stop: int, x: Any, w: Any, b: Any, eps: float, y: Any, m: Any, v: Any, r: Any
) -> None:
    """The same for x (N, C): along rows, so that many channels are summed side by side."""
    m, v, r, w, b = m[start:stop], v[start:stop], r[start:stop], w[start:stop], b[start:stop]
    count, one, small = x.dtype.type(len(x)), x.dtype.type(1), x.dtype.type(eps)
    for n in range(len(x)):
        _add(m, x[n, start:stop])
    for c in range(m.size):
        m[c] /= count
    rest, scale = np.zeros_like(m), np.empty_like(m)
    for n in range(len(x)):
        _centre(y[n, start:stop], rest, v, x[n, start:stop], m)
    for c in range(m.size):
        rest[c] /= count
        v[c] = v[c] / count - rest[c] * rest[c]
        r[c] = one / np.sqrt(v[c] + small)
        scale[c] = r[c] * w[c]
        m[c] = _corrected(m[c], rest[c])
    for n in range(len(x)):
        _scale(y[n, start:stop], rest, scale, b)


def batch_norm(x: np.ndarray, w: Any, b: Any, eps: float) -> tuple[np.ndarray, ...]:
    """y = (x - m) r w + b for x (N, C, L), and the statistics m, v and r = (v + eps)^(-1/2), (C,)."""
    _, channels, length = x.shape
    if 1 < length < _SHORT or not fit(x, *_given(w, b)) or not _have(channels, w, b):
        return _plain_batch_norm(x, w, b, eps)
    y = np.empty(x.shape, x.dtype)
    m, v, r = np.zeros((3, channels), x.dtype)
    w, b = _or(w, 1, channels, x.dtype), _or(b, 0, channels, x.dtype)
    if length == 1:
        flat = x.reshape(x.shape[:2]), y.reshape(x.shape[:2])
        in_pieces(_batch_norm_columns, channels, 3 * x.size, flat[0], w, b, eps, flat[1], m, v, r)
    else:
        in_pieces(_batch_norm, channels, 3 * x.size, x, w, b, eps, y, m, v, r)
    return y, m, v, r


@loops
def _batch_norm_backward(
    start: int, stop: int, dy: Any, x: Any, m: Any, r: Any, w: Any, dx: Any, dw: Any, db: Any
) -> None:
    samples, _, length = x.shape
    count = samples * length
    real = x.dtype.type
    for c in range(start, stop):
        level = along = 0.0
        for n in range(samples):
            of_dy, of_product = _sums_with(dy[n, c], x[n, c], m[c])
            level += of_dy
            along += of_product
        middle, scale = m[c], real(r[c] * w[c])
        slope = real(along * r[c] * r[c] / count)
        mean = real(level / count)
        for n in range(samples):
            given, source, target = dy[n, c], x[n, c], dx[n, c]
            for i in range(length):
                target[i] = (given[i] - mean - (source[i] - middle) * slope) * scale
        dw[c], db[c] = along * r[c], level


@loops
def _add_with(db: Any, dw: Any, dy: Any, x: Any, m: Any) -> None:
    for i in range(dy.size):
        db[i] += dy[i]
        dw[i] += dy[i] * (x[i] - m[i])


@loops
def _combine(dx: Any, dy: Any, x: Any, m: Any, mean: Any, slope: Any, scale: Any) -> None:
    for i in range(dx.size):
        dx[i] = (dy[i] - mean[i] - (x[i] - m[i]) * slope[i]) * scale[i]


@loops
def _batch_norm_backward_columns(
    start: int, stop: int, dy: Any, x: Any, m: Any, r: Any, w: Any, dx: Any, dw: Any, db: Any
) -> None:
    m, r, w, dw, db = m[start:stop], r[start:stop], w[start:stop], dw[start:stop], db[start:stop]
    count = x.dtype.type(len(x))
    for n in range(len(x)):
        _add_with(db, dw, dy[n, start:stop], x[n, start:stop], m)
    mean, slope, scale = np.empty_like(m), np.empty_like(m), np.empty_like(m)
    for c in range(m.size):
        dw[c] *= r[c]
        mean[c], slope[c], scale[c] = db[c] / count, dw[c] * r[c] / count, r[c] * w[c]
    for n in range(len(x)):
        row = dx[n, start:stop]
        _combine(row, dy[n, start:stop], x[n, start:stop], m, mean, slope, scale)


def batch_norm_backward(
    dy: np.ndarray, x: np.ndarray, m: np.ndarray, r: np.ndarray, w: Any
) -> tuple[np.ndarray, ...]:
    """dx = r w (dy - mean(dy) - c r^2 mean(dy c)) with c = x - m; dw = r sum(dy c), db = sum(dy)."""
    _, channels, length = x.shape
    if 1 < length < _SHORT or not fit(x, dy, m, r, *_given(w)) or not _have(channels, m, r, w):
        return _plain_batch_norm_backward(dy, x, m, r, w)
    dx = np.empty(x.shape, x.dtype)
    dw, db = np.zeros((2, channels), x.dtype)
    w = _or(w, 1, channels, x.dtype)
    if length == 1:
        dy_, x_, dx_ = (a.reshape(x.shape[:2]) for a in (dy, x, dx))
        kernel = _batch_norm_backward_columns
        in_pieces(kernel, channels, 3 * x.size, dy_, x_, m, r, w, dx_, dw, db)
    else:
        in_pieces(_batch_norm_backward, channels, 4 * x.size, dy, x, m, r, w, dx, dw, db)
    return dx, dw, db


# -- within each sample ----------------------------------------------------------------------


@loops
def _row_norm(
    start: int, stop: int, x: Any, w: Any, b: Any, eps: float, centred: bool, y: Any, m: Any,
    v: Any, r: Any,
) -> None:  # fmt: skip
    _, groups, k = x.shape
    real = x.dtype.type
    for n in range(start, stop):
        for g in range(groups):
            source, target, factor, term = x[n, g], y[n, g], w[g], b[g]
            middle = real(_sum_of(source) / real(k)) if centred else real(0)
            left, square = _sums_about(source, middle)
            left = left / real(k) if centred else real(0)
            variance = square / real(k) - left * left
            rate = real(1 / np.sqrt(variance + eps))
            for i in range(k):
                c = (source[i] - middle) - left
                target[i] = c * rate * factor[i] + term[i]
            m[n, g], v[n, g], r[n, g] = _corrected(middle, left), variance, rate


def row_norm(
    x: np.ndarray, w: Any, b: Any, eps: float, centred: bool = True
) -> tuple[np.ndarray, Any, np.ndarray, np.ndarray]:
    """y = (x - m) r w + b for x (N, G, K), with the statistics of each row of K elements."""
    samples, groups, k = x.shape
    single = samples * groups == 1 and k < _LONG
    if single or k < _SHORT or not fit(x, *_given(w, b)) or not _have(groups * k, w, b):
        return _plain_row_norm(x, w, b, eps, centred)
    y = np.empty(x.shape, x.dtype)
    m, v, r = np.empty((3, samples, groups), x.dtype)
    w, b = (_or(a, value, groups * k, x.dtype).reshape(groups, k) for a, value in ((w, 1), (b, 0)))
    in_pieces(_row_norm, samples, x.size, x, w, b, eps, centred, y, m, v, r)
    return y, (m if centred else None), v, r


@sums
def _sums_weighted(dy: Any, w: Any, x: Any, m: Any) -> Any:
    """The sums of g and of g (x - m) for g = w dy."""
    level = along = x.dtype.type(0)
    for i in range(x.size):
        g = dy[i] * w[i]
        level += g
        along += g * (x[i] - m)
    return level, along


@loops
def _row_norm_backward(
    start: int, stop: int, dy: Any, x: Any, m: Any, r: Any, w: Any, centred: bool, dx: Any,
    dw: Any, db: Any,
) -> None:  # fmt: skip
    _, groups, k = x.shape
    count = x.dtype.type(k)
    for n in range(start, stop):
        for g in range(groups):
            given, source, target = dy[n, g], x[n, g], dx[n, g]
            factor, of_w, of_b = w[g], dw[g], db[g]
            middle, rate = m[n, g], r[n, g]
            level, along = _sums_weighted(given, factor, source, middle)
            mean = level / count if centred else x.dtype.type(0)
            slope = along * rate * rate / count
            for i in range(k):
                c = source[i] - middle
                target[i] = (given[i] * factor[i] - mean - c * slope) * rate
                of_w[i] += given[i] * c * rate
                of_b[i] += given[i]


def row_norm_backward(
    dy: np.ndarray, x: np.ndarray, m: Any, r: np.ndarray, w: Any
) -> tuple[np.ndarray, ...]:
    """dx = r (g - mean(g) - c r^2 mean(g c)) with g = w dy and c = x - m; dw, db over the samples."""
    samples, groups, k = x.shape
    if k < _SHORT or not fit(x, dy, r, *_given(m, w)) or not _have(groups * k, w):
        return _plain_row_norm_backward(dy, x, m, r, w)
    dx = np.empty(x.shape, x.dtype)
    factors = _or(w, 1, groups * k, x.dtype).reshape(groups, k)
    middles = np.zeros_like(r) if m is None else m
    parts = pieces(samples, x.size)
    totals = np.zeros((2, len(parts), groups, k), x.dtype)  # of each piece, added in a fixed order

    def task(i: int) -> None:
        dw, db = totals[:, i]
        _row_norm_backward(*parts[i], dy, x, middles, r, factors, m is not None, dx, dw, db)

    run(task, len(parts))
    dw, db = totals.sum(1).reshape(2, groups * k)
    return dx, dw, db


def group_norm_backward(
    dy: np.ndarray, x: np.ndarray, m: np.ndarray, r: np.ndarray, w: Any
) -> tuple[np.ndarray, ...]:
    """:func:`row_norm_backward` with w (C,) the same along each channel of x (N, C, L)."""
    (samples, channels, length), groups = x.shape, m.shape[1]
    rows, each = (samples, groups, channels // groups * length), (channels, length)
    wide = None if w is None else np.repeat(w, length)
    dx, dw, db = row_norm_backward(dy.reshape(rows), x.reshape(rows), m, r, wide)
    return dx.reshape(x.shape), *(np.add.reduce(d.reshape(each), axis=1) for d in (dw, db))
