"""Activation functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["relu"]


class Relu(Op):
    """y = max(x, 0); dx = dy where y > 0, else 0."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.maximum(x, 0)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * (y > 0)


def relu(input: Tensor) -> Tensor:
    """max(input, 0), elementwise."""
    return Relu.apply(input)  # type: ignore[no-any-return]
