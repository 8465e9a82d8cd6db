"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.ops.promotion import floating, promoted

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin",
    "asinh", "atan", "atan2", "atanh", "cos", "cosh", "hypot", "sin", "sinh", "tan",
]  # fmt: skip


class Sin(Op):
    """y = sin x; dx = dy cos x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.sin(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * np.cos(x)


def sin(input: Tensor) -> Tensor:
    """The sine of radians, elementwise."""
    return Sin.apply(floating(input))  # type: ignore[no-any-return]


class Cos(Op):
    """y = cos x; dx = -dy sin x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.cos(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return -dy * np.sin(x)


def cos(input: Tensor) -> Tensor:
    """The cosine of radians, elementwise."""
    return Cos.apply(floating(input))  # type: ignore[no-any-return]


class Tan(Op):
    """y = tan x; dx = dy (1 + y^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.tan(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * (y * y + 1)


def tan(input: Tensor) -> Tensor:
    """The tangent of radians, elementwise."""
    return Tan.apply(floating(input))  # type: ignore[no-any-return]


class Sinh(Op):
    """y = sinh x; dx = dy cosh x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.sinh(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * np.cosh(x)


def sinh(input: Tensor) -> Tensor:
    """The hyperbolic sine, elementwise."""
    return Sinh.apply(floating(input))  # type: ignore[no-any-return]


class Cosh(Op):
    """y = cosh x; dx = dy sinh x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.cosh(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * np.sinh(x)


def cosh(input: Tensor) -> Tensor:
    """The hyperbolic cosine, elementwise."""
    return Cosh.apply(floating(input))  # type: ignore[no-any-return]


class Asin(Op):
    """y = arcsin x; dx = dy / sqrt(1 - x^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arcsin(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / np.sqrt(1 - x * x)


def asin(input: Tensor) -> Tensor:
    """The inverse sine, elementwise: NaN outside [-1, 1]."""
    return Asin.apply(floating(input))  # type: ignore[no-any-return]


class Acos(Op):
    """y = arccos x; dx = -dy / sqrt(1 - x^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arccos(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return -dy / np.sqrt(1 - x * x)


def acos(input: Tensor) -> Tensor:
    """The inverse cosine, elementwise: NaN outside [-1, 1]."""
    return Acos.apply(floating(input))  # type: ignore[no-any-return]


class Atan(Op):
    """y = arctan x; dx = dy / (1 + x^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arctan(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / (x * x + 1)


def atan(input: Tensor) -> Tensor:
    """The inverse tangent, elementwise."""
    return Atan.apply(floating(input))  # type: ignore[no-any-return]


class Asinh(Op):
    """y = arsinh x; dx = dy / sqrt(x^2 + 1)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arcsinh(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / np.sqrt(x * x + 1)


def asinh(input: Tensor) -> Tensor:
    """The inverse hyperbolic sine, elementwise."""
    return Asinh.apply(floating(input))  # type: ignore[no-any-return]


class Acosh(Op):
    """y = arcosh x; dx = dy / sqrt(x^2 - 1)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arccosh(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / np.sqrt(x * x - 1)


def acosh(input: Tensor) -> Tensor:
    """The inverse hyperbolic cosine, elementwise: NaN below 1."""
    return Acosh.apply(floating(input))  # type: ignore[no-any-return]


class Atanh(Op):
    """y = artanh x; dx = dy / (1 - x^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arctanh(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / (1 - x * x)


def atanh(input: Tensor) -> Tensor:
    """The inverse hyperbolic tangent, elementwise: NaN outside [-1, 1]."""
    return Atanh.apply(floating(input))  # type: ignore[no-any-return]


class Atan2(Op):
    """y = the angle of the point (b, a); da = dy b / (a^2 + b^2), db = -dy a / (a^2 + b^2)."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save(a, b)
        return np.arctan2(a, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved
        scaled = dy / (a * a + b * b)
        return scaled * b, -scaled * a


def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (other, input) in radians, in (-pi, pi]."""
    a, b = promoted(input, other, owner="atan2")
    return Atan2.apply(floating(a), floating(b))  # type: ignore[no-any-return]


class Hypot(Op):
    """y = sqrt(a^2 + b^2); da = dy a / y, db = dy b / y."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        y = np.hypot(a, b)
        ctx.save(a, b, y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b, y = ctx.saved
        return dy * (a / y), dy * (b / y)


def hypot(input: Tensor, other: Tensor) -> Tensor:
    """sqrt(input^2 + other^2), without overflow."""
    return Hypot.apply(*promoted(input, other, owner="hypot"))  # type: ignore[no-any-return]


arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
