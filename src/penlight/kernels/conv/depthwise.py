"""Convolution where every channel is convolved by itself, as products with banded matrices.

One tap of the last dimension and all taps of the first are, for t rows of a channel's output at a time,
a matrix B (t, t + extent - 1) that has the kernel's column along its diagonals:

    y = sum over j of B_j x[:, j d : j d + W].

Three quarters of B are zeros, but nothing needs to be gathered: that is twice as fast as to gather. An
infinity or NaN would reach its neighbours through the zeros; then this way is not taken. Narrow planes of many images go by ``planes``.
"""

from __future__ import annotations

import math

import numpy as np

from penlight.kernels.chunks import CACHE, ranges, run, scratch
from penlight.kernels.conv import depthwise_planes as planes
from penlight.kernels.windows import Size, Window, inside, strided

__all__ = ["applies", "forward"]

_ROWS = range(4, 17)  # of outputs in one product: few zeros, but not too few for a product


def applies(n: int, window: Window, size: Size, output: Size) -> bool:
    """Whether :func:`forward` can do it, and well."""
    if planes.applies(n, window, size, output):
        return True
    return len(output) == 2 and window.stride[1] == 1 and _tile(output[0]) is not None


def _tile(rows: int) -> int | None:
    """How many rows to do at a time, about 8; None if ``rows`` does not divide into such tiles."""
    divisors = [t for t in _ROWS if rows % t == 0]
    return min(divisors, key=lambda t: abs(t - 8), default=None)


def forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, y: np.ndarray, window: Window, share: bool
) -> bool:
    """y[n, f, o] = b[f] + sum over k of w[f, k] x[n, f // m, o s + k d - p], written into y.

    Args:
        x: (N, C, H, W). w: (C m, 1, K1, K2). b: (C m,) or None. y: (N, C m, *O).
        share: work in several threads.

    Returns:
        False if the results are not all finite, and may not be right.
    """
    if planes.applies(len(x), window, x.shape[2:], y.shape[2:]):
        return planes.forward(x, w, b, y, window, share)
    n, c = x.shape[:2]
    multiplier, (rows, columns) = len(w) // c, y.shape[2:]
    tile = _tile(rows)
    assert tile is not None
    tiles, bands = rows // tile, _bands(w.reshape(c, multiplier, *w.shape[2:]), tile, window)
    padded = window.padded_size(x.shape[2:])
    shape = (c, max(padded[0], (rows - 1) * window.stride[0] + window.extent[0]), padded[1])
    step = max(CACHE // (math.prod(shape) * x.itemsize), 1)
    parts = ranges(n, min(step, math.ceil(n / 4)) if share else step)
    target = y.reshape(n, c, multiplier, tiles, tile, columns)
    finite = [True] * len(parts)

    def task(i: int) -> None:
        start, stop = parts[i]
        block = scratch("block", (stop - start, *shape), x.dtype)
        block.fill(0)
        block[inside(x.shape[2:], window.padding)] = x[start:stop]
        image, channel, row, column = block.strides
        seen = strided(
            block,
            (stop - start, c, 1, tiles, bands.shape[5], shape[2]),
            (image, channel, 0, tile * window.stride[0] * row, row, column),
        )
        out = target[start:stop]
        for tap, band in enumerate(bands):
            first = tap * window.dilation[1]
            part = seen[..., first : first + columns]
            if tap == 0:
                np.matmul(band, part, out=out)  # (c, m, 1, t, r) (n, c, 1, tiles, r, W)
                continue
            term = scratch("product", out.shape, x.dtype)
            np.matmul(band, part, out=term)
            out += term
        if b is not None:
            out += b.reshape(c, multiplier, 1, 1, 1)
        finite[i] = bool(np.isfinite(np.add.reduce(out, axis=None)))

    run(task, len(parts), share)
    return all(finite)


def _bands(w: np.ndarray, tile: int, window: Window) -> np.ndarray:
    """(K2, c, m, 1, tile, seen): for each column of the kernels the matrix B of ``tile`` rows."""
    c, m, k1, k2 = w.shape
    seen = (tile - 1) * window.stride[0] + window.extent[0]
    bands = np.zeros((k2, c, m, 1, tile, seen), w.dtype)
    row = np.arange(tile)
    for i in range(k1):
        diagonal = row * window.stride[0] + i * window.dilation[0]
        bands[..., 0, row, diagonal] = np.moveaxis(w[:, :, i], -1, 0)[..., None]
    return bands
