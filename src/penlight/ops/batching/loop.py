"""Without a rule: one sample after the other, and the results stacked."""

from __future__ import annotations

from typing import Any

from penlight.autograd.base import TensorBase
from penlight.autograd.batching.randomness import BatchedStream
from penlight.autograd.node import Node
from penlight.ops.batching.common import rule, shape
from penlight.ops.joining import Stack
from penlight.ops.splitting import Unbind

__all__ = ["loop"]


@rule(Node)
def loop(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    """``op`` applied to each sample; of no samples at all, to zeros, to learn the result's shape."""
    if not size:
        values = [
            x.new_zeros(1, *shape(x)[1:]) if b else x for x, b in zip(values, batched, strict=True)
        ]
        result = loop(op, 1, values, batched)
        many = isinstance(result, tuple)
        empty = tuple(y.detach()[:0] for y in (result if many else (result,)))
        return empty if many else empty[0]
    samples = [Unbind.apply(x, 0) if b else None for x, b in zip(values, batched, strict=True)]
    results = [
        op.apply(*(_of_one(x) if s is None else s[i] for x, s in zip(values, samples, strict=True)))
        for i in range(size)
    ]
    if not isinstance(results[0], tuple):
        return Stack.apply(0, *results)
    return tuple(
        Stack.apply(0, *column) if isinstance(column[0], TensorBase) else column[0]
        for column in zip(*results, strict=True)
    )


def _of_one(x: Any) -> Any:
    return x.of_one_sample() if isinstance(x, BatchedStream) else x
