"""Exponentials, logarithms and roots."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels.pointwise import blockwise, filled
from penlight.ops.complex import conjugate
from penlight.ops.promotion import floating, promoted

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "rsqrt", "sqrt",
]  # fmt: skip


class Exp(Op):
    """y = e^x; dx = dy y."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = filled(lambda y, x: np.exp(x, out=y), x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return blockwise(lambda dy, y: dy * conjugate(y), dy, y)


def exp(input: Tensor) -> Tensor:
    """e ** input, elementwise."""
    return Exp.apply(floating(input))


class Log(Op):
    """y = ln x; dx = dy / x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return filled(lambda y, x: np.log(x, out=y), x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return blockwise(lambda dy, x: dy / conjugate(x), dy, x)


def log(input: Tensor) -> Tensor:
    """The natural logarithm, elementwise: -inf at 0, NaN below."""
    return Log.apply(floating(input))


class Sqrt(Op):
    """y = x^(1/2); dx = dy / (2 y)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = filled(lambda y, x: np.sqrt(x, out=y), x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return blockwise(lambda dy, y: dy / conjugate(y + y), dy, y)


def sqrt(input: Tensor) -> Tensor:
    """The square root, elementwise: NaN below 0."""
    return Sqrt.apply(floating(input))


class Exp2(Op):
    """y = 2^x; dx = dy y ln 2."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.exp2(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * conjugate(y) * math.log(2)


def exp2(input: Tensor) -> Tensor:
    """2 ** input, elementwise."""
    return Exp2.apply(floating(input))


class Expm1(Op):
    """y = e^x - 1; dx = dy (y + 1)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.expm1(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * conjugate(y + 1)


def expm1(input: Tensor) -> Tensor:
    """exp(input) - 1, accurate also near 0."""
    return Expm1.apply(floating(input))


class Log2(Op):
    """y = log2 x; dx = dy / (x ln 2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.log2(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / conjugate(x * math.log(2))


def log2(input: Tensor) -> Tensor:
    """The logarithm to base 2, elementwise."""
    return Log2.apply(floating(input))


class Log10(Op):
    """y = log10 x; dx = dy / (x ln 10)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.log10(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / conjugate(x * math.log(10))


def log10(input: Tensor) -> Tensor:
    """The logarithm to base 10, elementwise."""
    return Log10.apply(floating(input))


class Log1p(Op):
    """y = ln(1 + x); dx = dy / (1 + x)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.log1p(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / conjugate(x + 1)


def log1p(input: Tensor) -> Tensor:
    """log(1 + input), accurate also near 0."""
    return Log1p.apply(floating(input))


class Rsqrt(Op):
    """y = x^(-1/2); dx = -dy y^3 / 2."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = 1 / np.sqrt(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * conjugate(y * y * y) * -0.5


def rsqrt(input: Tensor) -> Tensor:
    """1 / sqrt(input), elementwise."""
    return Rsqrt.apply(floating(input))


class LogAddExp(Op):
    """y = ln(e^a + e^b); da = dy / (1 + e^(b - a)), db = dy / (1 + e^(a - b))."""

    label = "LogaddexpBackward0"

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save(a, b)
        return np.logaddexp(a, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved
        return dy / (1 + np.exp(b - a)), dy / (1 + np.exp(a - b))


def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """log(exp(input) + exp(other)), without overflow."""
    a, b = promoted(input, other, owner="logaddexp")
    return LogAddExp.apply(floating(a), floating(b))


class LogAddExp2(Op):
    """y = log2(2^a + 2^b); da = dy / (1 + 2^(b - a)), db = dy / (1 + 2^(a - b))."""

    label = "Logaddexp2Backward0"

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save(a, b)
        return np.logaddexp2(a, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved
        return dy / (1 + np.exp2(b - a)), dy / (1 + np.exp2(a - b))


def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """log2(2^input + 2^other), without overflow."""
    a, b = promoted(input, other, owner="logaddexp2")
    return LogAddExp2.apply(floating(a), floating(b))
