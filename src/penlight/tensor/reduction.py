"""Reductions as methods."""

from __future__ import annotations

from penlight.ops import reduction

__all__ = ["ReductionMethods"]


class ReductionMethods:
    """Sums, means and their like."""

    __slots__ = ()

    sum = reduction.sum
    mean = reduction.mean
