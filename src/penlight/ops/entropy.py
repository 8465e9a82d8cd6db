"""Terms of entropies, 0 where their factor is 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.ops.promotion import real_floating
from penlight.ops.special import real_pair

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["entr", "xlog1py"]


class SpecialEntr(Op):
    """y = -x ln x, 0 at 0, -inf below; dx = -dy (ln x + 1)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        y = -x * np.log(np.where(x > 0, x, 1))
        return np.where(x >= 0, y, np.where(x < 0, np.asarray(-np.inf, x.dtype), x))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return -dy * (np.log(x) + 1)


class SpecialXlog1Py(Op):
    """y = a ln(1 + b), 0 where a is 0.

    da = dy ln(1 + b) (0 where a is 0 and b <= -1), db = dy a / (1 + b).
    """

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save(a, b)
        y = a * np.log1p(np.where(a == 0, np.zeros_like(b), b))
        return np.where(np.isnan(b), np.asarray(np.nan, y.dtype), y)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved
        flat = (a == 0) & (b <= -1)
        return np.where(flat, 0, dy * np.log1p(np.where(flat, 0, b))), dy * a / (b + 1)


def entr(input: Tensor) -> Tensor:
    """-input ln(input): 0 at 0, -inf for negative numbers."""
    return SpecialEntr.apply(real_floating("entr", input))


def xlog1py(input: Any, other: Any) -> Tensor:
    """input * log1p(other), 0 where ``input`` is 0 (unless ``other`` is NaN)."""
    return SpecialXlog1Py.apply(*real_pair("xlog1py", input, other))
