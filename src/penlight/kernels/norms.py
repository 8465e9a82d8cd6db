"""Normalisation of whole arrays: the passes of forward and backward, a part that fits the cache at a time.

Only x, its means and its inverse deviations are kept between the two; c = x - m is computed again,
which costs less than to write it to memory and read it back. Sums are products with a vector of ones:
BLAS does those at several times the speed of NumPy's reductions. The variance is the mean of c^2, and
what rounding left of the mean of c is taken out of both (the corrected two-pass algorithm), so that
a mean far from 0 does no harm.

Source: Chan, Golub & LeVeque, "Algorithms for Computing the Sample Variance", 1983, equation 1.7.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.kernels.chunks import ranges, run, scratch

__all__ = [
    "affine", "batch_norm", "batch_norm_backward", "group_norm_backward", "row_norm",
    "row_norm_backward",
]  # fmt: skip

_CHUNK = 1 << 21  # bytes of x: in shorter passes two threads wait for the interpreter's lock
_TINY = 1 << 14  # elements up to which einsum is the fastest way to a sum
_SMALL = 1 << 16  # elements up to which nothing but the number of calls counts
_SHORT = 256  # elements of a row from which on dot products are the fastest way to a sum
_RUN = 32  # elements of a row from which on, in small arrays, repeating factors costs more than it saves
_LONG = 512  # elements of a row from which on it needs no buffer


def _parts(task: Callable[[slice], None], count: int, x: np.ndarray, row: int) -> None:
    """``task`` for consecutive parts of ``range(count)``, an axis of x, each a chunk of x.

    To combine an array with one row, or one column, NumPy first repeats that to fill its buffer, of
    8192 elements, which takes as long as the arithmetic. It does not where only one row fits into it.

    Args:
        row: the length of the rows that ``task`` works on.
    """
    if x.size <= _SMALL:
        task(slice(0, count))
        return
    parts = [slice(*ends) for ends in ranges(count, max(_CHUNK * count // x.nbytes, 1))]

    def work(i: int) -> None:
        size = np.setbufsize(16) if row >= _LONG else np.getbufsize()
        try:
            task(parts[i])
        finally:
            np.setbufsize(size)

    run(work, len(parts))


def _columns(x: np.ndarray) -> np.ndarray:
    """(N, C, L) as (N, C L), which long rows make fast however small L is."""
    return x.reshape(len(x), x.shape[1] * x.shape[2])


def affine(x: np.ndarray, scale: np.ndarray, shift: np.ndarray | None) -> np.ndarray:
    """x (N, C, L) times scale (C,) plus shift (C,)."""
    samples, channels, length = x.shape
    if x.size <= _TINY and length >= _RUN:
        y = np.multiply(x, scale[:, None], order="C")
        return y if shift is None else np.add(y, shift[:, None], out=y)
    y = np.empty(x.shape, x.dtype)
    columns, result = _columns(x), _columns(y)
    factor, term = np.repeat(scale, length), None if shift is None else np.repeat(shift, length)

    def task(at: slice) -> None:
        part = result[at]
        np.multiply(columns[at], factor, out=part)
        if term is not None:
            part += term

    _parts(task, samples, x, channels * length)
    return y


# -- over the batch --------------------------------------------------------------------------


def batch_norm(x: np.ndarray, w: Any, b: Any, eps: float) -> tuple[np.ndarray, ...]:
    """y = (x - m) r w + b for x (N, C, L), and the statistics m, v and r = (v + eps)^(-1/2), (C,)."""
    if x.size <= _TINY:
        return _tiny_batch_norm(x, w, b, eps)
    samples, channels, length = x.shape
    n, ones = samples * length, np.ones(samples, x.dtype)
    y = np.empty(x.shape, x.dtype)
    m, v, r = (np.empty(channels, x.dtype) for _ in range(3))

    def task(at: slice) -> None:
        x_, c = _columns(x[:, at]), _columns(y[:, at])
        m_ = _total(ones, x_, length) / n
        np.subtract(x_, _spread(m_, length), out=c)
        left = _total(ones, c, length) / n
        v_ = _dots(y[:, at], y[:, at]) / n - left * left
        r_ = 1 / np.sqrt(v_ + eps)
        scale = r_ if w is None else r_ * w[at]
        c *= _spread(scale, length)
        c += _spread(-left * scale if b is None else b[at] - left * scale, length)
        m[at], v[at], r[at] = m_ + left, v_, r_

    _parts(task, channels, x, _row(x))
    return y, m, v, r


def _tiny_batch_norm(x: np.ndarray, w: Any, b: Any, eps: float) -> tuple[np.ndarray, ...]:
    """The same in as few calls as possible."""
    n = max(x.shape[0] * x.shape[2], 1)
    m = np.einsum("ncl->c", x) / n
    c = x - m[:, None]
    v = np.einsum("ncl,ncl->c", c, c) / n
    r = 1 / np.sqrt(v + eps)
    c *= (r if w is None else r * w)[:, None]
    if b is not None:
        c += b[:, None]
    return c, m, v, r


def _spread(v: np.ndarray, length: int) -> np.ndarray:
    """(C,) as a row (C L,)."""
    return v if length == 1 else np.repeat(v, length)


def _total(ones: np.ndarray, columns: np.ndarray, length: int) -> Any:
    """The sums (C,) of (N, C L) over samples and positions."""
    sums = ones @ columns
    return sums if length == 1 else np.add.reduce(sums.reshape(-1, length), axis=1)


def _dots(a: np.ndarray, b: np.ndarray) -> Any:
    """The sums (C,) of a b, both (N, C, L), over samples and positions."""
    if a.shape[2] >= _SHORT:
        return np.add.reduce(np.vecdot(a, b), axis=0)
    product = scratch("product", a.shape, a.dtype)
    np.multiply(a, b, out=product)
    return _total(np.ones(len(a), a.dtype), _columns(product), a.shape[2])


def batch_norm_backward(
    dy: np.ndarray, x: np.ndarray, m: np.ndarray, r: np.ndarray, w: Any
) -> tuple[np.ndarray, ...]:
    """dx = r w (dy - mean(dy) - c r^2 mean(dy c)) with c = x - m; dw = r sum(dy c), db = sum(dy)."""
    samples, channels, length = x.shape
    n = max(samples * length, 1)
    if x.size <= _TINY:
        c = x - m[:, None]
        along, level = np.einsum("ncl,ncl->c", dy, c), np.einsum("ncl->c", dy)
        c *= (along * r * r / -n)[:, None]
        c += dy
        c -= (level / n)[:, None]
        c *= (r if w is None else r * w)[:, None]
        return c, along * r, level
    ones, dx = np.ones(samples, x.dtype), np.empty(x.shape, x.dtype)
    dw, db = np.empty(channels, x.dtype), np.empty(channels, x.dtype)

    def task(at: slice) -> None:
        x_, dy_, c, r_ = _columns(x[:, at]), _columns(dy[:, at]), _columns(dx[:, at]), r[at]
        np.subtract(x_, _spread(m[at], length), out=c)
        along, level = _dots(dx[:, at], dy[:, at]), _total(ones, dy_, length)
        c *= _spread(along * r_ * r_ / -n, length)
        c += dy_
        c -= _spread(level / n, length)
        c *= _spread(r_ if w is None else r_ * w[at], length)
        dw[at], db[at] = along * r_, level

    _parts(task, channels, x, _row(x))
    return dx, dw, db


def _row(x: np.ndarray) -> int:
    """The elements of one sample in a chunk of channels of x (N, C, L)."""
    return min(_CHUNK // x.itemsize, x.size) // max(len(x), 1)


# -- within each sample ----------------------------------------------------------------------


def row_norm(
    x: np.ndarray, w: Any, b: Any, eps: float, centred: bool = True
) -> tuple[np.ndarray, Any, np.ndarray, np.ndarray]:
    """y = (x - m) r w + b for x (N, G, K), the statistics being those of each row of K elements.

    Args:
        w, b: (G K,) or None.
        centred: False takes m = 0.

    Returns:
        y, m (None if 0), v and r, the last three (N, G).
    """
    if x.size <= _TINY:
        return _tiny_row_norm(x, w, b, eps, centred)
    samples, groups, k = x.shape
    n, ones = max(k, 1), np.ones(k, x.dtype)
    y = np.empty(x.shape, x.dtype)
    m, v, r = (np.empty((samples, groups), x.dtype) for _ in range(3))

    def task(at: slice) -> None:
        c, x_ = y[at], x[at]
        if centred:
            m[at] = m_ = (x_ @ ones) / n
            np.subtract(x_, m_[:, :, None], out=c)
            x_ = c
        v[at] = v_ = np.vecdot(x_, x_) / n
        r[at] = r_ = 1 / np.sqrt(v_ + eps)
        np.multiply(x_, r_[:, :, None], out=c)
        if w is not None:
            _with_tiles(np.multiply, c, w)
        if b is not None:
            _with_tiles(np.add, c, b)

    _parts(task, samples, x, k)
    return y, (m if centred else None), v, r


def _tiny_row_norm(
    x: np.ndarray, w: Any, b: Any, eps: float, centred: bool
) -> tuple[np.ndarray, Any, np.ndarray, np.ndarray]:
    """The same in as few calls as possible."""
    samples, groups, k = x.shape
    if samples == groups == 1 and k < _TINY // 2:  # a longer dot product OpenBLAS shares out
        return _single_row_norm(x, w, b, eps, centred)
    n, m = max(k, 1), None
    if centred:
        m = np.add.reduce(x, axis=2) / n
        x = x - m[:, :, None]
    v = np.vecdot(x, x) / n
    r = 1 / np.sqrt(v + float(eps))
    y = np.multiply(x, r[:, :, None], order="C")
    if w is not None:
        y *= w.reshape(groups, k)
    if b is not None:
        y += b.reshape(groups, k)
    return y, m, v, r


def _single_row_norm(
    x: np.ndarray, w: Any, b: Any, eps: float, centred: bool
) -> tuple[np.ndarray, Any, np.ndarray, np.ndarray]:
    """The same for one row, whose statistics are numbers, with which NumPy is faster."""
    row, m = x.reshape(-1), None
    n = max(row.size, 1)
    if centred:
        m = row.dot(_ones(row.size, row.dtype)) / n
        row = row - m
        m = m[None, None]
    v = row.dot(row) / n
    r = 1 / np.sqrt(v + float(eps))
    y = row * r
    if w is not None:
        y *= w
    if b is not None:
        y += b
    return y.reshape(x.shape), m, v[None, None], r[None, None]


@functools.lru_cache(maxsize=64)
def _ones(size: int, dtype: np.dtype[Any]) -> np.ndarray:
    return np.ones(size, dtype)


def _with_tiles(ufunc: Any, c: np.ndarray, row: np.ndarray) -> None:
    """Combine c (N, G, K), in place, with a row (G K,) that is the same for all samples."""
    repeats = math.gcd(len(c), max(8192 // max(row.size, 1), 1)) if c.size > _SMALL else 1
    wide = c.reshape(len(c) // repeats, row.size * repeats)
    ufunc(wide, np.tile(row, repeats) if repeats > 1 else row, out=wide)


def row_norm_backward(
    dy: np.ndarray, x: np.ndarray, m: Any, r: np.ndarray, w: Any
) -> tuple[np.ndarray, ...]:
    """dx = r (g - mean(g) - c r^2 mean(g c)) with g = w dy and c = x - m; the means are of a row.

    Args:
        m: (N, G), or None for 0; then mean(g) does not appear either.

    Returns:
        dx (N, G, K), dw = sum(dy c r) and db = sum(dy), (G K,), over the samples.
    """
    samples, groups, k = x.shape
    n = max(k, 1)
    dx = np.empty(x.shape, x.dtype)
    factors = np.ones((groups, k, 1), x.dtype) if w is None else w.reshape(groups, k, 1)
    parts: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def along(part: np.ndarray) -> Any:  # sum over k of part (N, G, K) w (G, K): (N, G, 1)
        return np.matmul(part.transpose(1, 0, 2), factors).transpose(1, 0, 2)

    def task(at: slice) -> None:
        dy_, x_, r_, c = dy[at], x[at], r[at][:, :, None], dx[at]
        product = scratch("product", c.shape, c.dtype)
        if m is not None:
            np.subtract(x_, m[at][:, :, None], out=c)
            x_ = c
        np.multiply(x_, dy_, out=product)
        slope = along(product) * r_ * r_ * r_ / -n
        dw = np.matmul(r_.transpose(1, 2, 0), product.transpose(1, 0, 2)).reshape(-1)
        wide = dy_.reshape(len(dy_), groups * k)
        parts[at.start] = dw, np.ones(len(dy_), x.dtype) @ wide
        np.multiply(x_, slope, out=c)
        if m is not None:
            c -= along(dy_) * r_ / n
        if w is None:
            np.multiply(dy_, r_, out=product)
        else:
            np.multiply(wide, w, out=product.reshape(wide.shape))
            product *= r_
        c += product

    _parts(task, samples, x, k)
    zero = np.zeros(groups * k, x.dtype)
    dw, db = zero, zero.copy()
    for start in sorted(parts):  # in a fixed order, whoever was first
        dw += parts[start][0]
        db += parts[start][1]
    return dx, dw, db


def group_norm_backward(
    dy: np.ndarray, x: np.ndarray, m: np.ndarray, r: np.ndarray, w: Any
) -> tuple[np.ndarray, ...]:
    """:func:`row_norm_backward` where w is the same along each channel: dots over channels come first.

    Args:
        dy, x: (N, C, L).
        m, r: (N, G).
        w: (C,) or None.

    Returns:
        dx (N, C, L), dw and db (C,).
    """
    (samples, channels, length), groups = x.shape, m.shape[1]
    if length < _LONG:
        rows, each = (samples, groups, channels // groups * length), (channels, length)
        wide = None if w is None else np.repeat(w, length)
        dx, dw, db = row_norm_backward(dy.reshape(rows), x.reshape(rows), m, r, wide)
        return dx.reshape(x.shape), *(np.add.reduce(d.reshape(each), axis=1) for d in (dw, db))
    width = channels // groups
    n, dx, ones = width * length, np.empty(x.shape, x.dtype), np.ones(length, x.dtype)
    factor = np.ones(channels, x.dtype) if w is None else w
    parts: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def spread(v: np.ndarray) -> np.ndarray:  # (N, G) as (N, C, 1)
        return np.repeat(v, width, axis=1)[:, :, None]

    def total(v: np.ndarray) -> Any:  # the sums (N, G) of (N, C) w
        return np.add.reduce((v * factor).reshape(len(v), groups, width), axis=2)

    def task(at: slice) -> None:
        dy_, x_, r_, c = dy[at], x[at], r[at], dx[at]
        np.subtract(x_, spread(m[at]), out=c)
        along, level, scale = np.vecdot(c, dy_), dy_ @ ones, spread(r_)
        parts[at.start] = (
            np.add.reduce(along * scale[:, :, 0], axis=0),
            np.add.reduce(level, axis=0),
        )
        c *= spread(total(along) * r_ * r_ * r_ / -n)
        c -= spread(total(level) * r_ / n)
        product = scratch("product", c.shape, c.dtype)
        np.multiply(dy_, scale * factor[:, None], out=product)
        c += product

    _parts(task, samples, x, length)
    dw, db = np.zeros(channels, x.dtype), np.zeros(channels, x.dtype)
    for start in sorted(parts):  # in a fixed order, whoever was first
        dw += parts[start][0]
        db += parts[start][1]
    return dx, dw, db
