"""Reductions at index tensors: products and extrema of all that goes to one place."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels.scatter import add_at
from penlight.ops.indexing import Gather, filled

__all__ = ["ReduceAt", "identity_of"]

_UFUNCS = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def identity_of(reduce: str, d: np.dtype[Any]) -> Any:
    """What changes nothing when it takes part in a reduction."""
    if reduce in ("sum", "mean", "prod"):
        return int(reduce == "prod")
    if d.kind in "iu":
        limits = np.iinfo(d)
        return int(limits.min if reduce == "amax" else limits.max)
    if d.kind == "b":
        return reduce == "amin"
    return -np.inf if reduce == "amax" else np.inf


class ReduceAt(Op):
    """y = x combined with all v that go to one place, by product, maximum or minimum.

    Product: the gradient of one factor is dy times the product of the others. Extrema: dy is shared
    evenly among all that equal y.
    """

    label = "ScatterReduceBackward0"

    @staticmethod
    def forward(
        ctx: Any, x: np.ndarray, v: Any, reduce: str, pattern: Any, *indices: np.ndarray
    ) -> np.ndarray:
        y = x.copy()
        _UFUNCS[reduce].at(y, filled(pattern, indices), v)
        ctx.save(x, v, y, *indices)
        ctx.reduce, ctx.pattern = reduce, pattern
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, v, y, *indices = ctx.saved
        if ctx.reduce == "prod":
            return _product_gradients(dy, x, v, ctx.pattern, indices)
        at_x, at_v = x == y, v == Gather.apply(y, ctx.pattern, *indices)
        share = dy / (at_x + AddCount.apply(at_v, x.shape, x.dtype, ctx.pattern, *indices))
        dv = np.where(at_v, Gather.apply(share, ctx.pattern, *indices), 0)
        return np.where(at_x, share, 0), dv


class AddCount(Op):
    """How many True values go to each place: no gradient."""

    @staticmethod
    def forward(
        ctx: Any, at: np.ndarray, shape: Any, d: Any, pattern: Any, *indices: np.ndarray
    ) -> np.ndarray:
        y = np.zeros(shape, getattr(d, "numpy", d))
        add_at(y, filled(pattern, indices), at.astype(y.dtype))
        return y


def _product_gradients(dy: Any, x: Any, v: Any, pattern: Any, indices: Any) -> tuple[Any, Any]:
    """With P the product of the nonzero factors and Z the number of zeros at each place: a nonzero
    factor f gets dy P / f where Z = 0, a zero gets dy P where it is the only one."""
    zero_x, zero_v = x == 0, v == 0
    ones_x, ones_v = np.where(zero_x, 1, x), np.where(zero_v, 1, v)
    product = ReduceAt.apply(ones_x, ones_v, "prod", pattern, *indices)
    zeros = zero_x + AddCount.apply(zero_v, x.shape, x.dtype, pattern, *indices)
    dx = np.where(zeros == zero_x, dy * product / ones_x, 0)
    at = Gather.apply(dy * product, pattern, *indices) / ones_v
    return dx, np.where(Gather.apply(zeros, pattern, *indices) == zero_v, at, 0)
