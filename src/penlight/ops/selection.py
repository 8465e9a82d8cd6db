"""Choosing between values elementwise: where, the larger, the smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.ops.promotion import promoted

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["maximum", "minimum", "where"]


class Where(Op):
    """y = a where the condition holds, else b; da = dy where it holds, db = dy where not."""

    @staticmethod
    def forward(ctx: Any, condition: np.ndarray, a: Any, b: Any) -> Any:
        ctx.save(condition)
        return np.where(condition, a, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (condition,) = ctx.saved
        _, need_a, need_b = ctx.edges
        da = np.where(condition, dy, 0) if need_a else None
        return None, da, (np.where(condition, 0, dy) if need_b else None)


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """``input`` where ``condition`` holds and ``other`` where not.

    Called with the condition alone it is ``nonzero(condition, as_tuple=True)``.

    Raises:
        TypeError: if the condition is not boolean.
    """
    if input is None and other is None:
        return tuple(wrap(TensorBase._result_type, i) for i in np.nonzero(condition._array))
    mask = condition._array if isinstance(condition, TensorBase) else np.asarray(condition)
    if mask.dtype not in (np.bool_, np.uint8):
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got {mask.dtype}")
    a, b = promoted(input, other, owner="where")
    return Where.apply(mask.astype(np.bool_, copy=False), a, b)


def share_of_larger(a: Any, b: Any, dy: Any) -> tuple[Any, Any]:
    """dy where a > b and where b > a; half of it in each where they are equal."""
    half = dy * 0.5
    equal = a == b
    return (
        np.where(equal, half, np.where(a > b, dy, 0)),
        np.where(equal, half, np.where(a > b, 0, dy)),
    )


class Maximum(Op):
    """y = max(a, b); dy goes to the larger one, half to each where they are equal."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save(a, b)
        return np.maximum(a, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved
        return share_of_larger(a, b, dy)


def maximum(input: Tensor, other: Any) -> Tensor:
    """The larger of the two, elementwise; NaN if either is NaN."""
    return Maximum.apply(*promoted(input, other, owner="maximum"))  # type: ignore[no-any-return]


class Minimum(Op):
    """y = min(a, b); dy goes to the smaller one, half to each where they are equal."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save(a, b)
        return np.minimum(a, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved
        return share_of_larger(b, a, dy)


def minimum(input: Tensor, other: Any) -> Tensor:
    """The smaller of the two, elementwise; NaN if either is NaN."""
    return Minimum.apply(*promoted(input, other, owner="minimum"))  # type: ignore[no-any-return]
