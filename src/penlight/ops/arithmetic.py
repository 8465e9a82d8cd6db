"""Sums, products, quotients and powers.

Broadcast operands have gradients of the broadcast shape here; the engine sums them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import dtypes
from penlight._core.arrays import as_array
from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.ops.complex import conjugate
from penlight.ops.promotion import cast, floating, promoted

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "add", "div", "divide", "float_power", "mul", "multiply", "neg", "negative", "positive", "pow",
    "reciprocal", "rsub", "square", "sub", "subtract", "true_divide",
]  # fmt: skip

_NO_BOOL_MINUS = (
    "with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or "
    "`logical_not()` operator instead."
)


def is_bool(x: Any) -> bool:
    """Whether an operand, tensor or number, is boolean."""
    return x._array.dtype.kind == "b" if isinstance(x, TensorBase) else isinstance(x, bool)


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
        other = _scaled("add", input, other, alpha)
    return Add.apply(*promoted(input, other, owner="add"))


def _scaled(name: str, input: Any, other: Any, alpha: Any) -> Any:
    """alpha * other, unless alpha is of a higher category than both operands."""
    a, b = promoted(input, other, owner=name)
    kind = (a if isinstance(a, TensorBase) else b)._array.dtype.kind
    if kind in "bui" and isinstance(alpha, (float, complex)):
        raise RuntimeError(
            f"{name}: For integral input tensors, argument alpha must not be a floating point "
            f"number, got {alpha}"
        )
    if isinstance(alpha, bool) and kind != "b":
        raise RuntimeError(f"{name}: Boolean alpha only supported for Boolean results.")
    return other if kind == "b" else mul(other, alpha)


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
    if is_bool(input) or is_bool(other):
        raise RuntimeError(f"Subtraction, the `-` operator, {_NO_BOOL_MINUS}")
    if alpha != 1:
        other = _scaled("sub", input, other, alpha)
    return Sub.apply(*promoted(input, other, owner="sub"))


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
        if dy.dtype.kind == "c":
            b, a = conjugate(b), conjugate(a)
        return dy * b if need_a else None, dy * a if need_b else None


def mul(input: Tensor, other: Any) -> Tensor:
    """input * other."""
    return Mul.apply(*promoted(input, other, owner="mul"))


class Div(Op):
    """y = a / b; da = dy / b, db = -dy a / b^2."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save(a if ctx.edges[1] else None, b)  # not y: users may change it, ``p /= p.sum()``
        return np.true_divide(a, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved
        if dy.dtype.kind == "c":
            a, b = conjugate(a), conjugate(b)
        da = dy / b
        return da, (-da * (a / b) if ctx.edges[1] else None)


def div(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other; integers give the default floating dtype.

    Args:
        rounding_mode: ``None`` divides truly; ``"trunc"`` rounds to zero, ``"floor"`` down, and
            integers then stay integers.

    Raises:
        RuntimeError: for another ``rounding_mode``, and for integers rounded and divided by zero.
    """
    a, b = promoted(input, other, owner="div")
    if rounding_mode is None:
        return Div.apply(floating(a), floating(b))
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"{rounding_mode!r}"
        )
    return divide_rounded("div", a, b, rounding_mode)


def divide_rounded(name: str, a: Any, b: Any, rounding_mode: str) -> Tensor:
    """a / b rounded, for promoted operands."""
    check_divisor(name, a, b)
    return DivRounded.apply(a, b, rounding_mode)


def check_divisor(name: str, a: Any, b: Any) -> None:
    """Refuse what has no quotient: booleans, and integers divided by zero (floats give inf or NaN).

    Raises:
        NotImplementedError, RuntimeError.
    """
    kinds = [x._array.dtype.kind for x in (a, b) if isinstance(x, TensorBase)]
    if kinds[0] == "b":
        raise NotImplementedError(f"{name}: not implemented for bool; convert with .to(dtype)")
    if kinds[0] in "iu":
        divisor = as_array(b._array if isinstance(b, TensorBase) else b)
        if not divisor.all():
            raise RuntimeError(f"ZeroDivisionError: {name} of integers by zero")


class DivRounded(Op):
    """y = a / b rounded down or to zero: flat between its steps, so da = db = 0."""

    label = "DivBackward1"

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any, rounding_mode: str) -> Any:
        if rounding_mode == "floor":
            return _floor_divide(a, b)
        if np.result_type(a).kind in "iu":
            return np.floor_divide(a - np.fmod(a, b), b)
        return np.trunc(np.true_divide(a, b))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy * 0, dy * 0, None


def _floor_divide(a: Any, b: Any) -> Any:
    """NumPy gives NaN for a floating x // 0; PyTorch gives x / 0."""
    y = np.floor_divide(a, b)
    if y.dtype.kind == "f" and not np.all(b):
        return np.where(np.equal(b, 0), np.true_divide(a, b), y)
    return y


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
    if input._array.dtype.kind == "b":
        raise RuntimeError(f"Negation, the `-` operator, {_NO_BOOL_MINUS}")
    return Neg.apply(input)


def positive(input: Tensor) -> Tensor:
    """+input: the tensor itself."""
    if input._array.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


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
        return -dy * conjugate(y * y)


def reciprocal(input: Tensor) -> Tensor:
    """1 / input."""
    return Reciprocal.apply(floating(input))


class Square(Op):
    """y = x^2; dx = 2 x dy."""

    label = "PowBackward0"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return (dy + dy) * conjugate(x)


def square(input: Tensor) -> Tensor:
    """input ** 2."""
    return Square.apply(promoted(input, 2)[0])


class PowScalar(Op):
    """y = x^p for a number p; dx = dy p x^(p-1), and 0 for p = 0 also where x is 0."""

    label = "PowBackward0"

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
        return dy * conjugate(ctx.p * x ** (ctx.p - 1)), None


class Pow(Op):
    """y = a^b; da = dy b a^(b-1) (0 where b = 0), db = dy y ln a (0 where a = 0 and b >= 0)."""

    label = "PowBackward1"

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        y = _integer_power(a, b) if np.result_type(a, b).kind in "iu" else np.power(a, b)
        ctx.save(a, b, y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b, y = ctx.saved
        need_a, need_b = ctx.edges
        da = np.where(b == 0, 0, dy * conjugate(b * a ** (b - 1))) if need_a else None
        if not need_b:
            return da, None
        at_zero = (a == 0) & (np.real(b) >= 0)
        return da, np.where(at_zero, 0, dy * conjugate(y * np.log(np.where(at_zero, 1, a))))


def _integer_power(a: Any, b: Any) -> Any:
    """Powers of integers; a negative exponent gives 1 / a^|b| rounded to zero."""
    if not np.any(b < 0):
        return np.power(a, b)
    a = np.asarray(a, np.result_type(a, b))
    sign = np.where(b % 2 == 0, np.ones_like(a), a)
    return np.where(b < 0, np.where(np.abs(a) == 1, sign, 0), np.power(a, np.maximum(b, 0)))


def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent, either of them a number.

    Raises:
        RuntimeError: for integers to a negative integer power, which is not an integer.
    """
    base, p = promoted(input, exponent, owner="pow")
    kind = (base if isinstance(base, TensorBase) else p)._array.dtype.kind
    if kind == "b":
        raise NotImplementedError("pow: not implemented for bool; convert with .to(dtype)")
    if isinstance(p, TensorBase):
        return Pow.apply(base, p)
    if p == 2 and not isinstance(p, bool):
        return Square.apply(base)
    if p.__class__ is int and p < 0 and kind in "iu":
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return PowScalar.apply(base, p)


def float_power(input: Any, exponent: Any) -> Tensor:
    """input ** exponent, computed in float64 (complex128)."""

    def widened(x: Any) -> Any:
        if not isinstance(x, TensorBase):
            return x
        return cast(x, dtypes.complex128 if x._array.dtype.kind == "c" else dtypes.float64)

    return pow(widened(input), widened(exponent))


subtract, multiply, negative, divide, true_divide = sub, mul, neg, div, div
