"""Winograd's minimal filtering for kernels of 3 x 3: the transforms as loops, the products as ever.

The mathematics and the points are those of ``conv.winograd``; here p, -p, q, -q with p = 11/16 and
q = 11/8 are taken in pairs, whose even and odd parts a transform shares. The layout differs: tiles are
innermost, so that neither channels need to be turned nor small images waste half of a vector.

    x (N, C, H, W) -> V (6, 6, C, tiles);  M[i, j] = U[i, j] (F, C) @ V[i, j];  M -> y (N, F, H, W)

Up to 64 tiles are transformed at a time. They form lines of tiles side by side, all of one length, at
most a row of tiles; positions in memory of constant size then have constant distances, without which
compilers don't make vector instructions of loops that write to several places.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penlight._core.threads import one_blas_thread
from penlight.kernels.chunks import ranges, run, scratch
from penlight.kernels.compiled.loops import fit, loops, sums
from penlight.kernels.conv import winograd
from penlight.kernels.windows import Size, Window

__all__ = ["forward", "weight_grad"]

_plain_forward = winograd.forward
_plain_weight_grad = winograd.weight_grad

_T = 6  # the size of a tile
_M = 4  # and of what it makes
_BLOCK = 64  # tiles
_VECTOR = 16  # elements at a time; rows are read and written in whole vectors
_PITCH = np.uintp(_M * _BLOCK + 2 * _VECTOR)  # of the rows of a block
_ZERO = np.float32(0)
_P, _Q = (np.float32(winograd.POINTS[i]) for i in (1, 3))
_PP, _QQ, _PPP, _QQQ = _P * _P, _Q * _Q, _P * _P * _P, _Q * _Q * _Q
_PPQQ, _SUM = _PP * _QQ, _PP + _QQ
_N, _TILES = np.uintp(_BLOCK), np.uintp(_M)
_0, _1, _2, _3, _4, _5, _6 = (np.uintp(i) for i in range(7))


# -- transforms of six (or four) values ----------------------------------------------------------


@loops
def _of_data(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """B^T applied to six values."""
    even, odd = e - _QQ * c, _P * (d - _QQ * b)
    even2, odd2 = e - _PP * c, _Q * (d - _PP * b)
    return (
        _PPQQ * a - _SUM * c + e, even + odd, even - odd, even2 + odd2, even2 - odd2,
        _PPQQ * b - _SUM * d + f,
    )  # fmt: skip


@loops
def _of_output(a: Any, b: Any, c: Any, d: Any) -> Any:
    """A applied to four values."""
    even, odd = a + _PP * c, _P * b + _PPP * d
    even2, odd2 = a + _QQ * c, _Q * b + _QQQ * d
    return a, even + odd, even - odd, even2 + odd2, even2 - odd2, d


@loops
def _back(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """A^T applied to six values."""
    even, odd, even2, odd2 = b + c, b - c, d + e, d - e
    return (
        a + even + even2, _P * odd + _Q * odd2, _PP * even + _QQ * even2,
        _PPP * odd + _QQQ * odd2 + f,
    )  # fmt: skip


# -- the same for all tiles of a block -----------------------------------------------------------


@loops
def _copy(to: Any, at: Any, source: Any, first: Any, count: Any) -> None:
    for i in range(count):
        to[at + i] = source[first + i]


@loops
def _copy_plus(to: Any, at: Any, source: Any, first: Any, count: Any, term: Any) -> None:
    for i in range(count):
        to[at + i] = source[first + i] + term


@loops
def _clear(rows: Any, at: Any, count: Any) -> None:
    """Zeros into six rows."""
    for i in range(count):
        for a in range(_6):
            rows[a * _PITCH + at + i] = _ZERO


@loops
def _seen(row: int, step: Any, first: Any, height: int, width: int) -> Any:
    """Where the row of a plane begins, and 1; outside of the plane some other row, and 0."""
    inside = min(max(row + step, 0), height - 1)
    share = np.float32(1) if inside == row + step else _ZERO
    return first + np.uintp(inside * width), share


@loops
def _whole(count: int, first: int, end: int) -> Any:
    """``count`` rounded up to whole vectors, unless they would go beyond the end of the array."""
    whole = (count + _VECTOR - 1) & -_VECTOR
    return np.uintp(whole if first + whole <= end else count)


@loops
def _data_down(rows: Any, to: Any, count: Any, x: Any, first: Any, row: int, shape: Any) -> None:
    """Six rows of x become six of ``rows``."""
    height, width = shape
    ra, pa = _seen(row, 0, first, height, width)
    rb, pb = _seen(row, 1, first, height, width)
    rc, pc = _seen(row, 2, first, height, width)
    rd, pd = _seen(row, 3, first, height, width)
    re, pe = _seen(row, 4, first, height, width)
    rf, pf = _seen(row, 5, first, height, width)
    for i in range(count):
        a, b, c, d, e, f = _of_data(
            pa * x[ra + i], pb * x[rb + i], pc * x[rc + i],
            pd * x[rd + i], pe * x[re + i], pf * x[rf + i],
        )  # fmt: skip
        rows[to + i] = a
        rows[to + _PITCH + i] = b
        rows[to + _2 * _PITCH + i] = c
        rows[to + _3 * _PITCH + i] = d
        rows[to + _4 * _PITCH + i] = e
        rows[to + _5 * _PITCH + i] = f


@loops
def _move_on(rows: Any, at: Any, count: Any) -> None:
    """Six more rows: the same, a tile further on."""
    for i in range(count):
        for a in range(_6):
            rows[(a + _6) * _PITCH + at + i] = rows[a * _PITCH + at + _TILES + i]


@loops
def _data_across(tiles: Any, rows: Any, row: Any) -> None:
    """A row of all tiles, whose last two columns are the next tile's first."""
    for i in range(_N):
        at = row + _TILES * i
        beyond = at + _6 * _PITCH
        a, b, c, d, e, f = _of_data(
            rows[at], rows[at + _1], rows[at + _2], rows[at + _3], rows[beyond], rows[beyond + _1]
        )
        tiles[i] = a
        tiles[_N + i] = b
        tiles[_2 * _N + i] = c
        tiles[_3 * _N + i] = d
        tiles[_4 * _N + i] = e
        tiles[_5 * _N + i] = f


