"""The gradient of a convolution with respect to its input: dX = W^T dy, added back into dx."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penlight.kernels.chunks import ranges, run, scratch
from penlight.kernels.conv.common import is_much, outputs_of, per_channel
from penlight.kernels.conv.im2col import Chunk, chunks, split_axis
from penlight.kernels.windows import Size, Window, inside, taps

__all__ = ["columns", "phases", "rows"]


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


_PHASE_CHUNKS = 4


class _Phase(NamedTuple):
    """Every s-th element of dx, and what it is made of."""

    target: Any  # index of dx
    source: Any  # index of dy
    taps: Any  # index of w
    window: Window


def _phase(phase: Size, window: Window, size: Size, output: Size) -> _Phase:
    """The elements i of dx with (i + p) mod s = phase."""
    target, source, taps, padding, kernel = [], [], [], [], []
    for a, n, o, k, s, (p, _) in zip(
        phase, size, output, window.kernel, window.stride, window.padding, strict=True
    ):
        first = (a - p) % s
        t, q = max(-(-(k - a) // s), 0), (first + p - a) // s
        count = len(range(first, n, s))
        low, high = max(q - t + 1, 0), min(q + count, o)
        target.append(slice(first, n, s))
        source.append(slice(low, max(high, low)))
        taps.append(slice(a + (t - 1) * s, None, -s) if t else slice(0))
        padding.append((low - (q - t + 1), q + count - high))
        kernel.append(t)
    every = (slice(None), slice(None))
    ones = (1,) * len(size)
    return _Phase(
        (*every, *target),
        (*every, *source),
        (*every, *taps),
        Window(tuple(kernel), ones, tuple(padding), ones),
    )


def phases(
    dy: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None,
    dx: np.ndarray,
    window: Window,
    convolve: Callable[..., np.ndarray],
) -> None:
    """For strides s: every s-th element of dx is dy convolved with every s-th tap, turned round.

    With i + p = s q + a, o s + k = i + p means k = a + s t and o = q - t, so that for each phase a

        dx[s q + a - p] = sum over t of w[a + s t] dy[q - t].

    Args:
        convolve: the forward pass.
    """
    share = is_much(dy, w[0].size)
    parts = ranges(len(dy), math.ceil(len(dy) / _PHASE_CHUNKS) if share else len(dy))
    plans = []
    for phase in itertools.product(*map(range, window.stride)):
        plan = _phase(phase, window, dx.shape[2:], dy.shape[2:])
        plans.append((plan, np.ascontiguousarray(w[plan.taps].swapaxes(0, 1))))

    def task(i: int) -> None:
        start, stop = parts[i]
        for plan, kernel in plans:
            target, source = dx[start:stop][plan.target], dy[start:stop][plan.source]
            if kernel.size and source.size and target.size:
                target[...] = convolve(source, kernel, b, plan.window)
            else:
                target[...] = 0 if b is None else per_channel(b, dx.ndim)

    run(task, len(parts), share)
