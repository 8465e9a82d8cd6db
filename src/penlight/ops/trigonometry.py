"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.ops.complex import conjugate
from penlight.ops.promotion import floating, promoted

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin",
    "asinh", "atan", "atan2", "atanh", "cos", "cosh", "deg2rad", "hypot", "rad2deg", "sin", "sinc", "sinh", "tan",
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
        return dy * conjugate(np.cos(x))


def sin(input: Tensor) -> Tensor:
    """The sine of radians, elementwise."""
    return Sin.apply(floating(input))


class Cos(Op):
    """y = cos x; dx = -dy sin x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.cos(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return -dy * conjugate(np.sin(x))


def cos(input: Tensor) -> Tensor:
    """The cosine of radians, elementwise."""
    return Cos.apply(floating(input))


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
        return dy * conjugate(y * y + 1)


def tan(input: Tensor) -> Tensor:
    """The tangent of radians, elementwise."""
    return Tan.apply(floating(input))


class Sinh(Op):
    """y = sinh x; dx = dy cosh x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.sinh(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * conjugate(np.cosh(x))


def sinh(input: Tensor) -> Tensor:
    """The hyperbolic sine, elementwise."""
    return Sinh.apply(floating(input))


class Cosh(Op):
    """y = cosh x; dx = dy sinh x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.cosh(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * conjugate(np.sinh(x))


def cosh(input: Tensor) -> Tensor:
    """The hyperbolic cosine, elementwise."""
    return Cosh.apply(floating(input))


class Asin(Op):
    """y = arcsin x; dx = dy / sqrt(1 - x^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arcsin(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / conjugate(np.sqrt(1 - x * x))


def asin(input: Tensor) -> Tensor:
    """The inverse sine, elementwise: NaN outside [-1, 1]."""
    return Asin.apply(floating(input))


class Acos(Op):
    """y = arccos x; dx = -dy / sqrt(1 - x^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arccos(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return -dy / conjugate(np.sqrt(1 - x * x))


def acos(input: Tensor) -> Tensor:
    """The inverse cosine, elementwise: NaN outside [-1, 1]."""
    return Acos.apply(floating(input))


class Atan(Op):
    """y = arctan x; dx = dy / (1 + x^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arctan(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / conjugate(x * x + 1)


def atan(input: Tensor) -> Tensor:
    """The inverse tangent, elementwise."""
    return Atan.apply(floating(input))


class Asinh(Op):
    """y = arsinh x; dx = dy / sqrt(x^2 + 1)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arcsinh(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / conjugate(np.sqrt(x * x + 1))


def asinh(input: Tensor) -> Tensor:
    """The inverse hyperbolic sine, elementwise."""
    return Asinh.apply(floating(input))


class Acosh(Op):
    """y = arcosh x; dx = dy / sqrt(x^2 - 1), NaN where y is.

    PyTorch squares x: its derivative vanishes above 2e19, and is a number below -1, where y is none.
    """

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arccosh(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / conjugate(np.sqrt(x - 1) * np.sqrt(x + 1))


def acosh(input: Tensor) -> Tensor:
    """The inverse hyperbolic cosine, elementwise: NaN below 1."""
    return Acosh.apply(floating(input))


class Atanh(Op):
    """y = artanh x; dx = dy / (1 - x^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.arctanh(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy / conjugate(1 - x * x)


def atanh(input: Tensor) -> Tensor:
    """The inverse hyperbolic tangent, elementwise: NaN outside [-1, 1]."""
    return Atanh.apply(floating(input))


class Atan2(Op):
    """y = the angle of the point (b, a); da = dy b / (a^2 + b^2), db = -dy a / (a^2 + b^2).

    At the origin, where the angle has no derivative, and where the squares underflow, both are 0.
    """

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save(a, b)
        return np.arctan2(a, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved
        squares = a * a + b * b
        origin = squares == 0
        scaled = np.where(origin, 0, dy / np.where(origin, 1, squares))
        return scaled * b, -scaled * a


def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (other, input) in radians, in (-pi, pi]."""
    a, b = promoted(input, other, owner="atan2")
    return Atan2.apply(floating(a), floating(b))


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
    a, b = promoted(input, other, owner="hypot")
    return Hypot.apply(floating(a), floating(b))


class Scale(Op):
    """y = c x for a number c; dx = c dy."""

    @staticmethod
    def forward(ctx: Any, x: Any, c: float) -> Any:
        ctx.c = c
        return x * c

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy * ctx.c


class Deg2Rad(Scale):
    """Degrees as radians."""

    label = "Deg2RadBackward0"


class Rad2Deg(Scale):
    """Radians as degrees."""

    label = "Rad2DegBackward0"


def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians."""
    return Deg2Rad.apply(floating(input), math.pi / 180)


def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees."""
    return Rad2Deg.apply(floating(input), 180 / math.pi)


class Sinc(Op):
    """y = sin(pi x) / (pi x), 1 at 0; dx = dy (cos(pi x) - y) / x, 0 at 0."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return _sinc(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * conjugate(_sinc_slope(x))


def _sinc(x: Any) -> Any:
    scaled = np.where(x == 0, 1, x) * math.pi
    return np.where(x == 0, 1, np.sin(scaled) / scaled)


def _sinc_slope(x: Any) -> Any:
    """(cos(pi x) - sinc x) / x; near 0 its power series, which is free of cancellation."""
    near = np.abs(x) < 0.03
    safe = np.where(near, 1, x)
    s = x * x * math.pi**2
    series = x * math.pi**2 * (((s / 45360 - 1 / 840) * s + 1 / 30) * s - 1 / 3)
    return np.where(near, series, (np.cos(safe * math.pi) - _sinc(safe)) / safe)


def sinc(input: Tensor) -> Tensor:
    """sin(pi input) / (pi input), 1 at 0."""
    return Sinc.apply(floating(input))


arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
