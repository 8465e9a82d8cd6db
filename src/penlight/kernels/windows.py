"""Sliding windows over the spatial dimensions *S of (N, C, *S): their geometry, and views of them.

Along one dimension with n elements, kernel k, stride s, dilation d and padding (p, q), window o covers
the padded positions o s, o s + d, ..., o s + (k - 1) d, and there are

    floor((n + p + q - d (k - 1) - 1) / s) + 1

of them.

Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

__all__ = [
    "Padding",
    "Size",
    "Window",
    "add_back",
    "gather",
    "inside",
    "pad",
    "strided",
    "taps",
    "view",
]

Size = tuple[int, ...]
Padding = tuple[tuple[int, int], ...]  # before and after, per dimension


class Window(NamedTuple):
    """The geometry of a window, one entry per spatial dimension."""

    kernel: Size
    stride: Size
    padding: Padding
    dilation: Size

    @property
    def extent(self) -> Size:
        """How many positions a window spans: d (k - 1) + 1."""
        return _extent(self.kernel, self.dilation)

    def output_size(self, size: Size) -> Size:
        """The number of windows over ``size`` elements; below 1 where none fits."""
        return _output_size(self, size)

    def padded_size(self, size: Size) -> Size:
        """``size`` with the padding."""
        return tuple(n + p + q for n, (p, q) in zip(size, self.padding, strict=True))

    def is_plain(self) -> bool:
        """Whether each window is just one element, and every element has one."""
        return all(
            k == s == 1 and p == (0, 0)
            for k, s, p in zip(self.kernel, self.stride, self.padding, strict=True)
        )

    def without_first(self) -> Window:
        """The window along the other dimensions."""
        return Window(self.kernel[1:], self.stride[1:], self.padding[1:], self.dilation[1:])

    def below_one(self) -> Window:
        """The same window on data with a first spatial dimension of size one added."""
        return Window(
            (1, *self.kernel), (1, *self.stride), ((0, 0), *self.padding), (1, *self.dilation)
        )


@functools.lru_cache(maxsize=1024)
def _output_size(window: Window, size: Size) -> Size:
    return tuple(
        (n + p + q - e) // s + 1
        for n, (p, q), e, s in zip(size, window.padding, window.extent, window.stride, strict=True)
    )


@functools.lru_cache(maxsize=256)
def _extent(kernel: Size, dilation: Size) -> Size:
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))


@functools.lru_cache(maxsize=256)
def inside(size: Size, padding: Padding) -> Any:
    """The index of the data in its padded form."""
    return (..., *(slice(p, p + n) for n, (p, _) in zip(size, padding, strict=True)))


def pad(x: np.ndarray, padding: Padding, value: float) -> np.ndarray:
    """x with ``value`` around its last dimensions; negative padding crops."""
    shape = list(x.shape)
    source: list[slice] = [slice(None)] * x.ndim
    target: list[slice] = [slice(None)] * x.ndim
    for axis, (p, q) in enumerate(padding, x.ndim - len(padding)):
        n = x.shape[axis]
        start, stop = max(-p, 0), n + min(q, 0)
        shape[axis] = n + p + q
        source[axis], target[axis] = slice(start, stop), slice(start + p, stop + p)
    y = np.full(shape, value, x.dtype)
    y[tuple(target)] = x[tuple(source)]
    return y


def strided(x: np.ndarray, shape: Size, strides: Size) -> np.ndarray:
    """A view of x's memory, as ``as_strided`` but at a tenth of its cost where x is contiguous."""
    if x.flags.c_contiguous:
        return np.ndarray(shape, x.dtype, x, 0, strides)
    return as_strided(x, shape, strides)


def view(x: np.ndarray, window: Window, output: Size, axis: int = 2) -> np.ndarray:
    """All windows of an already padded x: (..., *S, ...) -> (..., *K, *O, ...), a view.

    Args:
        axis: the first of the spatial dimensions.
    """
    n = len(window.kernel)
    space = x.strides[axis : axis + n]
    within = tuple([s * d for s, d in zip(space, window.dilation, strict=True)])
    between = tuple([s * t for s, t in zip(space, window.stride, strict=True)])
    return strided(
        x,
        (*x.shape[:axis], *window.kernel, *output, *x.shape[axis + n :]),
        (*x.strides[:axis], *within, *between, *x.strides[axis + n :]),
    )


def taps(window: Window, output: Size) -> Iterator[tuple[Any, Any]]:
    """For each position in the kernel, two indices.

    The first is of that tap in (N, C, *K, ...), the second of all that it meets in (N, C, *S) padded.
    """
    for tap in itertools.product(*map(range, window.kernel)):
        place = (
            slice(i * d, i * d + (o - 1) * s + 1, s)
            for i, d, s, o in zip(tap, window.dilation, window.stride, output, strict=True)
        )
        yield (slice(None), slice(None), *tap), (..., *place)


def gather(x: np.ndarray, window: Window) -> np.ndarray:
    """Every window as a column ("im2col"): (N, C, *S) -> (N, C *K, *O joined), a copy."""
    output = window.output_size(x.shape[2:])
    columns = view(pad(x, window.padding, 0), window, output)
    shape = (len(x), x.shape[1] * math.prod(window.kernel), math.prod(output))
    return columns.reshape(shape)


def add_back(columns: np.ndarray, size: Size, window: Window) -> np.ndarray:
    """The transpose of :func:`gather` ("col2im"): (N, C *K, *O joined) -> (N, C, *size)."""
    n, c = len(columns), columns.shape[1] // math.prod(window.kernel)
    output = window.output_size(size)
    columns = columns.reshape(n, c, *window.kernel, *output)
    total = np.zeros((n, c, *window.padded_size(size)), columns.dtype)
    for tap, place in taps(window, output):
        total[place] += columns[tap]
    return np.ascontiguousarray(total[inside(size, window.padding)])