@loops
def _output_down(rows: Any, to: Any, count: Any, dy: Any, first: Any, row: int, shape: Any) -> None:
    """Four rows of dy become six of ``rows``."""
    height, width = shape
    ra, pa = _seen(row, 0, first, height, width)
    rb, pb = _seen(row, 1, first, height, width)
    rc, pc = _seen(row, 2, first, height, width)
    rd, pd = _seen(row, 3, first, height, width)
    for i in range(count):
        a, b, c, d, e, f = _of_output(
            pa * dy[ra + i], pb * dy[rb + i], pc * dy[rc + i], pd * dy[rd + i]
        )
        rows[to + i] = a
        rows[to + _PITCH + i] = b
        rows[to + _2 * _PITCH + i] = c
        rows[to + _3 * _PITCH + i] = d
        rows[to + _4 * _PITCH + i] = e
        rows[to + _5 * _PITCH + i] = f


@loops
def _output_across(tiles: Any, rows: Any, row: Any) -> None:
    for i in range(_N):
        at = row + _TILES * i
        a, b, c, d, e, f = _of_output(rows[at], rows[at + _1], rows[at + _2], rows[at + _3])
        tiles[i] = a
        tiles[_N + i] = b
        tiles[_2 * _N + i] = c
        tiles[_3 * _N + i] = d
        tiles[_4 * _N + i] = e
        tiles[_5 * _N + i] = f


@loops
def _back_across(rows: Any, row: Any, tiles: Any) -> None:
    for i in range(_N):
        at = row + _TILES * i
        rows[at], rows[at + _1], rows[at + _2], rows[at + _3] = _back(
            tiles[i], tiles[_N + i], tiles[_2 * _N + i],
            tiles[_3 * _N + i], tiles[_4 * _N + i], tiles[_5 * _N + i],
        )  # fmt: skip


@loops
def _back_down(made: Any, rows: Any) -> None:
    for i in range(_TILES * _N):
        a, b, c, d = _back(
            rows[i], rows[_PITCH + i], rows[_2 * _PITCH + i],
            rows[_3 * _PITCH + i], rows[_4 * _PITCH + i], rows[_5 * _PITCH + i],
        )  # fmt: skip
        made[i] = a
        made[_PITCH + i] = b
        made[_2 * _PITCH + i] = c
        made[_3 * _PITCH + i] = d


@sums
def _sum(made: Any) -> Any:
    total = _ZERO
    for i in range(_4 * _PITCH):
        total += made[i]
    return total


# -- all channels of some blocks -----------------------------------------------------------------


class _Lines(NamedTuple):
    """How the tiles of a batch form lines, and lines form blocks."""

    length: int  # tiles of a line
    across: int  # lines of a row of tiles
    down: int  # rows of tiles of an image
    per_block: int
    total: int
    blocks: int


