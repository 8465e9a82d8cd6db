"""What resampling does along one dimension: which old elements each new one is made of, and how much.

Element i lies at i + 1/2 (or, with corners aligned, first on first and last on last). All this is
computed in the precision that PyTorch computes it in, since it decides where elements are cut.

Source: Keys, "Cubic convolution interpolation for digital image processing", 1981; Turkowski,
"Filters for common resampling tasks", Graphics Gems I, 1990.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

__all__ = ["Axis", "area_axis", "filtered_axis", "nearest_axis", "smooth_axis"]

_BLOCK = 32  # rows or columns of a block: enough for BLAS, few enough that the band is most of it

Block = tuple[slice, slice, np.ndarray]


class Axis:
    """The matrix A of y = A x along one dimension, sparse: A[rows[k], cols[k]] += weights[k].

    Args:
        size: how many old and new elements there are.
        rows, cols, weights: one entry for each product, in the order of the rows.
    """

    def __init__(self, size: tuple[int, int], rows: Any, cols: Any, weights: Any) -> None:
        self.old, self.new = size
        self.rows, self.cols, self.weights = rows, cols, weights
        self._blocks: dict[str, list[Block]] = {}

    @functools.cached_property
    def transposed(self) -> Axis:
        """The matrix of the gradient."""
        order = np.argsort(self.cols, kind="stable")
        size = self.new, self.old
        return Axis(size, self.cols[order], self.rows[order], self.weights[order])

    @functools.cached_property
    def factor(self) -> int:
        """How often each element is repeated, if that is all; else 0."""
        f = self.new // self.old
        copies = self.new % self.old == 0 and len(self.rows) == self.new
        return f if copies and (self.cols == np.arange(self.new) // f).all() else 0

    @functools.cached_property
    def whole_numbers(self) -> tuple[np.ndarray, int]:
        """The weights as whole numbers of 16 bits, in units of 2^-n; and n."""
        largest = np.abs(self.weights).max(initial=0)
        n = next(n for n in range(1, 23) if n == 22 or 0.5 + largest * 2 ** (n + 1) >= 1 << 15)
        scaled = self.weights * 2**n
        return np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int64), n

    def blocks(self, dtype: Any) -> list[Block]:
        """The matrix as dense blocks: (its rows, the columns that they use, the entries)."""
        known = self._blocks.get(dtype.char)
        if known is None:
            step = min(max(_BLOCK * self.new // self.old, _BLOCK // 2), _BLOCK)
            starts = range(0, self.new, step)
            known = [self._block(i, min(i + step, self.new), dtype) for i in starts]
            self._blocks[dtype.char] = known
        return known

    def _block(self, start: int, stop: int, dtype: Any) -> Block:
        part = slice(*np.searchsorted(self.rows, (start, stop)))
        rows, cols = self.rows[part], self.cols[part]
        first, end = (int(cols.min()), int(cols.max()) + 1) if len(cols) else (0, 0)
        dense = np.zeros((stop - start, end - first))
        np.add.at(dense, (rows - start, cols - first), self.weights[part])
        return slice(start, stop), slice(first, end), dense.astype(dtype)


def _of_taps(old: int, index: np.ndarray, weight: np.ndarray) -> Axis:
    """From tables (new, taps)."""
    rows = np.repeat(np.arange(len(index)), index.shape[1])
    return Axis((old, len(index)), rows, index.ravel(), weight.ravel().astype(np.float64))


def _scale(kind: Any, old: int, new: int, factor: float | None) -> Any:
    """How many old elements one new one is wide."""
    return kind(1 / factor) if factor is not None else kind(old) / kind(new)


@functools.lru_cache(maxsize=256)
def nearest_axis(old: int, new: int, factor: float | None, exact: bool, double: bool) -> Axis:
    """Copies: of the element under a new one's first corner, if ``exact`` under its centre."""
    kind: Any = np.float64 if double else np.float32
    scale = _scale(kind, old, new, factor)
    place = (
        (np.arange(new) + 0.5) * np.float64(scale) if exact else np.arange(new).astype(kind) * scale
    )
    index = np.minimum(np.floor(place.astype(np.float32)).astype(np.intp), old - 1)
    return _of_taps(old, index[:, None], np.ones((new, 1)))


