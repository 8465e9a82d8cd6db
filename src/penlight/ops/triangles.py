"""Upper and lower triangles of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["tril", "triu"]


class Triangle(Op):
    """y = x with one triangle of its matrices zeroed; dx = dy likewise."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, k: int, upper: bool) -> np.ndarray:
        ctx.k, ctx.upper = k, upper
        return (np.triu if upper else np.tril)(x, k)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Triangle.apply(dy, ctx.k, ctx.upper)

    def name(self) -> str:
        return "TriuBackward0" if self.__dict__.get("upper") else "TrilBackward0"


def _triangle(name: str, input: Tensor, k: int, upper: bool) -> Tensor:
    if input._array.ndim < 2:
        raise RuntimeError(
            f"{name}: input tensor must have at least 2 dimensions, got {input._array.ndim}"
        )
    return Triangle.apply(input, int(k), upper)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrices' part on and below a diagonal, zeros above."""
    return _triangle("tril", input, diagonal, False)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrices' part on and above a diagonal, zeros below."""
    return _triangle("triu", input, diagonal, True)
