"""Exponentials, logarithms and roots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.ops.promotion import floating

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["exp", "log", "sqrt"]


class Exp(Op):
    """y = e^x; dx = dy y."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.exp(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * y


def exp(input: Tensor) -> Tensor:
    """e ** input, elementwise."""
    return Exp.apply(floating(input))  # type: ignore[no-any-return]


class Log(Op):
    """y = ln x; dx = dy / x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.log(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / x


def log(input: Tensor) -> Tensor:
    """The natural logarithm, elementwise: -inf at 0, NaN below."""
    return Log.apply(floating(input))  # type: ignore[no-any-return]


class Sqrt(Op):
    """y = x^(1/2); dx = dy / (2 y)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.sqrt(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy / (y + y)


def sqrt(input: Tensor) -> Tensor:
    """The square root, elementwise: NaN below 0."""
    return Sqrt.apply(floating(input))  # type: ignore[no-any-return]