@functools.lru_cache(maxsize=256)
def smooth_axis(
    old: int, new: int, factor: float | None, align: bool, cubic: bool, double: bool
) -> Axis:
    """Between the two nearest elements on a line, or the four nearest on Keys' cubic of a = -3/4."""
    if old == new and (not cubic or factor is None):  # as PyTorch, whatever the factor
        return nearest_axis(old, new, None, False, double)
    kind: Any = np.float64 if double else np.float32
    i = np.arange(new).astype(kind)
    if align:
        place = i * (kind(old - 1) / kind(new - 1) if new > 1 else kind(0))
    else:
        place = (i + kind(0.5)) * _scale(kind, old, new, factor) - kind(0.5)
    if not cubic:
        place = np.maximum(place, 0)
    first = np.minimum(np.floor(place).astype(np.intp), old - 1)
    t = np.clip(place - first.astype(kind), 0, 1)
    if not cubic:
        index = np.stack([first, np.minimum(first + 1, old - 1)], 1)
        return _of_taps(old, index, np.stack([1 - t, t], 1))
    index = np.clip(first[:, None] + np.arange(-1, 3), 0, old - 1)
    return _of_taps(old, index, _cubic(np.stack([t + 1, t, 1 - t, 2 - t], 1), -0.75))


@functools.lru_cache(maxsize=256)
def filtered_axis(old: int, new: int, factor: float | None, align: bool, mode: str) -> Axis:
    """Weighted means over a filter that is as wide as a new element, if that is wider than an old."""
    if old == new:
        return nearest_axis(old, new, None, False, True)
    if align:
        scale = (old - 1) / (new - 1) if new > 1 else 0.0
    else:
        scale = _scale(float, old, new, factor)
    radius, filter_of = _FILTERS[mode]
    stretch = max(scale, 1.0)
    centre = (np.arange(new) + 0.5) * scale
    first = np.maximum((centre - radius * stretch + 0.5).astype(np.intp), 0)
    end = np.minimum((centre + radius * stretch + 0.5).astype(np.intp), old)
    index = first[:, None] + np.arange(int((end - first).max()))
    inside = index < end[:, None]
    weight = np.where(inside, filter_of((index - centre[:, None] + 0.5) / stretch), 0)
    total = weight.sum(1, keepdims=True)
    weight = weight / np.where(total == 0, 1, total)
    rows, _ = np.nonzero(inside)
    return Axis((old, new), rows, index[inside], weight[inside])


def area_axis(old: int, new: int) -> Axis:
    """Means from floor(i old / new) up to ceil((i + 1) old / new)."""
    i = np.arange(new)
    start, end = i * old // new, -(-(i + 1) * old // new)
    count = end - start
    rows = np.repeat(i, count)
    cols = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count) + start[rows]
    return Axis((old, new), rows, cols, 1 / count[rows])


def _triangle(x: np.ndarray) -> np.ndarray:
    """1 - |x| within 1."""
    return np.maximum(1 - np.abs(x), 0)


def _cubic(x: np.ndarray, a: float) -> np.ndarray:
    """Keys' kernel: cubic pieces on [0, 1] and [1, 2]."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def _lanczos(x: np.ndarray) -> np.ndarray:
    """sinc(x) sinc(x / 3) within 3."""
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


_FILTERS: dict[str, tuple[int, Any]] = {
    "bilinear": (1, _triangle),
    "bicubic": (2, lambda x: _cubic(x, -0.5)),
    "lanczos": (3, _lanczos),
}
