"""Choosing between values elementwise: where, the larger, the smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import dtypes
from penlight._core.arrays import as_array
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.ops.promotion import as_scalar, promoted

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["fmax", "fmin", "heaviside", "maximum", "minimum", "where"]


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
        TypeError: if the condition is no tensor, or only one of the two others is given.
        RuntimeError: if the condition is not boolean.
    """
    if not isinstance(condition, (TensorBase, np.ndarray)):
        raise TypeError(
            f"where(): argument 'condition' must be Tensor, not {type(condition).__name__}"
        )
    if input is None and other is None:
        mask = condition._array if isinstance(condition, TensorBase) else condition
        return tuple(wrap(TensorBase._result_type, i) for i in np.nonzero(np.atleast_1d(mask)))
    if (condition._array if isinstance(condition, TensorBase) else condition).dtype not in _MASKS:
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got {condition.dtype}"
        )
    a, b = promoted(input, other, owner="where")
    first: Any = a if isinstance(a, TensorBase) else b
    d = first.dtype
    pair = (
        x if isinstance(x, TensorBase) else _as_array(given, d)
        for x, given in ((a, input), (b, other))
    )  # fmt: skip
    if isinstance(condition, TensorBase) and condition._array.dtype == np.uint8:
        condition = condition != 0
    return Where.apply(condition, *pair)


_MASKS = (np.bool_, np.uint8)


def _as_array(number: Any, d: dtypes.dtype) -> np.ndarray:
    """A number in the other operand's dtype: ``np.where`` would not take it as weak for all."""
    return np.asarray(as_scalar(number, d, "where"), d.numpy)


def share_of_larger(a: Any, b: Any, dy: Any) -> tuple[Any, Any]:
    """dy where a > b and where b > a; half in each where they are equal; all where one is NaN."""
    half = dy * 0.5
    equal = a == b
    return (
        np.where(equal, half, np.where(a < b, 0, dy)),
        np.where(equal, half, np.where(b < a, 0, dy)),
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


def _pair(name: str, input: Any, other: Any) -> tuple[Any, ...]:
    """Promoted operands that have an order."""
    for x in (input, other):
        if not isinstance(x, TensorBase):
            raise TypeError(f"{name}(): expected two Tensors, got {type(x).__name__}")
        if x._array.dtype.kind == "c":
            raise RuntimeError(f"{name} not implemented for complex tensors; compare abs()")
    return promoted(input, other, owner=name)


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of the two, elementwise; NaN if either is NaN."""
    return Maximum.apply(*_pair("maximum", input, other))


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


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of the two, elementwise; NaN if either is NaN."""
    return Minimum.apply(*_pair("minimum", input, other))


class Fmax(Op):
    """y = max(a, b), of a number and NaN the number; dy goes to a where a >= b or b is NaN, else b."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save((a >= b) | np.isnan(b))
        return np.fmax(a, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (first,) = ctx.saved
        return np.where(first, dy, 0), np.where(first, 0, dy)


class Fmin(Op):
    """y = min(a, b), of a number and NaN the number; dy goes to a where a <= b or b is NaN, else b."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save((a <= b) | np.isnan(b))
        return np.fmin(a, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (first,) = ctx.saved
        return np.where(first, dy, 0), np.where(first, 0, dy)


def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of the two, elementwise; NaN only if both are."""
    return Fmax.apply(*_pair("fmax", input, other))


def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of the two, elementwise; NaN only if both are."""
    return Fmin.apply(*_pair("fmin", input, other))


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 below zero, 1 above, ``values`` at zero."""
    if input._array.dtype != values._array.dtype:
        raise RuntimeError(
            f"heaviside is not yet implemented for tensors with different dtypes: got {input.dtype} "
            f"and {values.dtype}"
        )
    step = np.heaviside(input._array, values._array).astype(input._array.dtype, copy=False)
    return wrap(TensorBase._result_type, as_array(step))
