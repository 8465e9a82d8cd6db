"""What ops do when they meet batched values: take them apart, follow the rule, wrap the result."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.batching.array import BatchedArray, is_at
from penlight.autograd.batching.level import Level, unbatchable

__all__ = ["apply", "exchanged", "exchanged_back", "physical", "rebatched", "rules", "value_of"]

Rule = Callable[..., Any]

rules: dict[type, Rule] = {}
"""For an op (or a base of it) its rule, ``rule(op, size, values, batched)``:

values: what ``op.apply`` was given, but Tensors of shape (B, *S) in the place of batched ones of shape S;
batched: for each value whether it is one of those;
size: B.

The result is a Tensor of shape (B, *S), or a tuple of them.
"""


def apply(op: type, level: Level, inputs: Sequence[Any]) -> Any:
    """``op.apply(*inputs)`` where some are batched, by the op's rule."""
    batched = [is_at(x, level) for x in inputs]
    values = [_taken_apart(x, level) for x in inputs]
    result = rule_of(op)(op, level.size, values, batched)
    if isinstance(result, tuple):
        return tuple(rebatched(y, level) for y in result)
    return rebatched(result, level)


def rule_of(op: type) -> Rule:
    """The rule of an op or of the nearest of its bases."""
    if not rules:  # they stand below this room, and are read when first needed
        for room in ("ops", "tensor"):
            importlib.import_module(f"penlight.{room}.batching")
    found = rules.get(op)
    if found is None:
        found = next(rules[base] for base in op.__mro__ if base in rules)
        rules[op] = found
    return found


def _taken_apart(x: Any, level: Level) -> Any:
    if not is_at(x, level):
        return x
    if type(x) is tuple:
        unbatchable(level, "An op on several batched arrays in one argument")
    return value_of(x)


def rebatched(value: Any, level: Level) -> Any:
    """The Tensor of shape S that stands for a Tensor of shape (B, *S)."""
    return wrap(TensorBase._result_type, BatchedArray(level, value))  # type: ignore[arg-type]


def value_of(x: Any) -> Any:
    """The Tensor of shape (B, *S) in a batched Tensor or array."""
    return getattr(x, "_array", x).value


def physical(x: Any, level: Level) -> Any:
    """The Tensor of shape (B, *S) that x stands for; x repeated if it is not batched."""
    if is_at(x, level):
        return value_of(x)
    from penlight.autograd.primitives import BroadcastTo  # which stands on this

    return BroadcastTo.apply(x, (level.size, *x._array.shape))


def exchanged(x: Any, inner: Level, outer: Level) -> Any:
    """x of shape S for samples of both levels as x of shape (B of outer, *S) for those of ``inner``."""
    whole = physical(physical(x, inner), outer)  # (B of outer, B of inner, *S)
    return rebatched(np.swapaxes(whole, 0, 1), inner)


def exchanged_back(x: Any, inner: Level, outer: Level) -> Any:
    """Undo :func:`exchanged`."""
    whole = np.swapaxes(physical(x, inner), 0, 1)
    return rebatched(rebatched(whole, outer), inner)
