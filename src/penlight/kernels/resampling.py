"""Resampling of planes: elements repeated, summed up again, copied, or mixed along each dimension.

Mixing multiplies by a matrix of few entries. BLAS takes it in dense blocks along its band, which costs
less than gathering the entries; but zero times infinity is no number, so planes with such go the slow
way, entry by entry.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penlight.kernels.chunks import CACHE, ranges, run, scratch
from penlight.kernels.resampling_axes import Axis

__all__ = ["copy_elements", "mix", "mix_entries", "repeat_blocks", "sum_blocks"]

_WORTH_THREADS = 1_500_000  # elements: about 0.6 ms

Factors = tuple[int, ...]


def _for_planes(
    planes: int, per_plane: int, itemsize: int, task: Callable[[int, int], None]
) -> None:
    """Call ``task(start, stop)`` for runs of planes that fit the cache."""
    step = max(CACHE // max(per_plane * itemsize, 1), 1)
    share = planes * per_plane > _WORTH_THREADS
    if share:
        step = min(step, math.ceil(planes / 4))
    parts = ranges(planes, step)
    run(lambda i: task(*parts[i]), len(parts), share)


# -- whole factors -------------------------------------------------------------------------------


def repeat_blocks(x: np.ndarray, factors: Factors) -> np.ndarray:
    """y[n, c, i] = x[n, c, i // factors]: (N, C, *S) to (N, C, *(S factors))."""
    size = tuple(n * f for n, f in zip(x.shape[2:], factors, strict=True))
    y = np.empty((*x.shape[:2], *size), x.dtype)
    source, target = x.reshape(-1, *x.shape[2:]), y.reshape(-1, math.prod(size))
    steps = _steps(size, factors)

    def task(start: int, stop: int) -> None:
        part = source[start:stop]
        for nr, (f, inner) in enumerate(steps):
            rows = _as_items(part, inner)
            if nr == len(steps) - 1:
                wide = target[start:stop]
            else:
                wide = scratch(f"repeated {nr}", (len(rows) * f, inner), x.dtype)
            items = _as_items(wide, inner).reshape(-1, f)
            for k in range(f):
                items[:, k] = rows
            part = wide

    if steps:
        _for_planes(len(source), target.shape[1], x.itemsize, task)
    else:
        y[...] = x
    return y


def _as_items(x: np.ndarray, inner: int) -> np.ndarray:
    """Runs of ``inner`` elements as one item each, which are copied faster."""
    return x.reshape(-1) if inner == 1 else x.reshape(-1).view(f"V{inner * x.itemsize}")


def sum_blocks(dy: np.ndarray, factors: Factors) -> np.ndarray:
    """The transpose of :func:`repeat_blocks`: sums over blocks of ``factors`` elements."""
    if dy.dtype == np.float16:  # sums need more digits
        return sum_blocks(dy.astype(np.float32), factors).astype(np.float16)
    size = tuple(n // f for n, f in zip(dy.shape[2:], factors, strict=True))
    dx = np.empty((*dy.shape[:2], *size), dy.dtype)
    source, target = dy.reshape(-1, *dy.shape[2:]), dx.reshape(-1, math.prod(size))
    steps = _steps(dy.shape[2:], factors)[::-1]

    def task(start: int, stop: int) -> None:
        part = source[start:stop]
        for nr, (f, inner) in enumerate(steps):
            wide = part.reshape(-1, f, inner)
            if nr == len(steps) - 1:
                rows = target[start:stop].reshape(-1, inner)
            else:
                rows = scratch(f"summed {nr}", (len(wide), inner), dy.dtype)
            np.add(wide[:, 0], wide[:, 1], out=rows)
            for k in range(2, f):
                np.add(rows, wide[:, k], out=rows)
            part = rows

    if steps:
        _for_planes(len(source), math.prod(dy.shape[2:]), dy.itemsize, task)
    else:
        dx[...] = dy
    return dx


def _steps(size: Sequence[int], factors: Factors) -> list[tuple[int, int]]:
    """(factor, elements of the large side behind it) of each dimension repeated, the last first."""
    inner = [math.prod(size[a + 1 :]) for a in range(len(size))]
    return [(f, n) for f, n in zip(factors, inner, strict=True) if f > 1][::-1]


# -- any size ------------------------------------------------------------------------------------


def copy_elements(x: np.ndarray, axes: Sequence[Axis]) -> np.ndarray:
    """x at the columns of each axis' matrix, which has one in each row."""
    for dim, axis in enumerate(axes, 2):
        x = x.take(axis.cols, dim)
    return x


def mix(x: np.ndarray, axes: Sequence[Axis]) -> np.ndarray:
    """y = A x along each of the last dimensions: (N, C, *old) to (N, C, *new)."""
    if x.dtype == np.float16:
        return mix(x.astype(np.float32), axes).astype(np.float16)
    if x.dtype == np.uint8:
        return _mix_bytes(x, axes)
    new = tuple(axis.new for axis in axes)
    y = np.empty((*x.shape[:2], *new), x.dtype)
    source, target = x.reshape(-1, *x.shape[2:]), y.reshape(-1, *new)
    changed = [a for a, axis in enumerate(axes) if axis.factor != 1]
    order = sorted(changed, key=lambda a: _turn(axes[a], a))

    def task(start: int, stop: int) -> None:
        part: Any = source[start:stop]
        if not np.isfinite(np.add.reduce(part, axis=None)):
            target[start:stop] = mix_entries(part, axes)
            return
        for nr, a in enumerate(order):
            size = (*part.shape[: a + 1], axes[a].new, *part.shape[a + 2 :])
            last = nr == len(order) - 1
            out = target[start:stop] if last else scratch(f"mixed {nr}", size, x.dtype)
            _along(part, axes[a], a + 1, out)
            part = out

    if changed:
        per_plane = max(math.prod(new), math.prod(x.shape[2:]))
        _for_planes(len(source), per_plane, x.itemsize, task)
    else:
        y[...] = x
    return y


def _turn(axis: Axis, nr: int) -> tuple[float, int]:
    """What shrinks goes first, the first dimension first; what grows last, and the first last."""
    ratio = axis.new / axis.old
    return ratio, nr if ratio < 1 else -nr


def _along(x: np.ndarray, axis: Axis, dim: int, y: np.ndarray) -> None:
    """y = A x along one dimension."""
    inner = math.prod(x.shape[dim + 1 :])
    x, y = (a.reshape(-1, a.shape[dim], inner) for a in (x, y))  # (outer, old or new, inner)
    for rows, cols, dense in axis.blocks(x.dtype):
        if inner == 1:
            np.matmul(x[:, cols, 0], dense.T, out=y[:, rows, 0])
        else:
            np.matmul(dense, x[:, cols], out=y[:, rows])


def mix_entries(x: np.ndarray, axes: Sequence[Axis]) -> np.ndarray:
    """:func:`mix` entry by entry, for any number of leading dimensions."""
    for dim, axis in enumerate(axes, x.ndim - len(axes)):
        if axis.factor != 1:
            x = _sum_of_entries(x, axis, axis.weights.astype(x.dtype), dim)
    return x


def _sum_of_entries(x: np.ndarray, axis: Axis, weights: np.ndarray, dim: int) -> np.ndarray:
    """y[i] = the sum of weights[k] x[cols[k]] over the k with rows[k] = i, along one dimension."""
    y = np.zeros((*x.shape[:dim], axis.new, *x.shape[dim + 1 :]), weights.dtype)
    used, starts = np.unique(axis.rows, return_index=True)
    if len(used):
        terms = x.take(axis.cols, dim) * weights.reshape(-1, *[1] * (x.ndim - dim - 1))
        np.moveaxis(y, dim, 0)[used] = np.moveaxis(np.add.reduceat(terms, starts, dim), dim, 0)
    return y


def _mix_bytes(x: np.ndarray, axes: Sequence[Axis]) -> np.ndarray:
    """:func:`mix` in whole numbers, rounded and held within 0..255 after each dimension, the last first.

    So do image libraries, and PyTorch with them.
    """
    for a in reversed(range(len(axes))):
        if axes[a].factor != 1:
            weights, n = axes[a].whole_numbers
            total = _sum_of_entries(x, axes[a], weights, a + 2)
            x = np.clip((total + (1 << (n - 1))) >> n, 0, 255).astype(np.uint8)
    return x.copy()
