"""Normalisation, attention and embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.ops.attention import Attention
from penlight.ops.batching.common import (
    aligned,
    expanded,
    folded,
    rank,
    reshaped,
    rule,
    shape,
    unfolded,
)
from penlight.ops.batching.loop import loop
from penlight.ops.embedding import Embedding, EmbeddingGrad
from penlight.ops.indexing import Gather
from penlight.ops.normalization import BatchNorm, FixedNorm, GroupNorm, LayerNorm, RMSNorm

__all__: list[str] = []


def _per_channel(w: Any, batched: bool, y: Any) -> Any:
    """A factor (C,) of each channel, brought to the shape of y, (B, N, C, ...)."""
    ones = (1,) * (len(shape(y)) - 3)
    sizes = shape(w)
    return reshaped(w, (sizes[0], 1, sizes[1], *ones) if batched else (*sizes, *ones))


def _affine(y: Any, w: Any, b: Any, batched: tuple[bool, bool]) -> Any:
    """y w + b, with a factor and a summand for each channel of (B, N, C, ...)."""
    if w is not None:
        y = y * _per_channel(w, batched[0], y)
    return y if b is None else y + _per_channel(b, batched[1], y)


@rule(BatchNorm)
def _batch_norm(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    """The samples' channels side by side: each has statistics of its own."""
    x, w, b, eps = values
    y, m, v = op.apply(folded(expanded(x, batched[0], size), 1), None, None, eps)
    y = _affine(unfolded(y, size, 1), w, b, (batched[1], batched[2]))
    return y, unfolded(m, size), unfolded(v, size)


@rule(FixedNorm)
def _fixed_norm(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, m, v, w, b, eps = values
    if batched[0] and not any(batched[1:]):
        return unfolded(op.apply(folded(x), m, v, w, b, eps), size)
    m, v = (folded(expanded(s, given, size)) for s, given in ((m, batched[1]), (v, batched[2])))
    y = op.apply(folded(expanded(x, batched[0], size), 1), m, v, None, None, eps)
    return _affine(unfolded(y, size, 1), w, b, (batched[3], batched[4]))


@rule(GroupNorm)
def _group_norm(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, groups, w, b, eps = values
    separate = batched[2] or batched[3] or not batched[0]
    inside = (None, None) if separate else (w, b)
    y, m, v = op.apply(folded(expanded(x, batched[0], size)), groups, *inside, eps)
    y, m, v = (unfolded(part, size) for part in (y, m, v))
    return (_affine(y, w, b, (batched[2], batched[3])) if separate else y), m, v


@rule(LayerNorm, RMSNorm)
def _layer_norm(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, dims, *parameters, eps = values
    given = batched[2:-1]
    if not any(given):
        return op.apply(*values)
    y = op.apply(x, dims, *(None,) * len(parameters), eps)
    for i, (p, b) in enumerate(zip(parameters, given, strict=True)):
        if p is not None:
            y, p = aligned((y, p), (batched[0], b))
            y = y + p if i else y * p
    return y


@rule(Attention)
def _attention(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    q, k, v, mask, *options = values
    q, k, v = (expanded(x, b, size) for x, b in zip((q, k, v), batched, strict=False))
    q, k, v = aligned((q, k, v), (True, True, True))
    if batched[3]:
        _, mask = aligned((q, mask), (True, True))
    return op.apply(q, k, v, mask, *options)


@rule(Embedding)
def _embedding(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    w, index, padding, by_frequency = values
    if not batched[0]:
        return (
            op.apply(w, index, padding, by_frequency)
            if not by_frequency
            else loop(op, size, values, batched)
        )
    if by_frequency:
        return loop(op, size, values, batched)
    places = index._array if hasattr(index, "_array") else index
    dims = rank(index, batched[1])
    sample = np.arange(size).reshape((size,) + (1,) * dims)
    y = Gather.apply(w, (0, 1), sample, index)
    if padding is None:
        return y
    kept: Any = np.expand_dims(places != padding, -1)
    return np.where(kept, y, y.detach())


@rule(EmbeddingGrad)
def _embedding_grad(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    """Rows of all samples' tables in one, in which each has its own."""
    x, index, rows, padding, by_frequency = values
    if padding is not None or by_frequency:
        return loop(op, size, values, batched)
    x, index = expanded(x, batched[0], size), expanded(index, batched[1], size)
    dims = len(shape(index)) - 1
    start = (np.arange(size) * rows).reshape((size,) + (1,) * dims)
    return unfolded(op.apply(x, index + start, size * rows, None, False), size)