def _lines(n: int, output: Size) -> _Lines:
    down, columns = (math.ceil(o / _M) for o in output)
    across = math.ceil(columns / _BLOCK)
    length = math.ceil(columns / across)
    per_block, count = _BLOCK // length, n * down * across
    return _Lines(length, across, down, per_block, count, math.ceil(count / per_block))


@loops
def _to_tiles(tiles: Any, x: Any, start: int, stop: int, lines: Any, padding: Any) -> None:
    """V of the blocks from ``start`` to ``stop``: (N, C, H, W) -> (36, C, 64 blocks)."""
    length, across, down, per_block, count, _ = lines
    _, channels, height, width = x.shape
    source, target = x.reshape(-1), tiles.reshape(-1)
    rows = np.zeros(12 * _PITCH, np.float32)
    six = np.empty(6 * _BLOCK, np.float32)
    columns = _M * length
    seen = columns + _T - _M
    for block in range(start, stop):
        first = block * per_block
        last = min(first + per_block, count)
        if last - first < per_block:
            rows[:] = 0
        for c in range(channels):
            for line in range(first, last):
                above = line // across
                image, row = above // down, _M * (above % down) - padding[0]
                column = columns * (line % across) - padding[1]
                low, high = min(max(-column, 0), seen), max(min(seen, width - column), 0)
                plane = (image * channels + c) * height * width
                at = np.uintp((line - first) * columns)
                low = low if low < high else high
                begin = plane + column + low
                many = _whole(high - low, begin + (height - 1) * width, source.size)
                _data_down(rows, at + np.uintp(low), many, source, np.uintp(begin), row, (height, width))  # fmt: skip
                _clear(rows, at, np.uintp(low))
                _clear(rows, at + np.uintp(high), np.uintp(seen - high))
                _move_on(rows, at, _whole(columns, 0, _M * _BLOCK + _VECTOR))
            for i in range(_T):
                _data_across(six, rows, np.uintp(i) * _PITCH)
                for j in range(_T):
                    to = ((i * _T + j) * channels + c) * (stop - start) + block - start
                    _copy(target, np.uintp(to * _BLOCK), six, np.uintp(j * _BLOCK), _N)


@loops
def _output_to_tiles(tiles: Any, dy: Any, start: int, stop: int, lines: Any) -> None:
    """A dy A^T of the blocks, likewise; tiles that are none are 0."""
    length, across, down, per_block, count, _ = lines
    _, filters, height, width = dy.shape
    source, target = dy.reshape(-1), tiles.reshape(-1)
    rows, six = np.zeros(6 * _PITCH, np.float32), np.empty(6 * _BLOCK, np.float32)
    columns = _M * length
    for block in range(start, stop):
        first = block * per_block
        last = min(first + per_block, count)
        if last - first < per_block:
            rows[:] = 0
        for f in range(filters):
            for line in range(first, last):
                above = line // across
                image, row = above // down, _M * (above % down)
                column = columns * (line % across)
                plane = (image * filters + f) * height * width
                at, seen = np.uintp((line - first) * columns), min(columns, width - column)
                many = _whole(seen, plane + column + (height - 1) * width, source.size)
                _output_down(rows, at, many, source, np.uintp(plane + column), row, (height, width))  # fmt: skip
                _clear(rows, at + np.uintp(seen), np.uintp(_VECTOR))
            for i in range(_T):
                _output_across(six, rows, np.uintp(i) * _PITCH)
                for j in range(_T):
                    to = ((i * _T + j) * filters + f) * (stop - start) + block - start
                    _copy(target, np.uintp(to * _BLOCK), six, np.uintp(j * _BLOCK), _N)


@loops
def _from_tiles(y: Any, b: Any, tiles: Any, start: int, stop: int, lines: Any) -> Any:
    """y = A^T M A + b of the blocks; and a sum that is finite only if they all are."""
    length, across, down, per_block, count, _ = lines
    _, filters, height, width = y.shape
    source, target = tiles.reshape(-1), y.reshape(-1)
    rows, made = np.empty(6 * _PITCH, np.float32), np.zeros(4 * _PITCH, np.float32)
    six, total = np.empty(6 * _BLOCK, np.float32), _ZERO
    columns = _M * length
    for block in range(start, stop):
        first = block * per_block
        last = min(first + per_block, count)
        for f in range(filters):
            for i in range(_T):
                for j in range(_T):
                    at = ((i * _T + j) * filters + f) * (stop - start) + block - start
                    _copy(six, np.uintp(j * _BLOCK), source, np.uintp(at * _BLOCK), _N)
                _back_across(rows, np.uintp(i) * _PITCH, six)
            _back_down(made, rows)
            total += _sum(made)
            for line in range(first, last):
                above = line // across
                image, row = above // down, _M * (above % down)
                column = columns * (line % across)
                seen = np.uintp(min(columns, width - column))
                for a in range(min(_M, height - row)):
                    to = ((image * filters + f) * height + row + a) * width + column
                    at = (line - first) * columns
                    _copy_plus(target, np.uintp(to), made, np.uintp(a) * _PITCH + np.uintp(at), seen, b[f])  # fmt: skip
    return total


