"""Sums, products, quotients and powers.

Broadcast operands have gradients of the broadcast shape here; the engine sums them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.ops.promotion import floating, promoted

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "add", "div", "divide", "mul", "multiply", "neg", "negative", "pow", "reciprocal", "rsub",
    "square", "sub", "subtract", "true_divide",
]  # fmt: skip


class Add(Op):
    """y = a + b; da = dy, db = dy."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        return a + b

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy, dy


def add(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """input + alpha * other."""
    if alpha != 1:
        other = mul(other, alpha)
    return Add.apply(*promoted(input, other, owner="add"))  # type: ignore[no-any-return]


class Sub(Op):
    """y = a - b; da = dy, db = -dy."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        return a - b

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy, (-dy if ctx.edges[1] else None)


def sub(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """input - alpha * other.

    Raises:
        RuntimeError: for booleans, whose difference PyTorch leaves undefined.
    """
    if alpha != 1:
        other = mul(other, alpha)
    a, b = promoted(input, other, owner="sub")
    if any(getattr(getattr(x, "_array", x), "dtype", None) == np.bool_ for x in (a, b)):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying "
            "to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return Sub.apply(a, b)  # type: ignore[no-any-return]


def rsub(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """other - alpha * input."""
    return sub(other, input, alpha=alpha)


class Mul(Op):
    """y = a b; da = dy b, db = dy a."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        need_a, need_b = ctx.edges
        ctx.save(b if need_a else None, a if need_b else None)
        return a * b

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        b, a = ctx.saved
        need_a, need_b = ctx.edges
        return dy * b if need_a else None, dy * a if need_b else None


def mul(input: Tensor, other: Any) -> Tensor:
    """input * other."""
    return Mul.apply(*promoted(input, other, owner="mul"))  # type: ignore[no-any-return]


class Div(Op):
    """y = a / b; da = dy / b, db = -dy y / b."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        y = np.true_divide(a, b)
        ctx.save(b, y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        b, y = ctx.saved
        da = dy / b
        return da, (-da * y if ctx.edges[1] else None)


def div(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other; integers give the default floating dtype.

    Args:
        rounding_mode: ``None`` divides truly; ``"trunc"`` rounds to zero, ``"floor"`` down, and
            integers then stay integers.

    Raises:
        RuntimeError: for another ``rounding_mode``.
    """
    a, b = promoted(input, other, owner="div")
    if rounding_mode is not None:
        if rounding_mode not in ("trunc", "floor"):
            raise RuntimeError(
                "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
                f"{rounding_mode!r}"
            )
        return DivRounded.apply(a, b, rounding_mode)  # type: ignore[no-any-return]
    return Div.apply(floating(a), floating(b))  # type: ignore[no-any-return]


class DivRounded(Op):
    """y = a / b rounded down or to zero: flat between its steps, so da = db = 0."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any, rounding_mode: str) -> Any:
        if rounding_mode == "floor":
            return np.floor_divide(a, b)
        if np.result_type(a).kind in "iu":
            return np.floor_divide(a - np.fmod(a, b), b)
        return np.trunc(np.true_divide(a, b))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy * 0, dy * 0, None


class Neg(Op):
    """y = -x; dx = -dy."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return np.negative(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return -dy


def neg(input: Tensor) -> Tensor:
    """-input."""
    if input._array.dtype == np.bool_:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
            "invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return Neg.apply(input)  # type: ignore[no-any-return]


class Reciprocal(Op):
    """y = 1 / x; dx = -dy y^2."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.reciprocal(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return -dy * y * y


def reciprocal(input: Tensor) -> Tensor:
    """1 / input."""
    return Reciprocal.apply(floating(input))  # type: ignore[no-any-return]


class Square(Op):
    """y = x^2; dx = 2 x dy."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return (dy + dy) * x


def square(input: Tensor) -> Tensor:
    """input ** 2."""
    return Square.apply(input)  # type: ignore[no-any-return]


class PowScalar(Op):
    """y = x^p for a number p; dx = dy p x^(p-1), and 0 for p = 0 also where x is 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, p: Any) -> Any:
        ctx.save(x)
        ctx.p = p
        return np.power(x, p)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        if ctx.p == 0:
            return dy * 0, None
        return dy * ctx.p * x ** (ctx.p - 1), None


class Pow(Op):
    """y = a^b; da = dy b a^(b-1) (0 where b = 0), db = dy y ln a (0 where a = 0 and b >= 0)."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        y = np.power(a, b)
        ctx.save(a, b, y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b, y = ctx.saved
        need_a, need_b = ctx.edges
        da = np.where(b == 0, 0, dy * b * a ** (b - 1)) if need_a else None
        if not need_b:
            return da, None
        at_zero = (a == 0) & (b >= 0)
        return da, np.where(at_zero, 0, dy * y * np.log(np.where(at_zero, 1, a)))


def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent, either of them a number.

    Raises:
        RuntimeError: for integers to a negative integer power, which is not an integer.
    """
    base, p = promoted(input, exponent, owner="pow")
    if isinstance(p, int) and not isinstance(p, bool):
        if p == 2:
            return Square.apply(base)  # type: ignore[no-any-return]
        if p < 0 and base._array.dtype.kind in "iu":
            raise RuntimeError("Integers to negative integer powers are not allowed.")
    if isinstance(p, (int, float)):
        return PowScalar.apply(base, p)  # type: ignore[no-any-return]
    return Pow.apply(base, p)  # type: ignore[no-any-return]


subtract, multiply, negative, divide, true_divide = sub, mul, neg, div, div
