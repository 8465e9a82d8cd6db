"""The gradient of a convolution with respect to its weight, dW = dy X^T, summed over chunks."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from penlight.kernels.chunks import run, scratch
from penlight.kernels.conv.common import is_much, outputs_of, tiles_of
from penlight.kernels.conv.im2col import Chunk, Rows, Shifts, chunks
from penlight.kernels.windows import Size, Window

__all__ = ["rows", "shifts", "summed"]

_PARTIALS = 8  # sums kept apart, so that as many threads can work; fewer if they would be large
_PARTIAL_BYTES = 1 << 25


def summed(
    parts: tuple[Chunk, ...],
    shape: Size,
    dtype: np.dtype,
    share: bool,
    product: Callable[[Chunk, np.ndarray], None],
) -> np.ndarray:
    """The sum of what ``product`` writes for each chunk, in an order that the threads don't change."""
    fitting = max(_PARTIAL_BYTES // (math.prod(shape) * dtype.itemsize), 2)
    count = min(_PARTIALS, fitting, len(parts)) if share else 1
    sums = np.empty((count, *shape), dtype)

    def task(i: int) -> None:
        first, *others = parts[i * len(parts) // count : (i + 1) * len(parts) // count]
        product(first, sums[i])
        for chunk in others:
            term = scratch("term", shape, dtype)
            product(chunk, term)
            sums[i] += term

    run(task, count, share)
    return sums[0] if count == 1 else np.add.reduce(sums, axis=0)


def shifts(x: np.ndarray, dy: np.ndarray, shape: Size, window: Window, groups: int) -> np.ndarray:
    """For groups, for few channels, and for large images: a product for every tap of the rows."""
    output = dy.shape[2:]
    f, c, k0 = shape[0] // groups, shape[1], window.kernel[0]
    depth = math.prod(shape[1:]) // k0
    share = is_much(dy, depth * k0)
    copied = groups * depth * (1 if window.stride[0] == 1 else k0)
    parts = chunks(len(x), output, copied * x.itemsize, share)
    gather, plain = Shifts(x, window, output, groups), window.is_plain()  # plain: x is its windows

    def product(chunk: Chunk, out: np.ndarray) -> None:
        windows = outputs_of(x, chunk, groups)[:, :, None] if plain else gather(chunk)
        tiles = tiles_of(windows.shape[4], f * windows.shape[3], 256)
        windows = windows.reshape(*windows.shape[:4], tiles, -1)
        part = outputs_of(dy, chunk, groups)[:, :, None]
        part = part.reshape(*part.shape[:4], tiles, -1)
        each = scratch("product", (len(part), tiles, *windows.shape[1:4], f), x.dtype)
        # (n, t, G, K0, D, l) (n, t, G, 1, l, F/G) -> (n, t, G, K0, D, F/G)
        np.matmul(np.moveaxis(windows, 4, 1), part.transpose(0, 4, 1, 2, 5, 3), out=each)
        np.add.reduce(each, axis=(0, 1), out=out.reshape(each.shape[2:]))

    total = summed(parts, (groups, k0 * depth, f), x.dtype, share, product)
    total = total.reshape(groups, k0, c, *shape[3:], f)
    return np.ascontiguousarray(np.moveaxis(total, (-1, 2), (1, 2))).reshape(shape)


def rows(x: np.ndarray, dy: np.ndarray, shape: Size, window: Window) -> np.ndarray:
    """For many channels: one product over all positions of a chunk."""
    output = dy.shape[2:]
    depth = math.prod(shape[1:])
    share = is_much(dy, depth)
    parts = chunks(len(x), output, depth * x.itemsize, share)
    rows_of = Rows(x, window, output)

    def product(chunk: Chunk, out: np.ndarray) -> None:
        rows = rows_of(chunk)
        part = outputs_of(dy, chunk, 1)[:, 0].swapaxes(0, 1)  # (F, n, L)
        joined = scratch("dy", part.shape, x.dtype)
        np.copyto(joined, part)
        np.matmul(joined.reshape(len(part), -1), rows, out=out)  # (F, n L) (n L, D) -> (F, D)

    total = summed(parts, (shape[0], depth), x.dtype, share, product)
    last = total.reshape(shape[0], *shape[2:], shape[1])
    return np.ascontiguousarray(np.moveaxis(last, -1, 1))
