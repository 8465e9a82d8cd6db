"""Elementwise ops: samples are aligned, and broadcast as ever."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from penlight.autograd.op import Alias, Op
from penlight.autograd.primitives import Cast, Clone
from penlight.ops import (
    activation,
    arithmetic,
    bessel,
    complex,
    entropy,
    exponential,
    loss,
    normal,
    piecewise,
    products,
    rounding,
    selection,
    special,
    trigonometry,
    zeta,
)
from penlight.ops.batching.common import aligned, rule

__all__ = ["pointwise"]

MODULES = (
    activation, arithmetic, bessel, complex, entropy, exponential, normal, piecewise, rounding, selection,
    special, trigonometry, zeta,
)  # fmt: skip


def _ops_of(module: ModuleType) -> list[Any]:
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Op) and value.__module__ == module.__name__
    ]


@rule(
    *(op for module in MODULES for op in _ops_of(module)),
    Alias, Cast, Clone, products.Lerp,
    loss.BCEWithLogits, loss.BinaryCrossEntropy, loss.KLTarget, loss.SmoothL1,
)  # fmt: skip
def pointwise(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    """The op on the whole batch, the samples' dimensions aligned at the end."""
    return op.apply(*aligned(values, batched))
