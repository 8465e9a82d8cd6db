"""Every channel by itself, with the images of a batch as the rows of a product.

A few rows of a channel's output are a linear map of the rows of x that they see. Written out as a
matrix M, mostly zeros, that map is the same for all images and all rows:

    y[:, c, rows] = x[:, c, rows seen] M_c        dx = dy M_c^T        dM_c = x^T dy

and the weight's gradient is found along the diagonals of dM. Images come next to each other first: at
the distance that they have in x, often a power of two, they would push each other out of the cache.
The zeros cost a third of a plane's width in multiplications for each useful one, so this is for narrow
planes. An infinity or NaN would reach its neighbours through the zeros; then the caller is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penlight.kernels.chunks import CACHE, ranges, run, scratch
from penlight.kernels.windows import Size, Window, strided

__all__ = ["applies", "forward", "input_grad", "weight_grad"]

_IMAGES = 16  # fewer make products too small
_ZEROS = 24  # multiplications per useful one of a kernel's row, up to which this is worth while
_LEAST = 16  # outputs in a row of a product, at least
_TASKS = 8  # runs of channels, for threads
_CHUNK = 2 * CACHE  # bytes of x and y: more, and fewer calls, than a core's own cache likes best


class _Blocks(NamedTuple):
    """The target's rows in ``number`` blocks: block b has ``tile`` of them, and sees ``seen`` of the source.

    The first of those is ``first + b step``; ``shift`` is where x's rows begin relative to the taps.
    """

    number: int
    tile: int
    seen: int
    first: int
    step: int
    shift: int


def _forward_blocks(window: Window, output: Size) -> _Blocks:
    stride, padding = window.stride[0], window.padding[0][0]
    tile = min(math.ceil(_LEAST / output[1]), output[0])
    seen = (tile - 1) * stride + window.extent[0]
    return _Blocks(math.ceil(output[0] / tile), tile, seen, -padding, tile * stride, 0)


def _input_blocks(window: Window, size: Size) -> _Blocks:
    stride, padding, extent = window.stride[0], window.padding[0][0], window.extent[0]
    tile = math.ceil(min(math.ceil(_LEAST / size[1]), size[0]) / stride) * stride
    first = -((extent - 1 - padding) // stride)
    seen = (tile - 1 + padding) // stride - first + 1
    count, shift = math.ceil(size[0] / tile), padding - first * stride
    return _Blocks(count, tile, seen, first, tile // stride, shift)


def applies(n: int, window: Window, size: Size, output: Size) -> bool:
    """Whether this is the fastest way for n images with planes of ``size``."""
    if n < _IMAGES or len(size) != 2:
        return False
    many = _ZEROS * window.kernel[1] * window.stride[1]
    return _forward_blocks(window, output).seen * size[1] <= many


class _Map:
    """The matrices M between ``x`` rows and ``y`` rows: tap k of row o meets row o s + k d - shift."""

    def __init__(
        self, window: Window, rows: tuple[int, int], shift: int, size: Size, output: Size
    ) -> None:
        self.kernel = window.kernel
        self.shape = (rows[0] * size[1], rows[1] * output[1])
        offsets = (shift, window.padding[1][0])
        self.places = {
            tap: self._diagonal(tap, window, (rows[0], size[1]), (rows[1], output[1]), offsets)
            for tap in np.ndindex(*window.kernel)
        }

    @staticmethod
    def _diagonal(
        tap: Any, window: Window, x: Size, y: Size, offsets: Size
    ) -> tuple[int, Size, Size]:
        """Where in a matrix a tap's weight stands: the first element, and shape and strides."""
        start, shape, strides = 0, [], []
        for k, s, d, p, n, o, xs, ys in zip(
            tap, window.stride, window.dilation, offsets, x, y, (x[1], 1), (y[1], 1), strict=True
        ):
            offset = k * d - p
            low, high = max(0, -(offset // s)), min(o, (n - 1 - offset) // s + 1)
            start += (low * s + offset) * xs * math.prod(y) + low * ys
            shape.append(max(high - low, 0))
            strides.append(s * xs * math.prod(y) + ys)
        return start, tuple(shape), tuple(strides)

    def diagonal(self, matrices: np.ndarray, tap: Any) -> np.ndarray:
        """A tap's places in matrices (F, *shape): (F, rows, columns), a view."""
        start, shape, strides = self.places[tap]
        flat = matrices.reshape(-1)
        if 0 in shape:
            return flat[:0].reshape(0, 1, 1)
        item = matrices.itemsize
        return strided(
            flat[start:],
            (len(matrices), *shape),
            (matrices.strides[0], *(s * item for s in strides)),
        )

    def matrices(self, w: np.ndarray) -> np.ndarray:
        """(F, *shape), for weights (F, K1, K2)."""
        matrices = np.zeros((len(w), *self.shape), w.dtype)
        for tap in self.places:
            place = self.diagonal(matrices, tap)
            if place.size:
                place[...] = w[:, *tap, None, None]
        return matrices

    def weights(self, matrices: np.ndarray) -> np.ndarray:
        """The transpose of :meth:`matrices`: the sums along the diagonals."""
        w = np.zeros((len(matrices), *self.kernel), matrices.dtype)
        for tap in self.places:
            place = self.diagonal(matrices, tap)
            if place.size:
                np.add.reduce(place, axis=(1, 2), out=w[:, *tap])
        return w


def _gathered(name: str, planes: np.ndarray, first: int, rows: int) -> np.ndarray:
    """Rows from ``first`` on of planes (n, c, S, W), zeros where there are none: (c, n, rows, W)."""
    n, c, size, width = planes.shape
    block = scratch(name, (c, n, rows, width), planes.dtype)
    low, high = min(max(-first, 0), rows), max(min(size - first, rows), 0)
    block[:, :, :low] = 0
    block[:, :, high:] = 0
    if low < high:
        block[:, :, low:high] = planes[:, :, low + first : high + first].swapaxes(0, 1)
    return block


def _matrices(block: np.ndarray, copies: int, count: int, rows: int, step: int) -> np.ndarray:
    """(c m, n, S, W) as (c, m, count, n, rows W), the ``rows`` of each ``step`` further down, a view."""
    channel, image, row, column = block.strides
    channels, n, _, width = block.shape
    return strided(
        block,
        (channels // copies, copies, count, n, rows * width),
        (channel * copies, channel, step * row, image, column),
    )


def _sources(planes: np.ndarray, blocks: _Blocks) -> np.ndarray:
    """What each block sees of planes (n, c, S, W): (c, 1, count, n, seen W)."""
    rows = (blocks.number - 1) * blocks.step + blocks.seen
    gathered = _gathered("block", planes, blocks.first, rows)
    return _matrices(gathered, 1, blocks.number, blocks.seen, blocks.step)


def _in_chunks(
    source: np.ndarray, target: np.ndarray, share: bool, task: Callable[[slice, list[slice]], None]
) -> None:
    """Call ``task(channels, runs of images)``: the planes of such a chunk fit the cache."""
    n, c = source.shape[:2]
    plane = (source[:1].nbytes + target[:1].nbytes) // c
    images = ranges(n, math.ceil(n / math.ceil(n * plane / _CHUNK)))
    step = max(_CHUNK // (plane * images[0][1]), 1)
    channels = ranges(c, min(step, math.ceil(c / _TASKS)) if share else step)
    rows = [slice(*part) for part in images]
    run(lambda i: task(slice(*channels[i]), rows), len(channels), share)


def _apply(
    source: np.ndarray,
    target: np.ndarray,
    matrices: np.ndarray,
    b: np.ndarray | None,
    blocks: _Blocks,
    share: bool,
) -> bool:
    """target = source M + b; M is (c, m, 1, K, N). False if the results are not all finite."""
    c, m = matrices.shape[:2]
    finite = np.zeros(c, bool)
    rows, width = target.shape[2:]

    def task(channels: slice, images: list[slice]) -> None:
        made = slice(channels.start * m, channels.stop * m)
        total = target.dtype.type(0)
        for part in images:
            seen = _sources(source[part, channels], blocks)
            shape = (len(seen) * m, seen.shape[3], blocks.number * blocks.tile, width)
            product = scratch("product", shape, target.dtype)
            out = _matrices(product, m, blocks.number, blocks.tile, blocks.tile)
            np.matmul(seen, matrices[channels], out=out)
            total += np.add.reduce(product.reshape(-1))
            result = product[:, :, :rows].swapaxes(0, 1)
            if b is None:
                target[part, made] = result
            else:
                np.add(result, b[made, None, None], out=target[part, made])
        finite[channels] = np.isfinite(total)

    _in_chunks(source, target, share, task)
    return bool(finite.all())


def forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, y: np.ndarray, window: Window, share: bool
) -> bool:
    """y[n, f, o] = b[f] + sum over k of w[f, k] x[n, f // m, o s + k d - p], written into y.

    Args:
        x: (N, C, S1, S2). w: (C m, 1, K1, K2). b: (C m,) or None. y: (N, C m, O1, O2).
        share: work in several threads.

    Returns:
        False if the results are not all finite, and may not be right.
    """
    size, output = x.shape[2:], y.shape[2:]
    blocks = _forward_blocks(window, output)
    map_ = _Map(window, (blocks.seen, blocks.tile), 0, size, output)
    matrices = map_.matrices(w[:, 0]).reshape(x.shape[1], -1, 1, *map_.shape)
    return _apply(x, y, matrices, b, blocks, share)


def input_grad(
    dy: np.ndarray, w: np.ndarray, b: np.ndarray | None, dx: np.ndarray, window: Window, share: bool
) -> bool:
    """dx[n, c, i] = b[c] + sum over all (o, k) with o s + k d - p = i of w[c, k] dy[n, c, o].

    Args:
        dy: (N, C, O1, O2). w: (C, 1, K1, K2). b: (C,) or None. dx: (N, C, S1, S2), written into.

    Returns:
        False if the results are not all finite, and may not be right.
    """
    size, output = dx.shape[2:], dy.shape[2:]
    blocks = _input_blocks(window, size)
    map_ = _Map(window, (blocks.tile, blocks.seen), blocks.shift, size, output)
    matrices = map_.matrices(w[:, 0]).reshape(len(w), 1, 1, *map_.shape)
    return _apply(dy, dx, matrices.swapaxes(3, 4), b, blocks, share)


def weight_grad(
    x: np.ndarray, dy: np.ndarray, shape: Size, window: Window, share: bool
) -> np.ndarray:
    """dw[f, k] = sum over n, o of dy[n, f, o] x[n, f // m, o s + k d - p].

    Args:
        x: (N, C, S1, S2). dy: (N, C m, O1, O2). shape: (C m, 1, K1, K2), of the result.
    """
    c, size, output = x.shape[1], x.shape[2:], dy.shape[2:]
    m = dy.shape[1] // c
    blocks = _forward_blocks(window, output)
    map_ = _Map(window, (blocks.seen, blocks.tile), 0, size, output)
    total = np.zeros((c, m, *map_.shape), x.dtype)

    def task(channels: slice, images: list[slice]) -> None:
        made = slice(channels.start * m, channels.stop * m)
        for part in images:
            seen = _sources(x[part, channels], blocks)
            gathered = _gathered("dy", dy[part, made], 0, blocks.number * blocks.tile)
            grads = _matrices(gathered, m, blocks.number, blocks.tile, blocks.tile)
            # (c, 1, blocks, K, n) (c, m, blocks, n, N) -> (c, m, blocks, K, N)
            each = scratch("product", (len(seen), m, blocks.number, *map_.shape), x.dtype)
            np.matmul(seen.swapaxes(3, 4), grads, out=each)
            total[channels] += np.add.reduce(each, axis=2)

    _in_chunks(x, dy, share, task)
    return map_.weights(total.reshape(-1, *map_.shape)).reshape(shape)
