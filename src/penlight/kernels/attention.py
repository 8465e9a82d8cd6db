"""Softmax(scale Q K^T + M) V and its gradients, a block of scores at a time.

A chunk is some heads. The scores of a block of queries and a block of keys are made, masked and turned
into exponentials in place, in memory that the next block uses again; sums over the keys are added up
block by block, and blocks that the causal mask rules out are never made. So memory grows with the
number of queries and keys, not with their product.

Softmax does not change when a row's scores are shifted: to subtract their maximum serves only to keep
exp within range. To find it takes longer than exp itself, and it is hardly ever needed. So the
exponentials are summed as they come; only where a sum shows that they came near the limits of the
numbers (or are NaN) is the chunk done again with the shift, by the online softmax.

Source: Milakov & Gimelshein, "Online normalizer calculation for softmax", 2018; Rabe & Staats,
"Self-attention Does Not Need O(n^2) Memory", 2021; Dao et al., "FlashAttention", 2022.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from penlight.kernels import small_attention
from penlight.kernels.chunks import ranges, run, scratch
from penlight.kernels.memory import empty_parts

__all__ = ["backward", "forward"]

_SCORES = 1 << 19  # bytes of a block of scores, of all heads of a chunk
_SHORTEST, _LONGEST = 32, 256  # queries, or keys, of a block
_FEW = 4  # fewer chunks than this leave threads waiting for one another
_WORTH_THREADS = 200_000  # scores: about 0.6 ms; a thread takes 0.05 ms to wake
_SMALL_PRODUCT = 600_000  # multiplications
_LEAST, _MOST = 2.0**-80, 2.0**80  # of a sum of exponentials, in any dtype


def forward(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | None,
    scale: float,
    causal: bool,
    need_lse: bool = True,
) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """y = softmax(scale Q K^T + M) V, and the logarithm of the softmax's denominator.

    Args:
        q: (*N, L, E), k: (*N, S, E), v: (*N, S, F): floats; N broadcasts.
        mask: M, broadcasts to (*N, L, S): numbers, or True for 0 and False for -infinity.
        causal: query i attends to keys 0 ... i alone.
        need_lse: False if no gradient will be wanted; lse may then be None.

    Returns:
        y (*N, L, F), laid out in memory as q is; lse (*N, L), infinite for queries that may attend to
        nothing, whose y is 0; and whether all exponentials are within range unshifted.
    """
    if q.itemsize < 4:  # float16, which the BLAS does not know
        y, lse, plain = forward(_wide(q), _wide(k), _wide(v), mask, scale, causal, need_lse)
        return y.astype(q.dtype), lse, plain
    if small_attention.applies(q, k, v):
        y = _like(q, (*_heads(q, k, v), q.shape[-2], v.shape[-1]))
        return y, small_attention.forward(q, k, v, mask, scale, causal, y, need_lse), False
    job = _Job(q, k, v, mask, scale, causal)
    y = _like(q, (*job.heads, job.queries, v.shape[-1]))
    lse = np.empty((*job.heads, job.queries), q.dtype)
    if not job.keys:
        y.fill(0)
        lse.fill(np.inf)
        return y, lse, True
    groups = job.groups()
    rows = job.queries if len(groups) >= _FEW else job.block
    tasks = [(group, part) for group in groups for part in ranges(job.queries, max(rows, 1))]
    found = [True] * len(tasks)
    kt = None if len(tasks) == len(groups) else job.scaled_keys()

    def task(i: int) -> None:
        group, (start, stop) = tasks[i]
        with np.errstate(all="ignore"):
            chunk = _Chunk(job, group, 0, job.keys, None if kt is None else kt[group])
            found[i] = chunk.attend(
                y[group][..., start:stop, :], lse[group][..., start:stop], start
            )

    run(task, len(tasks), job.is_much())
    return y, lse, all(found)


def backward(
    dy: np.ndarray,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    y: np.ndarray,
    lse: np.ndarray,
    plain: bool,
    mask: np.ndarray | None,
    scale: float,
    causal: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dq, dk, dv) of :func:`forward`, in the broadcast shapes, from its results.

    They lie side by side in memory if q, k and v do, and joining them again costs nothing.
    """
    if q.itemsize < 4:
        wide = _wide(dy), _wide(q), _wide(k), _wide(v), _wide(y)
        dq, dk, dv = backward(*wide, lse, plain, mask, scale, causal)
        return dq.astype(q.dtype), dk.astype(q.dtype), dv.astype(q.dtype)
    if small_attention.applies(q, k, v):
        return small_attention.backward(dy, q, k, v, y, lse, mask, scale, causal)
    job = _Job(q, k, v, mask, scale, causal)
    dq, dk, dv = empty_parts(q, k, v) or (_like(x, (*job.heads, *x.shape[-2:])) for x in (q, k, v))
    groups = job.groups()
    columns = job.keys if len(groups) >= _FEW else -(-job.keys // _FEW)
    columns = -(-columns // job.block) * job.block
    parts = ranges(job.keys, max(columns, 1))
    # each part of the keys has a sum of its own for dq, lest two threads add to one
    dqs = [dq, *(np.empty_like(dq) for _ in parts[1:])]
    tasks = [(group, n) for group in groups for n in range(len(parts))]

    def task(i: int) -> None:
        group, n = tasks[i]
        start, stop = parts[n]
        with np.errstate(all="ignore"):
            chunk = _Chunk(job, group, start, stop)
            into = dqs[n][group], dk[group][..., start:stop, :], dv[group][..., start:stop, :]
            chunk.differentiate(dy[group], y[group], lse[group], plain, *into)

    if not parts:
        dqs[0].fill(0)
    run(task, len(tasks), job.is_much())
    return functools.reduce(_add_into, dqs), dk, dv


def _wide(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def _add_into(total: np.ndarray, x: np.ndarray) -> np.ndarray:
    total += x
    return total


def _heads(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> tuple[int, ...]:
    """Their leading dimensions, broadcast."""
    leads = q.shape[:-2], k.shape[:-2], v.shape[:-2]
    return leads[0] if leads[0] == leads[1] == leads[2] else np.broadcast_shapes(*leads)


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
def _past(rows: int, columns: int, offset: int, dtype: np.dtype[Any]) -> np.ndarray:
    """1 where query i may attend to key j, which is number j + offset of all, else 0."""
    return np.tri(rows, columns, -offset, dtype=dtype)


@functools.lru_cache(maxsize=64)
def _ones(n: int, dtype: np.dtype[Any]) -> np.ndarray:
    return np.ones((n, 1), dtype)


def _t(x: np.ndarray) -> np.ndarray:
    return x.swapaxes(-1, -2)


def _product(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
    """out = A B, A cut into slices of rows so small that OpenBLAS does not copy its operands first."""
    rows, depth = a.shape[-2:]
    each = depth * b.shape[-1]
    if rows * each <= _SMALL_PRODUCT:
        return np.matmul(a, b, out=out)
    slices = 1
    while rows // slices * each > _SMALL_PRODUCT and rows % (2 * slices) == 0:
        slices *= 2
    cut = (slices, rows // slices)
    parts = out.reshape(*out.shape[:-2], *cut, out.shape[-1])
    np.matmul(a.reshape(*a.shape[:-2], *cut, depth), b[..., None, :, :], out=parts)
    return out


def _for_products(x: np.ndarray) -> np.ndarray:
    """x, copied if the BLAS would not take its matrices as they are."""
    row, element = x.strides[-2:]
    if element == x.itemsize and row >= x.shape[-1] * x.itemsize:
        return x
    return np.ascontiguousarray(x)


class _Job:
    """The arguments of one call, brought to equal leading dimensions, and how it is cut up."""

    def __init__(
        self, q: Any, k: Any, v: Any, mask: np.ndarray | None, scale: float, causal: bool
    ) -> None:
        heads = _heads(q, k, v)
        self.heads, self.queries, self.keys = heads, q.shape[-2], k.shape[-2]
        self.q, self.k, self.v = (
            x if x.shape[:-2] == heads else np.broadcast_to(x, (*heads, *x.shape[-2:]))
            for x in map(_for_products, (q, k, v))
        )
        self.mask = mask
        if mask is not None:
            self.mask = np.broadcast_to(mask, (*heads, self.queries, self.keys))
        self.scale, self.causal = scale, causal
        quarter = -(-self.queries // 4)
        self.block = min(max(_SHORTEST, quarter), _LONGEST)

    def groups(self) -> list[tuple[Any, ...]]:
        """The heads, as many at a time as fill a block of scores."""
        scores = self.block * min(max(self.keys, 1), _LONGEST) * self.q.itemsize
        return _grouped(self.heads, max(_SCORES // scores, 1))

    def scaled_keys(self) -> np.ndarray:
        """scale K^T, for chunks that share keys."""
        kt = np.empty((*self.heads, self.k.shape[-1], self.keys), self.k.dtype)
        return np.multiply(_t(self.k), self.scale, out=kt)

    def is_much(self) -> bool:
        return math.prod(self.heads) * self.queries * self.keys > _WORTH_THREADS


class _Chunk:
    """Some heads, with the keys ``start:stop``. q, k, v and mask here are theirs alone."""

    def __init__(
        self,
        job: _Job,
        group: tuple[Any, ...],
        start: int,
        stop: int,
        kt: np.ndarray | None = None,
    ) -> None:
        self.start, self.keys, self.causal, self.scale = start, stop - start, job.causal, job.scale
        self.block = job.block
        self.q = job.q[group]
        self.k, self.v = job.k[group][..., start:stop, :], job.v[group][..., start:stop, :]
        self.mask = None if job.mask is None else job.mask[group][..., start:stop]
        self.dtype = job.q.dtype
        self.lead = self.q.shape[:-2]
        self.kt = self.scaled("keys", self.k, 0) if kt is None else kt

    def scratch(self, name: str, *shape: int) -> np.ndarray:
        return scratch(name, (*self.lead, *shape), self.dtype)

    def blocks(self, i0: int, i1: int) -> list[tuple[int, int]]:
        """The blocks of the chunk's keys to which the queries i0:i1 may attend."""
        last = min(self.keys, max(i1 - self.start, 0)) if self.causal else self.keys
        return ranges(last, _LONGEST)

    def scaled(self, name: str, x: np.ndarray, more: int) -> np.ndarray:
        """scale [X, 1]^T, with ``more`` columns of ones; products take it faster than X as it is."""
        width = x.shape[-1]
        xt = self.scratch(name, width + more, self.keys)
        np.multiply(_t(x), self.scale, out=xt[..., :width, :])
        xt[..., width:, :] = self.scale
        return xt

    def exponentials(self, i0: int, i1: int, j0: int, j1: int) -> np.ndarray:
        """exp(S) of a block, 0 where it is masked; what was infinite there becomes NaN.

        So the backward pass cuts its blocks along the same lines as the forward pass, which sees to it.
        """
        p = self.scratch("scores", i1 - i0, j1 - j0)
        _product(self.q[..., i0:i1, :], self.kt[..., j0:j1], p)  # (L, E) @ (E, S) -> (L, S)
        mask = None if self.mask is None else self.mask[..., i0:i1, j0:j1]
        if mask is not None and mask.dtype != np.bool_:
            p += mask
        np.exp(p, out=p)
        if mask is not None and mask.dtype == np.bool_:
            p *= mask
        if self.is_cut(i0, j1):
            p *= _past(i1 - i0, j1 - j0, self.start + j0 - i0, self.dtype)
        return p

    def scores(self, i0: int, i1: int, j0: int, j1: int) -> np.ndarray:
        """S of a block, -infinity where it is masked."""
        s = self.scratch("scores", i1 - i0, j1 - j0)
        _product(self.q[..., i0:i1, :], self.kt[..., j0:j1], s)
        if self.mask is not None:
            mask = self.mask[..., i0:i1, j0:j1]
            if mask.dtype == np.bool_:
                mask = np.where(mask, self.dtype.type(0), self.dtype.type(-np.inf))
            s += mask
        if self.is_cut(i0, j1):
            past = _past(i1 - i0, j1 - j0, self.start + j0 - i0, self.dtype)
            np.copyto(s, -np.inf, where=past == 0)
        return s

    def is_cut(self, i0: int, j1: int) -> bool:
        """Whether the causal mask hides a part of a block."""
        return self.causal and self.start + j1 > i0 + 1

    def attend(self, y: np.ndarray, lse: np.ndarray, start: int) -> bool:
        """Write y and lse of the queries from ``start`` on; whether the exponentials are in range."""
        total = self.scratch("totals", lse.shape[-1], 1)
        for a, b in ranges(lse.shape[-1], self.block):
            for n, (j0, j1) in enumerate(self.blocks(start + a, start + b)):
                p = self.exponentials(start + a, start + b, j0, j1)
                self.add_product(total[..., a:b, :], p, _ones(j1 - j0, self.dtype), n == 0)
                self.add_product(y[..., a:b, :], p, self.v[..., j0:j1, :], n == 0)
        plain = bool(total.min(initial=1) >= _LEAST and total.max(initial=1) <= _MOST)
        if not plain:
            shift = self.attend_shifted(y, total, start)
        y /= total
        np.log(total[..., 0], out=lse)
        if not plain:
            lse += shift
        return plain

    def attend_shifted(self, y: np.ndarray, total: np.ndarray, start: int) -> np.ndarray:
        """P V and P 1 with P = exp(S - m), m the maximum of each row, which is returned.

        When a block of keys has a higher one, the sums so far are brought down to it.
        """
        total.fill(0)
        y.fill(0)
        most: Any = np.full_like(total, -np.inf)
        for a, b in ranges(total.shape[-2], self.block):
            part, m = (y[..., a:b, :], total[..., a:b, :]), most[..., a:b, :]
            for j0, j1 in self.blocks(start + a, start + b):
                p = self.scores(start + a, start + b, j0, j1)
                higher = np.maximum(m, np.maximum.reduce(p, axis=-1, keepdims=True))
                shift = np.where(higher == -np.inf, 0, higher)  # -inf less -inf would be NaN
                p -= shift
                np.exp(p, out=p)
                fade = np.exp(m - shift)
                m[...] = higher
                for sums, x in zip(
                    part, (self.v[..., j0:j1, :], _ones(j1 - j0, self.dtype)), strict=True
                ):
                    sums *= fade
                    self.add_product(sums, p, x, False)
        total[total == 0] = np.inf  # nothing to attend to: y = 0, and P will be e^-inf
        return np.where(most == -np.inf, 0, most)[..., 0]

    def add_product(self, total: np.ndarray, a: np.ndarray, b: np.ndarray, first: bool) -> None:
        """total += A B, or = the first time."""
        if first:
            _product(a, b, total)
        else:
            total += _product(a, b, self.scratch("product", *total.shape[-2:]))

    def differentiate(
        self,
        dy: np.ndarray,
        y: np.ndarray,
        lse: np.ndarray,
        plain: bool,
        dq: np.ndarray,
        dk: np.ndarray,
        dv: np.ndarray,
    ) -> None:
        """Write dk and dv of the chunk's keys, and its share of dq.

        With P = exp(S) / l it is dY that is divided by l, for dY is smaller. And dP less its mean,
        [dY, -dY . Y] [V, 1]^T, is one product. The first block of keys meets all queries that later
        ones meet, so that these can add to what it wrote.
        """
        queries, width = dy.shape[-2:]
        vt = self.scaled("values", self.v, 1)
        dys = self.scratch("gradient", queries, width + 1)
        share = np.exp(-lse) if plain else _ones(1, self.dtype)[0]
        np.multiply(dy, share[..., None], out=dys[..., :width])
        np.multiply(np.einsum("...f,...f->...", dy, y), -share, out=dys[..., width])
        dq_sum = self.scratch("dq", *dq.shape[-2:])
        written = queries  # dq_sum is, from here on
        used = self.keys if queries else 0
        if self.causal:
            used = min(used, max(queries - self.start, 0))
        for j0, j1 in ranges(used, self.block):
            first = self.start + j0 if self.causal else 0
            columns = self.k[..., j0:j1, :]
            for n, (i0, i1) in enumerate(ranges(queries - first, _LONGEST)):
                i0, i1 = first + i0, first + i1
                if plain:
                    p = self.exponentials(i0, i1, j0, j1)
                else:
                    p = self.scores(i0, i1, j0, j1)
                    p -= lse[..., i0:i1, None]
                    np.exp(p, out=p)
                part = dys[..., i0:i1, :]
                self.add_product(dv[..., j0:j1, :], _t(p), part[..., :width], n == 0)
                ds = _product(part, vt[..., j0:j1], self.scratch("ds", i1 - i0, j1 - j0))
                ds *= p
                self.add_product(dk[..., j0:j1, :], _t(ds), self.q[..., i0:i1, :], n == 0)
                self.add_product(dq_sum[..., i0:i1, :], ds, columns, written >= i1)
            written = min(written, first)
        dq_sum[..., :written, :] = 0
        np.copyto(dq, dq_sum)
        dk[..., used:, :] = 0  # nobody may attend to these
        dv[..., used:, :] = 0
