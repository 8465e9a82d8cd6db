"""Gathering the windows of a chunk of images into memory that its thread reuses ("im2col").

Three layouts, for x (N, C, *S) in G groups, windows *K = (K0, *K1) and outputs *O = (O0, *O1):

- :class:`Bands` copies the windows along *O1 alone. The rows of S0 follow each other, so that the
  window of every o in O0 is a matrix that overlaps its neighbours' in memory: K0 times less to copy.
- :class:`Shifts` keeps S0 and *O1 innermost instead: a tap of K0 is then the same memory, further on.
- :class:`Rows` puts channels innermost, which many channels and small images like best.

Source: Chellapilla, Puri & Simard, "High Performance Convolutional Neural Networks for Document
Processing", 2006; Cho & Brand, "MEC: Memory-efficient Convolution for Deep Neural Network", 2017.
"""

from __future__ import annotations

import functools
import math
import threading
from typing import NamedTuple

import numpy as np

from penlight.kernels.chunks import CACHE, ranges, scratch
from penlight.kernels.windows import Padding, Size, Window, inside, strided, view

__all__ = [
    "Bands",
    "Chunk",
    "Rows",
    "Shifts",
    "apart",
    "chunks",
    "rows_overlap",
    "split_axis",
]


_CONFLICT = (
    512  # bytes: what lies so far apart, or a multiple of it, meets in few sets of the cache
)


def apart(x: np.ndarray) -> np.ndarray:
    """x (n, C, *S), or a copy with a gap after each channel if reading across channels were slow."""
    if x.strides[1] % _CONFLICT:
        return x
    size = math.prod(x.shape[2:])
    copy = scratch("apart", (*x.shape[:2], size + 16), x.dtype)[..., :size]
    copy = strided(copy, x.shape, (*copy.strides[:2], *_strides(x.shape[2:], x.itemsize)))
    np.copyto(copy, x)
    return copy


def _strides(shape: Size, itemsize: int) -> Size:
    """Those of contiguous memory."""
    return tuple(itemsize * math.prod(shape[a + 1 :]) for a in range(len(shape)))


class Chunk(NamedTuple):
    """Some images, and some of their outputs along the first dimension that has more than one."""

    n0: int
    n1: int
    h0: int
    h1: int


@functools.lru_cache(maxsize=256)
def split_axis(output: Size) -> int:
    """The spatial dimension along which a chunk may take a part."""
    return next((a for a, n in enumerate(output) if n > 1), len(output) - 1)


def chunks(
    n: int, output: Size, bytes_per_output: int, share: bool, even: bool = False
) -> tuple[Chunk, ...]:
    """Cut n images so that the windows of a chunk fit the cache.

    Args:
        bytes_per_output: the size of the windows of one output position.
        share: make at least four chunks of about equal size, for threads.
        even: for two threads, equal ones of an even number, even if half as large again.
    """
    return _chunks(n, output, bytes_per_output, share, CACHE, even)


