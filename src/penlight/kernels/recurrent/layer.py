"""One recurrent layer in one or two directions, over batches of equal or of falling lengths."""

from __future__ import annotations

import functools
import itertools
from typing import Any, NamedTuple

import numpy as np

from penlight._core.threads import blas_is_controlled, get_num_threads
from penlight.kernels.chunks import run

__all__ = ["Layout", "backward", "forward"]

Array = np.ndarray

_SHARED = 4 * 10**7  # multiplications in a layer from which on threads share the batch
_COLUMNS = 16  # that a thread gets at least: narrower products are slower


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


def _shares(x: Array, weights: Any) -> list[slice]:
    """The sequences that each thread runs through by itself, all steps of them.

    So threads meet once a layer and not once a step. As with the products of the BLAS, the last bit of
    the weights' gradients may depend on the number of threads.
    """
    steps, batch, _ = x.shape
    count = min(get_num_threads(), batch // _COLUMNS)
    size = sum(w.size for w in weights if isinstance(w, Array))
    if count < 2 or not blas_is_controlled() or steps * batch * size < _SHARED:
        return [slice(None)]
    ends = [batch * i // count for i in range(count + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]


def _forward_run(
    cell: Any, weights: Any, x: Array, states: tuple[Array, ...], y: Array, keep: bool
) -> list[Any]:
    """Fill ``y`` for one run of steps and bring the states to its end; a tape for each share."""
    shares = _shares(x, weights)
    tapes: list[Any] = [None] * len(shares)

    def task(i: int) -> None:
        s = shares[i]
        now = tuple(state[s] for state in states)
        new, tapes[i] = cell.forward(weights, x[:, s], now, y[:, s], keep)
        for old, value in zip(now, new, strict=True):
            old[...] = value

    _run(task, len(shares))
    return list(zip(shares, tapes, strict=True))


def _backward_run(
    cell: Any, weights: Any, tapes: list[Any], dy: Any, dstates: tuple[Array, ...], dx: Any
) -> tuple[Any, ...]:
    """As :func:`_forward_run`, backwards: the gradients of the weights."""
    gradients: list[Any] = [None] * len(tapes)

    def task(i: int) -> None:
        s, tape = tapes[i]
        now = tuple(state[s] for state in dstates)
        part_of_dy, part_of_dx = (None if a is None else a[:, s] for a in (dy, dx))
        new, gradients[i] = cell.backward(weights, tape, part_of_dy, now, part_of_dx)
        for old, value in zip(now, new, strict=True):
            old[...] = value

    _run(task, len(tapes))
    return functools.reduce(_sum, gradients)


def _run(task: Any, count: int) -> None:
    if count == 1:
        task(0)  # its large products are shared by the BLAS
    else:
        run(task, count)


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
    tapes: list[list[Any]] = []
    for d, prepared in enumerate(weights):
        xs = _runs(x, layout, d, 0, x.shape[-1])
        ys = _runs(y, layout, d, d * size, (d + 1) * size)
        tapes.append([])
        for x_run, y_run in zip(xs, ys, strict=True):
            now = tuple(s[d, : x_run.shape[1]] for s in lasts)
            tapes[d].append(_forward_run(cell, prepared, x_run, now, y_run, keep))
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
            batch = sum(share[0].shape[-1] for _, share in tape)
            now = tuple(s[d, :batch] for s in dlasts)
            parts = _backward_run(cell, w, tape, dy_run, now, dx_run)
            total = parts if total is None else _sum(total, parts)
        if d and dx is not None:
            dx += into
        gradients.append(total)
    return gradients


def _sum(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(None if p is None else p + q for p, q in zip(a, b, strict=True))
