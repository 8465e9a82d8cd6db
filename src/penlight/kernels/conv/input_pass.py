"""The gradient of a convolution with respect to its input: dX = W^T dy, added back into dx."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from penlight.kernels.chunks import run, scratch
from penlight.kernels.conv.common import is_much, outputs_of, per_channel
from penlight.kernels.conv.im2col import Chunk, chunks, split_axis
from penlight.kernels.windows import Size, Window, inside, taps

__all__ = ["columns", "rows"]


def _scatter(
    dy: np.ndarray,
    dx: np.ndarray,
    b: np.ndarray | None,
    window: Window,
    depth: int,
    last: bool,
    columns_of: Callable[[Chunk], np.ndarray],
) -> None:
    """dx = b + the columns that ``columns_of`` makes of each chunk of dy, added back.

    The columns are (n, *O, *K, C) if ``last``, else (n, C, *K, *O).
    """
    output, size = dy.shape[2:], dx.shape[2:]
    k, a = len(output), split_axis(output)
    reach = [(o - 1) * s + e for o, s, e in zip(output, window.stride, window.extent, strict=True)]
    shape = tuple(max(n + p, r) for n, (p, _), r in zip(size, window.padding, reach, strict=True))
    share = is_much(dy, depth)
    parts = chunks(len(dy), output, depth * dy.itemsize, share)
    images = sorted({(chunk.n0, chunk.n1) for chunk in parts})
    rows = [(chunk.h0, chunk.h1) for chunk in parts if chunk.n0 == 0]

    def task(i: int) -> None:
        n0, n1 = images[i]
        c = dx.shape[1]
        total = scratch("block", (n1 - n0, *shape, c) if last else (n1 - n0, c, *shape), dy.dtype)
        total.fill(0)
        total = np.moveaxis(total, -1, 1) if last else total
        for h0, h1 in rows:
            columns = columns_of(Chunk(n0, n1, h0, h1))
            if last:
                columns = columns.transpose(
                    0, 1 + 2 * k, *range(1 + k, 1 + 2 * k), *range(1, 1 + k)
                )
            below = np.moveaxis(total, 2 + a, 0)[h0 * window.stride[a] :]
            below = np.moveaxis(below, 0, 2 + a)
            for tap, place in taps(window, (*output[:a], h1 - h0, *output[a + 1 :])):
                target = below[place]
                target += columns[tap]
        result = total[inside(size, window.padding)]
        if b is None:
            np.copyto(dx[n0:n1], result)
        else:
            np.add(result, per_channel(b, dx.ndim), out=dx[n0:n1])

    run(task, len(images), share)


def columns(
    dy: np.ndarray, w: np.ndarray, b: np.ndarray | None, dx: np.ndarray, window: Window, groups: int
) -> None:
    """For few channels, and for groups: added back in runs along the images' rows."""
    weight = w.reshape(groups, len(w) // groups, -1).swapaxes(1, 2)  # (G, C/G *K, F/G)
    depth = groups * weight.shape[1]

    def columns_of(chunk: Chunk) -> np.ndarray:
        part = outputs_of(dy, chunk, groups)  # (n, G, F/G, L)
        columns = scratch("windows", (len(part), *weight.shape[:2], part.shape[3]), dy.dtype)
        np.matmul(weight, part, out=columns)  # (G, D, F/G) (n, G, F/G, L) -> (n, G, D, L)
        return columns.reshape(len(part), dx.shape[1], *window.kernel, *_part_of(dy, chunk))

    _scatter(dy, dx, b, window, depth, False, columns_of)


def _part_of(dy: np.ndarray, chunk: Chunk) -> Size:
    """The spatial shape of a chunk of dy."""
    output = dy.shape[2:]
    a = split_axis(output)
    return (*output[:a], chunk.h1 - chunk.h0, *output[a + 1 :])


def rows(
    dy: np.ndarray, w: np.ndarray, b: np.ndarray | None, dx: np.ndarray, window: Window
) -> None:
    """For many channels: added back in runs of channels."""
    weight = np.moveaxis(w, 1, -1).reshape(len(w), -1)  # (F, *K C)

    def columns_of(chunk: Chunk) -> np.ndarray:
        part = outputs_of(dy, chunk, 1)[:, 0].swapaxes(1, 2)  # (n, L, F)
        rows = scratch("windows", (*part.shape[:2], weight.shape[1]), dy.dtype)
        np.matmul(part, weight, out=rows)  # (n, L, F) (F, D) -> (n, L, D)
        return rows.reshape(len(part), *_part_of(dy, chunk), *window.kernel, dx.shape[1])

    _scatter(dy, dx, b, window, weight.shape[1], True, columns_of)
