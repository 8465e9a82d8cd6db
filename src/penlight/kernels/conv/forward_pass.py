"""The forward pass of a convolution, y = W X + b, over each layout of the windows X."""

from __future__ import annotations

import numpy as np

from penlight.kernels.chunks import run, scratch
from penlight.kernels.conv.common import is_much, outputs_of, tiles_of
from penlight.kernels.conv.im2col import Bands, Rows, chunks, rows_overlap
from penlight.kernels.windows import Window

__all__ = ["bands", "pointwise", "rows"]


def pointwise(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, y: np.ndarray, groups: int
) -> None:
    """The windows are x itself."""
    n, c = x.shape[:2]
    weight = w.reshape(groups, -1, c // groups)
    source = x.reshape(n, groups, c // groups, -1)
    target = y.reshape(n, groups, len(w) // groups, -1)
    share = is_much(y, c // groups)
    parts = chunks(n, (1, 1), x[:1].nbytes + y[:1].nbytes, share)

    def task(i: int) -> None:
        images = slice(parts[i].n0, parts[i].n1)
        part = target[images]
        np.matmul(weight, source[images], out=part)  # (G, F/G, C/G) (n, G, C/G, L)
        if b is not None:
            part += b.reshape(groups, -1, 1)

    run(task, len(parts), share)


def bands(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, y: np.ndarray, window: Window, groups: int
) -> None:
    """For few channels, and for groups: a small product for every row of outputs."""
    output = y.shape[2:]
    f = len(w) // groups
    weight = w.reshape(groups, f, w.shape[1], window.kernel[0], -1).swapaxes(2, 3)
    weight = weight.reshape(groups, f, window.kernel[0], -1)  # (G, F/G, K0, C/G *K1)
    if b is not None:  # one more tap, which always sees a one
        extended = np.zeros((*weight.shape[:3], weight.shape[3] + 1), w.dtype)
        extended[..., :-1] = weight
        extended[:, :, 0, -1] = b.reshape(groups, f)
        weight = extended
    weight = weight.reshape(groups, 1, 1, f, -1)
    depth = weight.shape[-1]
    share = is_much(y, depth)
    copied = groups * w[0].size // (window.kernel[0] if rows_overlap(window) else 1)
    parts = chunks(len(x), output, copied * x.itemsize, share, even=True)
    bands_of = Bands(x, window, output, groups, b is not None)

    def task(i: int) -> None:
        bands = bands_of(parts[i])  # (n, G, O0, D, l)
        tiles = tiles_of(bands.shape[4], f * depth, 32)
        bands = bands.reshape(*bands.shape[:4], tiles, -1).swapaxes(3, 4)
        part = outputs_of(y, parts[i], groups)  # (n, G, F/G, L)
        part = part.reshape(*part.shape[:3], bands.shape[2], tiles, -1)
        # (G, 1, 1, F/G, D) (n, G, O0, t, D, l / t) -> (n, G, O0, t, F/G, l / t)
        np.matmul(weight, bands, out=part.transpose(0, 1, 3, 4, 2, 5))

    run(task, len(parts), share)


def rows(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, y: np.ndarray, window: Window) -> None:
    """For many channels: one product over all positions of a chunk, turned round into y."""
    output = y.shape[2:]
    weight = np.ascontiguousarray(np.moveaxis(w, 1, -1).reshape(len(w), -1).T)  # (*K C, F)
    share = is_much(y, len(weight))
    parts = chunks(len(x), output, len(weight) * x.itemsize, share)
    rows_of = Rows(x, window, output)

    def task(i: int) -> None:
        rows = rows_of(parts[i])
        product = scratch("product", (len(rows), len(w)), x.dtype)
        np.matmul(rows, weight, out=product)  # (n L, D) (D, F) -> (n L, F)
        part = outputs_of(y, parts[i], 1)[:, 0]  # (n, F, L)
        product = product.reshape(len(part), -1, len(w)).swapaxes(1, 2)
        if b is None:
            np.copyto(part, product)
        else:
            np.add(product, b[:, None], out=part)

    run(task, len(parts), share)
