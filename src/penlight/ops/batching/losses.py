"""Losses whose terms or sums are over all elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.ops.batching.common import aligned, expanded, folded, rule, shape, unfolded
from penlight.ops.batching.loop import loop
from penlight.ops.loss import ClassLoss, SquaredError

__all__: list[str] = []


@rule(SquaredError)
def _squared_error(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, t, n = values
    x, t = aligned((x, t), batched[:2])
    difference = x - t
    axes = tuple(range(1, len(shape(difference))))
    total = np.sum(difference * difference, axis=axes)
    return total / n if n else total * math.nan


@rule(ClassLoss)
def _class_loss(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    """The terms of all samples as those of one, then the sum over each sample's."""
    *arrays, scale = values
    if batched[4]:
        return loop(op, size, values, batched)
    x, t, w, ignored = (
        None if a is None else folded(expanded(a, b, size))
        for a, b in zip(arrays, batched, strict=False)
    )
    terms = unfolded(op.apply(x, t, w, ignored, None), size)
    if scale is None:
        return terms
    return np.sum(terms, axis=tuple(range(1, len(shape(terms))))) * scale