@functools.lru_cache(maxsize=256)
def _chunks(
    n: int, output: Size, bytes_per_output: int, share: bool, cache: int, even: bool
) -> tuple[Chunk, ...]:
    rows = output[split_axis(output)]
    image = math.prod(output) * bytes_per_output
    if image > cache:
        step = math.ceil(rows / math.ceil(image / cache))
        return tuple(Chunk(i, i + 1, a, b) for i in range(n) for a, b in ranges(rows, step))
    count = math.ceil(n * image / cache)
    count = 4 * math.ceil(count / 4) if share else count
    step = math.ceil(n / count)
    if share and even:
        step = next((s for s in range(step, 3 * step // 2 + 1) if n % (2 * s) == 0), step)
    return tuple(Chunk(a, b, 0, rows) for a, b in ranges(n, step))


class _Plan(NamedTuple):
    """Views of one thread's buffers, for chunks of one shape."""

    key: Size
    interior: (
        np.ndarray | None
    )  # where the chunk of x goes, zeros around it; None: it is not padded
    windows: np.ndarray  # the windows in the padded chunk
    target: np.ndarray  # where they are copied to
    result: np.ndarray  # the same memory as matrices


class _Gather:
    """Base of the three: pads a chunk of x and copies its windows."""

    channels_last = False

    def __init__(self, x: np.ndarray, window: Window, output: Size, groups: int = 1) -> None:
        self.x, self.window, self.output, self.groups = x, window, output, groups
        self.split = split_axis(output)
        self.plans: dict[int, _Plan] = {}  # by thread

    def __call__(self, chunk: Chunk) -> np.ndarray:
        """The chunk's windows; they last until the same thread's next call."""
        n0, n1, h0, h1 = chunk
        a, window = self.split, self.window
        size = self.x.shape[2 + a]
        first = h0 * window.stride[a] - window.padding[a][0]
        length = (h1 - h0 - 1) * window.stride[a] + window.extent[a]
        start = min(max(first, 0), size)
        stop = max(min(first + length, size), start)
        within: list[slice] = [slice(n0, n1), *(slice(None),) * (1 + a), slice(start, stop)]
        part = self.x[tuple(within)]
        before = min(max(-first, 0), length)
        key = (n1 - n0, h1 - h0, before, stop - start)
        thread = threading.get_ident()
        plan = self.plans.get(thread)
        if plan is None or plan.interior is None or plan.key != key:
            around = (before, length - before - (stop - start))
            padding = (*window.padding[:a], around, *window.padding[a + 1 :])
            plan = self.plans[thread] = self._plan(key, part, padding)
        if plan.interior is not None:
            np.copyto(plan.interior, apart(part) if self.channels_last else part)
        np.copyto(plan.target, plan.windows)
        return plan.result

    def _plan(self, key: Size, part: np.ndarray, padding: Padding) -> _Plan:
        output = (*self.output[: self.split], key[1], *self.output[self.split + 1 :])
        block, interior = self._padded(part, padding)
        windows, target, result = self.arrange(block, output)
        return _Plan(key, interior, windows, target, result)

    def _padded(self, part: np.ndarray, padding: Padding) -> tuple[np.ndarray, np.ndarray | None]:
        """Memory for the padded chunk with channels where they should be, and the inside of it."""
        if not any(map(any, padding)) and not self.channels_last:
            return part, None
        size = part.shape[2:]
        shape = tuple(n + p + q for n, (p, q) in zip(size, padding, strict=True))
        if self.channels_last:
            block = scratch("block", (len(part), *shape, part.shape[1]), part.dtype)
            as_x = np.moveaxis(block, -1, 1)
        else:
            block = as_x = scratch("block", (*part.shape[:2], *shape), part.dtype)
        block.fill(0)
        return block, as_x[inside(size, padding)]

    def arrange(self, block: np.ndarray, output: Size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The windows of a padded chunk, where to copy them, and that as matrices."""
        raise NotImplementedError


def rows_overlap(window: Window) -> bool:
    """Whether neighbouring windows along S0 share rows that follow each other."""
    return window.dilation[0] == 1 and window.stride[0] < window.kernel[0]


class Bands(_Gather):
    """(n, G, O0, K0 (C/G *K1 + 1), *O1): a matrix of windows for every o in O0.

    Each of the K0 parts ends with a row of ones if ``ones``: the weight of the first is the bias.
    """

    def __init__(
        self, x: np.ndarray, window: Window, output: Size, groups: int, ones: bool
    ) -> None:
        super().__init__(x, window, output, groups)
        self.ones = ones

    def arrange(self, block: np.ndarray, output: Size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        window, k = self.window, len(output) - 1
        c = block.shape[1] // self.groups
        depth = c * math.prod(window.kernel[1:])
        lines = math.prod(output[1:])
        overlap = rows_overlap(window)
        if overlap:
            rows, inner = block.shape[2:3], window.without_first()
            windows = view(block, inner, output[1:], axis=3)  # (n, C, S0, *K1, *O1)
            windows = windows.reshape(len(block), self.groups, c, *windows.shape[2:])
            windows = windows.swapaxes(2, 3)  # (n, G, S0, C/G, *K1, *O1)
        else:
            rows = (output[0], window.kernel[0])
            windows = view(block, window, output)  # (n, C, K0, *K1, O0, *O1)
            windows = windows.reshape(len(block), self.groups, c, *windows.shape[2:])
            windows = np.moveaxis(windows, (4 + k, 3), (2, 3))  # (n, G, O0, K0, C/G, *K1, *O1)
        shape = (len(block), self.groups, *rows, depth + self.ones, lines)
        bands = scratch("windows", shape, block.dtype)
        if self.ones:
            bands[..., -1, :] = 1
        target = bands[..., :depth, :].reshape(windows.shape)
        matrix = (window.kernel[0] * (depth + self.ones), lines)
        if not overlap:
            return windows, target, bands.reshape(*shape[:2], output[0], *matrix)
        strides = (*bands.strides[:2], bands.strides[2] * window.stride[0], *bands.strides[3:])
        result = strided(bands, (*shape[:2], output[0], *matrix), strides)
        return windows, target, result


class Shifts(_Gather):
    """(n, G, K0, C/G *K1, *O): a matrix of windows for every tap in K0; with strides, one for all."""

    def arrange(self, block: np.ndarray, output: Size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        window, k = self.window, len(output) - 1
        n, c = len(block), block.shape[1] // self.groups
        depth = c * math.prod(window.kernel[1:])
        lines = math.prod(output[1:])
        if window.stride[0] == 1:
            windows = view(block, window.without_first(), output[1:], axis=3)
            windows = np.moveaxis(windows, 2, 2 + k)  # (n, C, *K1, S0, *O1)
            shifts = scratch("windows", windows.shape, block.dtype)
            row, line = shifts.strides[1 + k], lines * shifts.itemsize
            result = strided(
                shifts,
                (n, self.groups, window.kernel[0], depth, output[0] * lines),
                (shifts.strides[0], depth * row, window.dilation[0] * line, row, shifts.itemsize),
            )
            return windows, shifts, result
        windows = view(block, window, output)  # (n, C, K0, *K1, *O)
        windows = windows.reshape(n, self.groups, c, *windows.shape[2:]).swapaxes(2, 3)
        shifts = scratch("windows", windows.shape, block.dtype)
        return windows, shifts, shifts.reshape(n, self.groups, 1, window.kernel[0] * depth, -1)


class Rows(_Gather):
    """(n *O, *K C): a row for every window, copied in runs of channels."""

    channels_last = True

    def arrange(self, block: np.ndarray, output: Size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        k = len(output)
        windows = view(block, self.window, output, axis=1)  # (n, *K, *O, C)
        windows = windows.transpose(0, *range(1 + k, 1 + 2 * k), *range(1, 1 + k), 1 + 2 * k)
        rows = scratch("windows", windows.shape, block.dtype)
        return windows, rows, rows.reshape(len(block) * math.prod(output), -1)
