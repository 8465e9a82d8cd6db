"""Softmax(Q K^T) V and its gradients a block of scores at a time; no more than a few blocks exist.

A chunk is some heads. Its scores S = (scale Q) K^T are made for a block of queries and a block of
keys, masked, and turned into exponentials in place, in memory that the next block uses again; blocks
that the causal mask rules out are never made. Sums over keys are added up block by block (the online
softmax: Milakov & Gimelshein 2018; Rabe & Staats 2021; Dao et al. 2022).

Two things make it fast on a CPU:

- Softmax does not change when a row's scores are shifted, and the shift by their maximum serves only
  to keep exp within range. By Cauchy and Schwarz |s_ij| <= |q_i| |k_j|: where that is small, which it
  nearly always is, the search for the maximum, slower than exp itself, is left out.
- [Q, -lse] [K, 1]^T = Q K^T - lse: one more column in the product costs less than a pass over S.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from penlight.kernels.chunks import ranges, run, scratch

__all__ = ["backward", "forward"]

_SCORES = 1 << 18  # bytes of a block of scores, of all heads of a chunk
_SHORTEST, _LONGEST = 32, 256  # queries, or keys, of a block
_FEW = 4  # fewer chunks than this keep threads waiting for one another
_WORTH_THREADS = 100_000  # scores: about 0.6 ms; a thread takes 0.05 ms to wake
_SAFE = 40.0  # e^40 and e^-80 are far from float32's limits


def forward(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None, scale: float, causal: bool
) -> tuple[np.ndarray, np.ndarray]:
    """y = softmax(scale Q K^T + mask) V, and the logarithm of the softmax's denominator.

    Args:
        q: (*N, L, E), k: (*N, S, E), v: (*N, S, F): float32 or float64, N broadcasts.
        mask: True where a query may attend to a key, or numbers to be added; broadcasts to (*N, L, S).
        causal: query i attends to keys 0 ... i alone.

    Returns:
        y (*N, L, F), laid out in memory as q is, and lse (*N, L), infinite for queries that may attend
        to nothing, for which y is 0.
    """
    if q.itemsize < 4:  # float16, which the BLAS does not know
        y, lse = forward(_wide(q), _wide(k), _wide(v), mask, scale, causal)
        return y.astype(q.dtype), lse
    job = _Job(q, k, v, mask, scale, causal)
    y = _like(q, (*job.heads, job.queries, v.shape[-1]))
    lse = np.empty((*job.heads, job.queries), q.dtype)
    if not job.keys:
        y.fill(0)
        lse.fill(np.inf)
        return y, lse
    groups = job.groups()
    rows = job.queries if len(groups) >= _FEW else job.block
    tasks = [(group, *part) for group in groups for part in ranges(job.queries, max(rows, 1))]

    def task(i: int) -> None:
        group, start, stop = tasks[i]
        with np.errstate(all="ignore"):
            _Chunk(job, group).attend(y[group], lse[group], start, stop)

    run(task, len(tasks), job.is_much())
    return y, lse


def backward(
    dy: np.ndarray,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    y: np.ndarray,
    lse: np.ndarray,
    mask: np.ndarray | None,
    scale: float,
    causal: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dq, dk, dv) of :func:`forward`, in the broadcast shapes, from its results."""
    if q.itemsize < 4:
        wide = _wide(dy), _wide(q), _wide(k), _wide(v), _wide(y)
        dq, dk, dv = backward(*wide, lse, mask, scale, causal)
        return dq.astype(q.dtype), dk.astype(q.dtype), dv.astype(q.dtype)
    job = _Job(q, k, v, mask, scale, causal)
    dk = _like(k, (*job.heads, job.keys, k.shape[-1]))
    dv = _like(v, (*job.heads, job.keys, v.shape[-1]))
    groups = job.groups()
    columns = job.keys if len(groups) >= _FEW else -(-job.keys // _FEW)
    columns = -(-columns // job.block) * job.block
    parts = ranges(job.keys, max(columns, 1))
    # each part of the keys has a sum of its own for dq, lest two threads add to one
    dqs = [_like(q, (*job.heads, job.queries, q.shape[-1])) for _ in range(max(len(parts), 1))]
    tasks = [(group, n) for group in groups for n in range(len(parts))]

    def task(i: int) -> None:
        group, n = tasks[i]
        with np.errstate(all="ignore"):
            chunk = _Chunk(job, group, *parts[n])
            chunk.differentiate(
                dy[group], y[group], lse[group], dqs[n][group], dk[group], dv[group]
            )

    if not parts:
        dqs[0].fill(0)
    run(task, len(tasks), job.is_much())
    return functools.reduce(_add_into, dqs), dk, dv


def _wide(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def _add_into(total: np.ndarray, x: np.ndarray) -> np.ndarray:
    total += x
    return total


def _like(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """New memory with the axes in x's order, so that transposing back what was transposed is free."""
    if x.ndim != len(shape):
        return np.empty(shape, x.dtype)
    return np.empty_like(x, shape=shape)


def _grouped(shape: tuple[int, ...], most: int) -> list[tuple[Any, ...]]:
    """Indices that cut the axes ``shape`` into parts of at most ``most`` elements."""
    axis, inner = len(shape), 1
    while axis and inner * shape[axis - 1] <= most:
        axis -= 1
        inner *= shape[axis]
    if not axis:
        return [()] if math.prod(shape) else []
    parts = ranges(shape[axis - 1], max(most // inner, 1))
    return [(*lead, slice(a, b)) for lead in np.ndindex(shape[: axis - 1]) for a, b in parts]


@functools.lru_cache(maxsize=64)
def _future(rows: int, columns: int, offset: int) -> np.ndarray:
    """True where query i may not attend to key j: j + offset > i."""
    return ~np.tri(rows, columns, -offset, dtype=bool)


@functools.lru_cache(maxsize=64)
def _past(rows: int, columns: int, offset: int, dtype: np.dtype[Any]) -> np.ndarray:
    """1 where query i may attend to key j, else 0."""
    return np.tri(rows, columns, -offset, dtype=dtype)


@functools.lru_cache(maxsize=64)
def _ones(n: int, dtype: np.dtype[Any]) -> np.ndarray:
    return np.ones((n, 1), dtype)


class _Job:
    """The arguments of one call, brought to equal leading dimensions, and how it is cut up."""

    def __init__(
        self, q: Any, k: Any, v: Any, mask: np.ndarray | None, scale: float, causal: bool
    ) -> None:
        heads = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
        self.heads, self.queries, self.keys = heads, q.shape[-2], k.shape[-2]
        self.q, self.k, self.v = (
            x if x.shape[:-2] == heads else np.broadcast_to(x, (*heads, *x.shape[-2:]))
            for x in (q, k, v)
        )
        self.mask = mask
        if mask is not None:
            self.mask = np.broadcast_to(mask, (*heads, self.queries, self.keys))
        self.scale, self.causal = scale, causal
        quarter = -(-max(self.queries, 1) // 4)
        self.block = min(max(_SHORTEST, quarter), _LONGEST)

    def groups(self) -> list[tuple[Any, ...]]:
        """The heads, as many at a time as fill a block of scores."""
        scores = self.block * min(max(self.keys, 1), _LONGEST) * self.q.itemsize
        return _grouped(self.heads, max(_SCORES // scores, 1))

    def is_much(self) -> bool:
        return math.prod(self.heads) * self.queries * self.keys > _WORTH_THREADS


class _Chunk:
    """Some heads, with some of their keys. q, k and v here are theirs alone."""

    def __init__(self, job: _Job, group: tuple[Any, ...], start: int = 0, stop: int = -1) -> None:
        self.job, self.start = job, start
        self.stop = stop if stop >= 0 else job.keys
        self.q, self.k, self.v = job.q[group], job.k[group], job.v[group]
        self.mask = None if job.mask is None else job.mask[group]
        self.dtype = job.q.dtype
        self.lead = self.q.shape[:-2]

    def scaled_queries(self, start: int, stop: int, lse: np.ndarray | None) -> np.ndarray:
        """scale Q, and -lse as a further column."""
        width = self.q.shape[-1]
        more = lse is not None
        qs = scratch("queries", (*self.lead, stop - start, width + more), self.dtype)
        np.multiply(self.q[..., start:stop, :], self.job.scale, out=qs[..., :width])
        if lse is not None:
            np.negative(lse[..., start:stop], out=qs[..., width])
        return qs

    def transposed(self, name: str, x: np.ndarray, more: bool) -> np.ndarray:
        """x^T of the chunk's keys, and a further row of ones; products with it are faster."""
        width = x.shape[-1]
        xt = scratch(name, (*self.lead, width + more, self.stop - self.start), self.dtype)
        np.copyto(xt[..., :width, :], x[..., self.start : self.stop, :].swapaxes(-1, -2))
        if more:
            xt[..., width, :] = 1
        return xt

    def is_safe(self, qs: np.ndarray) -> bool:
        """Whether all scores are so small that exp needs no shift; NaN is not."""
        if self.mask is not None and self.mask.dtype != np.bool_:
            return False
        qs = qs[..., : self.q.shape[-1]]
        k = self.k[..., self.start : self.stop, :]
        longest = np.einsum("...e,...e->...", qs, qs).max(initial=0)
        longest = longest * np.einsum("...e,...e->...", k, k).max(initial=0)
        return bool(longest <= _SAFE * _SAFE)

    def blocks(self, start: int, stop: int) -> list[tuple[int, int]]:
        """The blocks of the chunk's keys to which the queries ``start:stop`` may attend."""
        last = min(self.stop, stop) if self.job.causal else self.stop
        step = _LONGEST
        return [(j, min(j + step, last)) for j in range(self.start, last, step)]

    def hide(self, s: np.ndarray, i: int, j: int) -> None:
        """Mask the scores of a block that begins at query i and key j."""
        rows, columns = s.shape[-2:]
        if self.mask is not None:
            part = self.mask[..., i : i + rows, j : j + columns]
            s += (
                np.where(part, s.dtype.type(0), s.dtype.type(-np.inf))
                if part.dtype == bool
                else part
            )
        if self.job.causal and j + columns > i + 1:
            np.copyto(s, -np.inf, where=_future(rows, columns, j - i))

    def erase(self, p: np.ndarray, i: int, j: int) -> None:
        """As :meth:`hide`, of the scores' exponentials, where none is infinite."""
        rows, columns = p.shape[-2:]
        if self.mask is not None:
            p *= self.mask[..., i : i + rows, j : j + columns]
        if self.job.causal and j + columns > i + 1:
            free = max(min(i + 1 - j, columns), 0)  # keys that all of the queries may attend to
            p[..., free:] *= _past(rows, columns - free, j + free - i, self.dtype)

    def attend(self, y: np.ndarray, lse: np.ndarray, start: int, stop: int) -> None:
        """Write y and lse of the queries ``start:stop``."""
        kt = self.transposed("keys", self.k, more=False)
        for i0, i1 in ranges(stop - start, self.job.block):
            i0, i1 = start + i0, start + i1
            qs = self.scaled_queries(i0, i1, None)
            way = self.sum_unshifted if self.is_safe(qs) else self.sum_shifted
            way(qs, kt, y[..., i0:i1, :], lse[..., i0:i1], i0, i1)

    def scores(self, name: str, qs: np.ndarray, kt: np.ndarray, j0: int, j1: int) -> np.ndarray:
        """Q K^T of a block of keys, in memory that the next block uses again."""
        s = scratch(name, (*self.lead, qs.shape[-2], j1 - j0), self.dtype)
        np.matmul(qs, kt[..., j0 - self.start : j1 - self.start], out=s)
        return s

    def sum_unshifted(
        self, qs: np.ndarray, kt: np.ndarray, y: np.ndarray, lse: np.ndarray, i0: int, i1: int
    ) -> None:
        """y = P V / l and lse = ln l with P = exp(S) and l = P 1."""
        total: Any = 0.0
        for n, (j0, j1) in enumerate(self.blocks(i0, i1)):
            p = self.scores("scores", qs, kt, j0, j1)
            np.exp(p, out=p)
            self.erase(p, i0, j0)
            total = total + np.matmul(p, _ones(j1 - j0, self.dtype))
            self.add_product("sum", y, p, self.v[..., j0:j1, :], n == 0)
        self.finish(y, lse, total, 0.0)

    def sum_shifted(
        self, qs: np.ndarray, kt: np.ndarray, y: np.ndarray, lse: np.ndarray, i0: int, i1: int
    ) -> None:
        """The same with P = exp(S - m), m the maximum of the scores so far."""
        total: Any = np.zeros((*self.lead, i1 - i0, 1), self.dtype)
        most: Any = np.full_like(total, -np.inf)
        y.fill(0)
        for j0, j1 in self.blocks(i0, i1):
            p = self.scores("scores", qs, kt, j0, j1)
            self.hide(p, i0, j0)
            higher = np.maximum(most, np.maximum.reduce(p, axis=-1, keepdims=True))
            shift = np.where(higher == -np.inf, 0, higher)  # -inf less -inf would be NaN
            p -= shift
            np.exp(p, out=p)
            fade = np.exp(most - shift)
            most = higher
            total = total * fade + np.matmul(p, _ones(j1 - j0, self.dtype))
            y *= fade
            self.add_product("sum", y, p, self.v[..., j0:j1, :], False)
        self.finish(y, lse, total, np.where(most == -np.inf, 0, most)[..., 0])

    def finish(self, y: np.ndarray, lse: np.ndarray, total: Any, shift: Any) -> None:
        nothing = total == 0
        if nothing.any():
            total = np.where(nothing, np.inf, total)
        y /= total
        np.log(total[..., 0], out=lse)
        lse += shift

    def add_product(
        self, name: str, total: np.ndarray, a: np.ndarray, b: np.ndarray, first: bool
    ) -> None:
        """total += A B, or = the first time."""
        if first:
            np.matmul(a, b, out=total)
        else:
            total += np.matmul(a, b, out=scratch(name, total.shape, self.dtype))

    def differentiate(
        self,
        dy: np.ndarray,
        y: np.ndarray,
        lse: np.ndarray,
        dq: np.ndarray,
        dk: np.ndarray,
        dv: np.ndarray,
    ) -> None:
        """Write dk and dv of the chunk's keys, and its share of dq."""
        job = self.job
        qs = self.scaled_queries(0, job.queries, lse)
        kt, vt = self.transposed("keys", self.k, True), self.transposed("values", self.v, True)
        width = dy.shape[-1]
        dys = scratch("gradient", (*self.lead, job.queries, width + 1), self.dtype)
        dys[..., :width] = dy
        np.negative(np.einsum("...f,...f->...", dy, y), out=dys[..., width])
        safe = self.is_safe(qs)
        used = self.start
        for i0, i1 in ranges(job.queries, job.block):
            blocks = self.blocks(i0, i1)
            if not blocks:
                dq[..., i0:i1, :] = 0
            for m, (j0, j1) in enumerate(blocks):
                p = self.scores("scores", qs[..., i0:i1, :], kt, j0, j1)
                if not safe:
                    self.hide(p, i0, j0)
                np.exp(p, out=p)
                if safe:
                    self.erase(p, i0, j0)
                self.add_by_key("dv", dv, p, dys[..., i0:i1, :width], j0, j1, used)
                ds = self.scores("score gradients", dys[..., i0:i1, :], vt, j0, j1)
                ds *= p
                self.add_by_key("dk", dk, ds, qs[..., i0:i1, :-1], j0, j1, used)
                self.add_product("dq", dq[..., i0:i1, :], ds, self.k[..., j0:j1, :], m == 0)
            if blocks:
                used = max(used, blocks[-1][1])
            dq[..., i0:i1, :] *= job.scale
        dk[..., used : self.stop, :] = 0
        dv[..., used : self.stop, :] = 0

    def add_by_key(
        self,
        name: str,
        total: np.ndarray,
        a: np.ndarray,
        b: np.ndarray,
        j0: int,
        j1: int,
        used: int,
    ) -> None:
        """total += A^T B for the keys j0:j1, those from ``used`` on for the first time."""
        at = a.swapaxes(-1, -2)
        old = max(min(used, j1), j0)
        if old > j0:
            self.add_product(name, total[..., j0:old, :], at[..., : old - j0, :], b, False)
        if old < j1:
            self.add_product(name, total[..., old:j1, :], at[..., old - j0 :, :], b, True)
