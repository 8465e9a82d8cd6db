"""Attention with few scores, all at once: what blocks and chunks would cost here is more than the work.

One query, too, has no more scores than there are keys: this is how a model generates token by token.
"""

from __future__ import annotations

import functools
import math

import numpy as np

__all__ = ["applies", "backward", "forward"]

_SCORES = 1 << 14


def applies(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> bool:
    """Whether there are few scores, or one query."""
    queries, keys = q.shape[-2], k.shape[-2]
    if queries == 1:
        return keys > 0
    lead = q.shape[:-2]
    if not lead == k.shape[:-2] == v.shape[:-2]:
        lead = np.broadcast_shapes(lead, k.shape[:-2], v.shape[:-2])
    return 0 < math.prod(lead) * queries * keys <= _SCORES


@functools.lru_cache(maxsize=64)
def _future(queries: int, keys: int) -> np.ndarray:
    return ~np.tri(queries, keys, dtype=bool)


def _scores(
    q: np.ndarray, k: np.ndarray, mask: np.ndarray | None, scale: float, causal: bool
) -> np.ndarray:
    """scale Q K^T + M, -infinity where it is masked: (..., L, E) @ (..., E, S) -> (..., L, S)."""
    s = np.matmul(q * scale, k.swapaxes(-1, -2))
    if mask is not None:
        s = s + (np.where(mask, q.dtype.type(0), -np.inf) if mask.dtype == np.bool_ else mask)
    if causal:
        np.copyto(s, -np.inf, where=_future(*s.shape[-2:]))
    return s


def forward(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | None,
    scale: float,
    causal: bool,
    y: np.ndarray,
    need_lse: bool,
) -> np.ndarray | None:
    """Write y, and return the logarithm of the softmax's denominator if it is needed."""
    with np.errstate(all="ignore"):
        p = _scores(q, k, mask, scale, causal)
        most = np.maximum.reduce(p, axis=-1, keepdims=True)
        if mask is not None:
            most[most == -np.inf] = 0  # -inf less -inf would be NaN
        p -= most
        np.exp(p, out=p)
        total = np.add.reduce(p, axis=-1, keepdims=True)
        if mask is not None:
            total[total == 0] = np.inf  # nothing to attend to: y = 0, and P will be e^-inf
        np.matmul(p, v, out=y)
        y /= total
        if not need_lse:
            return None
        np.log(total, out=total)
        total += most
    lse: np.ndarray = total[..., 0]
    return lse if lse.shape == y.shape[:-1] else np.broadcast_to(lse, y.shape[:-1])


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
    """(dq, dk, dv), in the broadcast shapes."""
    with np.errstate(all="ignore"):
        p = _scores(q, k, mask, scale, causal)
        p = p - lse[..., None]
        np.exp(p, out=p)
        dv = np.matmul(p.swapaxes(-1, -2), dy)  # (..., S, L) @ (..., L, F) -> (..., S, F)
        ds = np.matmul(dy, v.swapaxes(-1, -2))  # (..., L, F) @ (..., F, S) -> (..., L, S)
        ds -= np.einsum("...f,...f->...", dy, y)[..., None]
        ds *= p
        ds *= scale
        return np.matmul(ds, k), np.matmul(ds.swapaxes(-1, -2), q), dv
