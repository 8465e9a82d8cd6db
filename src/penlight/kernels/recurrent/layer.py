"""One recurrent layer in one or two directions, over batches of equal or of falling lengths."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Layout", "backward", "forward"]

Array = np.ndarray


class Layout(NamedTuple):
    """How a layer's input lies.

    Attributes:
        batch_first: x is (N, T, I) rather than (T, N, I).
        sizes: of a packed x, (sum of sizes, I), how many sequences each step has, falling.
    """

    batch_first: bool = False
    sizes: tuple[int, ...] | None = None

    def batch(self, x: Any) -> int:
        """How many sequences there are."""
        return self.sizes[0] if self.sizes is not None else x.shape[0 if self.batch_first else 1]

    def steps(self, x: Any) -> list[Any]:
        """x at each step, (N, I); from a Tensor too."""
        if self.sizes is None:
            count = x.shape[1 if self.batch_first else 0]
            return [x[:, t] if self.batch_first else x[t] for t in range(count)]
        ends = itertools.accumulate(self.sizes)
        return [x[end - size : end] for end, size in zip(ends, self.sizes, strict=True)]

    def joined(self, steps: list[Any]) -> Any:
        """The inverse of :meth:`steps`."""
        if self.sizes is not None:
            return np.concatenate(steps)
        return np.stack(steps, 1 if self.batch_first else 0)


def _spans(layout: Layout) -> list[tuple[slice, int, int]]:
    """Of a packed batch: rows, steps and sequences of each run of steps with equally many."""
    spans: list[tuple[slice, int, int]] = []
    start = 0
    sizes = list(layout.sizes or ())
    while sizes:
        batch = sizes[0]
        steps = sizes.count(batch)
        del sizes[:steps]
        spans.append((slice(start, start + steps * batch), steps, batch))
        start += steps * batch
    return spans


def _runs(x: Array | None, layout: Layout, direction: int, first: int, last: int) -> list[Any]:
    """x's features ``first`` to ``last`` as (T, N, I) for each run, in the order of processing."""
    if x is None:
        return [None] * max(len(_spans(layout)), 1)
    x = x[..., first:last]
    if layout.sizes is None:
        whole = x.swapaxes(0, 1) if layout.batch_first else x
        return [whole[::-1] if direction else whole]
    runs = [x[rows].reshape(steps, batch, x.shape[-1]) for rows, steps, batch in _spans(layout)]
    return [run[::-1] for run in runs[::-1]] if direction else runs


def forward(
    cell: Any, x: Array, states: tuple[Any, ...], weights: list[Any], layout: Layout, keep: bool
) -> Any:
    """Run ``cell`` (a module of this package) over x.

    Args:
        states: for each kind of state, its first value in each direction, (D, N, size).
        weights: for each direction, what the cell prepared.

    Returns:
        y, (..., D P); the last states, each (D, N, size); and the tapes for :func:`backward`.
    """
    directions, size = len(weights), states[0].shape[2]
    y = np.empty((*x.shape[:-1], directions * size), x.dtype)
    lasts = tuple(np.array(s) for s in states)
    tapes = []
    for d, prepared in enumerate(weights):
        xs = _runs(x, layout, d, 0, x.shape[-1])
        ys = _runs(y, layout, d, d * size, (d + 1) * size)
        tapes.append([])
        for x_run, y_run in zip(xs, ys, strict=True):
            now = tuple(s[d, : x_run.shape[1]] for s in lasts)
            new, tape = cell.forward(prepared, x_run, now, y_run, keep)
            for old, value in zip(now, new, strict=True):
                old[...] = value
            tapes[d].append(tape)
    return y, lasts, tapes


def backward(
    cell: Any, tapes: list[Any], dy: Array | None, dlasts: tuple[Any, ...], dx: Array | None,
    weights: list[Any], layout: Layout,
) -> Any:  # fmt: skip
    """The gradients of what :func:`forward` computed.

    Args:
        dlasts: the gradients of the last states; they become those of the first, in place.
        dx: memory for the gradient of x, or None if it is not wanted.

    Returns:
        for each direction, the gradients of its weights.
    """
    size = dlasts[0].shape[2]
    gradients = []
    for d, w in enumerate(weights):
        into = dx if d == 0 or dx is None else np.empty_like(dx)
        dxs = _runs(into, layout, d, 0, dx.shape[-1] if dx is not None else 0)
        dys = _runs(dy, layout, d, d * size, (d + 1) * size)
        total: Any = None
        for tape, dy_run, dx_run in list(zip(tapes[d], dys, dxs, strict=True))[::-1]:
            now = tuple(s[d, : tape[0].shape[-1]] for s in dlasts)
            first, parts = cell.backward(w, tape, dy_run, now, dx_run)
            for old, value in zip(now, first, strict=True):
                old[...] = value
            total = parts if total is None else _sum(total, parts)
        if d and dx is not None:
            dx += into
        gradients.append(total)
    return gradients


def _sum(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(None if p is None else p + q for p, q in zip(a, b, strict=True))