# -- as NumPy's kernels have them ----------------------------------------------------------------

_MANY = (
    48  # channels and filters, on average: products of more are faster as NumPy's kernel has them
)
_CHUNK = 1_300_000  # bytes of the tiles of both sides


def _fits(window: Window, x: np.ndarray, *others: np.ndarray) -> bool:
    plain = window.kernel == (3, 3) and min(map(min, window.padding)) >= 0
    return plain and x.dtype == np.float32 and fit(x, *others)


def _parts(lines: _Lines, channels: int, share: bool, least: int = 1) -> list[tuple[int, int]]:
    """Ranges of blocks."""
    step = max(_CHUNK // (_T * _T * _BLOCK * 4 * channels), least)
    count = math.ceil(lines.blocks / step)
    count = 2 * math.ceil(count / 2) if share else count
    return ranges(lines.blocks, math.ceil(lines.blocks / count))


def _few(channels: int) -> int:
    """A divisor: OpenBLAS is faster at small products of a matrix with a transposed one."""
    return max(few for few in range(1, 33) if channels % few == 0)


def forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, y: np.ndarray, window: Window, share: bool
) -> bool:
    """y = W X + b, written into y; False if the results are not all finite, and may not be right."""
    if not _fits(window, x, y) or (b is not None and not fit(x, b)):
        return _plain_forward(x, w, b, y, window, share)
    (f, c), (p1, p2) = w.shape[:2], (before for before, _ in window.padding)
    lines = _lines(len(x), y.shape[2:])
    parts = _parts(lines, c + f, share)
    both = winograd._both(window.kernel)
    with one_blas_thread():
        kernel = np.matmul(both, w.reshape(f * c, -1).T).reshape(-1, f, c)
    term = np.zeros(f, x.dtype) if b is None else b
    finite = [True] * len(parts)

    def task(i: int) -> None:
        start, stop = parts[i]
        size = _BLOCK * (stop - start)
        data = scratch("data", (_T * _T, c, size), x.dtype)
        _to_tiles(data, x, start, stop, lines, (p1, p2))
        output = scratch("output", (_T * _T, f, size), x.dtype)
        np.matmul(kernel, data, out=output)  # (36, F, C) (36, C, tiles)
        finite[i] = math.isfinite(_from_tiles(y, term, output, start, stop, lines))

    run(task, len(parts), share)
    return all(finite)


def weight_grad(
    x: np.ndarray,
    dy: np.ndarray,
    window: Window,
    share: bool,
    summed: Callable[..., np.ndarray],
) -> np.ndarray | None:
    """dW = dy X^T, (F, C, *K); None if it is not all finite, and may not be right."""
    c, f = x.shape[1], dy.shape[1]
    if not _fits(window, x, dy) or c * f > _MANY * _MANY:
        return _plain_weight_grad(x, dy, window, share, summed)
    (p1, _), (p2, _) = window.padding
    lines = _lines(len(x), dy.shape[2:])

    def product(part: tuple[int, int], out: np.ndarray) -> None:
        start, stop = part
        size = _BLOCK * (stop - start)
        data = scratch("data", (_T * _T, c, size), x.dtype)
        _to_tiles(data, x, start, stop, lines, (p1, p2))
        grad = scratch("output", (_T * _T, f, size), x.dtype)
        _output_to_tiles(grad, dy, start, stop, lines)
        left = grad.reshape(_T * _T, -1, 1, few_f, size)
        right = data.reshape(_T * _T, 1, -1, few_c, size).swapaxes(3, 4)
        np.matmul(left, right, out=out)

    parts = _parts(lines, c + f, share, 2)
    few_f, few_c = _few(f), _few(c)
    shape = (_T * _T, f // few_f, c // few_c, few_f, few_c)
    total = summed(tuple(parts), shape, x.dtype, share, product).swapaxes(2, 3)
    with one_blas_thread():
        dw = np.matmul(total.reshape(_T**2, f * c).T, winograd._both(window.kernel))
    return dw.reshape(f, c, *window.kernel) if math.isfinite(np.add.reduce(dw, axis=None)) else None
