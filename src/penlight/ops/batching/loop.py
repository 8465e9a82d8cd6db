"""Without a rule: one sample after the other, and the results stacked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.autograd.batching import levels
from penlight.autograd.batching.randomness import BatchedStream
from penlight.autograd.function import Function
from penlight.autograd.node import Node
from penlight.ops.batching.common import expanded, rule, shape
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


class VmapInfo(NamedTuple):
    """What a user's rule is told."""

    batch_size: int
    randomness: str


@rule(Function)
def _of_user(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    """By the class's own ``vmap(info, in_dims, *args) -> (output, out_dims)``, if it has one."""
    own = getattr(op, "vmap", None)
    if own is None:
        return loop(op, size, values, batched)
    in_dims = tuple(0 if b else None for b in batched)
    outputs, out_dims = own(VmapInfo(size, levels()[-1].randomness), in_dims, *values)
    if not isinstance(outputs, tuple):
        return _in_front(outputs, out_dims, size)
    dims = out_dims if isinstance(out_dims, tuple) else (out_dims,) * len(outputs)
    return tuple(_in_front(y, d, size) for y, d in zip(outputs, dims, strict=True))


def _in_front(y: Any, dim: int | None, size: int) -> Any:
    return expanded(y, False, size) if dim is None else np.moveaxis(y, dim, 0)


def _of_one(x: Any) -> Any:
    return x.of_one_sample() if isinstance(x, BatchedStream) else x
