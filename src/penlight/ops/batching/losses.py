"""Losses whose terms or sums are over all elements."""

from __future__ import annotations

import math
from typing import Any

from penlight.ops.batching.common import aligned, expanded, folded, reshaped, rule, shape
from penlight.ops.batching.loop import loop
from penlight.ops.loss import ClassLoss, SquaredError
from penlight.ops.reduction import Sum

__all__: list[str] = []


@rule(SquaredError)
def _squared_error(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, t, n = values
    x, t = aligned((x, t), batched[:2])
    difference = x - t
    total = _sum_of_each(difference * difference)
    return total / n if n else total * math.nan


@rule(ClassLoss)
def _class_loss(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    """The terms of all samples as those of one, then the sum over each sample's."""
    x, *constants, scale = values
    if batched[4]:
        return loop(op, size, values, batched)
    x = expanded(x, batched[0], size)
    sample = shape(constants[0])[batched[1] :]  # of the targets; a single one may be 0-d
    _, rows, _, *positions = shape(x)
    t, w, ignored = (
        None if a is None else reshaped(expanded(a, b, size), (size * rows, *positions))
        for a, b in zip(constants, batched[1:], strict=False)
    )
    terms = reshaped(op.apply(folded(x), t, w, ignored, None), (size, *sample))
    return terms if scale is None else _sum_of_each(terms) * scale


def _sum_of_each(x: Any) -> Any:
    """The sum over each sample."""
    return Sum.apply(x, tuple(range(1, len(shape(x)))), False)
