"""Convolutions of stride 1 that keep the width of the rows: every tap is the same plane, moved on.

A plane with zero rows above and below is one line of numbers, and all that tap (i, j) sees is one run
of it, from (i d0 W + j d1 - p) on. So windows are gathered in a few long copies. Runs go round the
ends of rows, into their neighbours; those columns are then set to zero. The windows of an image are one
matrix, (C K0 K1, O0 W), and its product with the weight lies as y does.

Many small images with few channels like this best: a row alone makes products too small.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from penlight.kernels.chunks import CACHE, run, scratch
from penlight.kernels.conv.common import is_much, product
from penlight.kernels.conv.im2col import Chunk, chunks
from penlight.kernels.conv.weight_pass import summed
from penlight.kernels.windows import Size, Window, strided

__all__ = ["applies", "forward", "gather", "weight_grad"]

_TILE = 200_000  # multiplications up to which OpenBLAS does not copy an operand that is transposed


@functools.lru_cache(maxsize=1024)
def applies(window: Window, c: int, size: Size, output: Size, itemsize: int) -> bool:
    """Whether outputs are as wide as x, and the windows of an image fit the cache.

    Of wider kernels, the ends of rows cost more than the long runs save.
    """
    return (
        len(size) == 2
        and window.kernel[1] <= 3
        and window.stride == (1, 1)
        and output[1] == size[1] > max(window.padding[1])
        and min(map(min, window.padding)) >= 0
        and c * math.prod(window.kernel) * math.prod(output) * itemsize <= CACHE
    )


class _Lines:
    """Gathers the windows of some images as (n, D, O0 W): D = C K0 K1, and a row of ones if ``ones``."""

    def __init__(self, x: np.ndarray, window: Window, output: Size, ones: bool) -> None:
        self.x, self.window, self.output, self.ones = x, window, output, ones
        self.depth = x.shape[1] * math.prod(window.kernel)

    def chunks(self, share: bool) -> tuple[Chunk, ...]:
        """Whole images, whose windows fit the cache."""
        image = self.depth * math.prod(self.output) * self.x.itemsize
        return chunks(len(self.x), (1, 1), image, share)

    def __call__(self, chunk: Chunk) -> np.ndarray:
        """The chunk's windows; they last until the same thread's next call."""
        part = self.x[chunk.n0 : chunk.n1]
        shape = len(part), self.depth + self.ones, math.prod(self.output)
        result = scratch("windows", shape, part.dtype)
        gather(part, self.window, self.output, result[:, : self.depth])
        if self.ones:
            result[:, -1] = 1
        return result


def gather(x: np.ndarray, window: Window, output: Size, result: np.ndarray) -> None:
    """Write the windows of x (n, C, H, W) into ``result`` (n, C K0 K1, O0 W)."""
    (k0, k1), (d0, d1) = window.kernel, window.dilation
    n, c, height, width = x.shape
    (p0, q0), (p1, q1) = window.padding
    first, length = p0 * width + p1, height * width
    lines = np.zeros((n, c, first + length + q0 * width + q1), x.dtype)
    lines[:, :, first : first + length] = x.reshape(n, c, length)
    image, channel, item = lines.strides
    seen = strided(
        lines,
        (n, c, k0, k1, output[0] * width),
        (image, channel, d0 * width * item, d1 * item, item),
    )
    target = result.reshape(seen.shape)
    np.copyto(target, seen)
    _clear_ends(target.reshape(n, -1, k1, output[0], width), d1, p1)


def _clear_ends(windows: np.ndarray, dilation: int, padding: int) -> None:
    """Zero where a tap j of (n, C K0, K1, O0, W) sees no column of its own row."""
    width = windows.shape[-1]
    for j in range(windows.shape[2]):
        shift = j * dilation - padding
        if shift < 0:
            windows[:, :, j, :, :-shift] = 0
        elif shift > 0:
            windows[:, :, j, :, width - shift :] = 0


def forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, y: np.ndarray, window: Window
) -> None:
    """y = W X + b, written into y (N, F, *O)."""
    windows_of = _Lines(x, window, y.shape[2:], b is not None)
    weight = w.reshape(len(w), -1)
    if b is not None:
        weight = np.concatenate((weight, b[:, None]), axis=1)
    share = is_much(y, windows_of.depth)
    parts = windows_of.chunks(share)
    target = y.reshape(*y.shape[:2], -1)

    def task(i: int) -> None:
        product(weight, windows_of(parts[i]), target[parts[i].n0 : parts[i].n1])

    run(task, len(parts), share)


def weight_grad(x: np.ndarray, dy: np.ndarray, shape: Size, window: Window) -> np.ndarray:
    """dW = dy X^T, (F, C, K0, K1), summed over the images."""
    windows_of = _Lines(x, window, dy.shape[2:], False)
    depth, f = windows_of.depth, shape[0]
    share = is_much(dy, depth)
    parts = windows_of.chunks(share)
    source = dy.reshape(*dy.shape[:2], -1).swapaxes(1, 2)[:, None]
    tiles = _tiles(depth, dy[0].size * depth)

    def product(chunk: Chunk, out: np.ndarray) -> None:
        windows = windows_of(chunk).reshape(-1, tiles, depth // tiles, source.shape[2])
        each = scratch("product", (*windows.shape[:3], f), x.dtype)
        # (n, t, D / t, L) (n, 1, L, F) -> (n, t, D / t, F)
        np.matmul(windows, source[chunk.n0 : chunk.n1], out=each)
        np.add.reduce(each, axis=0, out=out.reshape(each.shape[1:]))

    total = summed(parts, (depth, f), x.dtype, share, product)
    return np.ascontiguousarray(total.T).reshape(shape)


def _tiles(depth: int, multiplications: int) -> int:
    """Into how many equal parts of D rows to cut an image's product, to have small ones."""
    few = (t for t in range(1, depth) if depth % t == 0 and multiplications <= t * _TILE)
    return next(few, depth)
