"""The normal distribution function and its relatives, as ``penlight.special`` has them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels import normal
from penlight.kernels.bessel import wide
from penlight.ops.promotion import real_floating

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["erfcx", "log_ndtr", "ndtr", "ndtri"]


class SpecialErfcx(Op):
    """y = e^(x^2) erfc x; dx = dy (2 x y - 2 / sqrt pi)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = wide(normal.erfcx, x)
        ctx.save(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, y = ctx.saved
        return dy * (2 * x * y - 2 / math.sqrt(math.pi))


class Ndtr(Op):
    """y = P(x), the integral of the density p(t) = e^(-t^2 / 2) / sqrt(2 pi) up to x; dx = dy p(x)."""

    label = "MulBackward1"  # PyTorch makes it of erf

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return wide(normal.ndtr, x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * np.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))


class DensityRatio(Op):
    """m = p(x) / P(x) = sqrt(2 / pi) / erfcx(-x / sqrt 2); dx = -dy m (x + m)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        m = wide(lambda x: math.sqrt(2 / math.pi) / normal.erfcx(x * -math.sqrt(0.5)), x)
        ctx.save(x, m)
        return m

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, m = ctx.saved
        return -dy * m * (x + m)


class SpecialLogNdtr(Op):
    """y = ln P(x); dx = dy p(x) / P(x)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return wide(normal.log_ndtr, x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * DensityRatio.apply(x)


class SpecialNdtri(Op):
    """y with P(y) = x; dx = dy / p(y) = dy sqrt(2 pi) e^(y^2 / 2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = wide(normal.ndtri, x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * np.exp(y * y * 0.5) * math.sqrt(2 * math.pi)


def _no_half(name: str, input: Any) -> Any:
    if input._array.dtype.char == "e":
        raise NotImplementedError(f"{name}: not implemented for {input.dtype}")
    return real_floating(name, input)


def erfcx(input: Tensor) -> Tensor:
    """e^(x^2) erfc(x), the complementary error function without its fall: 1 / (x sqrt pi) for large x."""
    return SpecialErfcx.apply(_no_half("erfcx", input))


def ndtr(input: Tensor) -> Tensor:
    """The area below the normal density up to ``input``; all digits of it in the tails, too."""
    return Ndtr.apply(real_floating("ndtr", input))


def log_ndtr(input: Tensor) -> Tensor:
    """The logarithm of :func:`ndtr`, also where that is too small for a number."""
    return SpecialLogNdtr.apply(_no_half("log_ndtr", input))


def ndtri(input: Tensor) -> Tensor:
    """The inverse of :func:`ndtr`: -inf at 0, inf at 1, NaN beyond."""
    return SpecialNdtri.apply(_no_half("ndtri", input))
