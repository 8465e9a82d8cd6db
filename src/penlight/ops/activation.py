"""Smooth activation functions and the rectifier; those made of pieces are in ``piecewise``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels import special
from penlight.kernels.pointwise import negative_part, positive_part
from penlight.ops.complex import conjugate
from penlight.ops.promotion import floating, real_floating

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "Gelu", "GeluTanh", "LogSigmoid", "Mish", "Sigmoid", "Silu", "Softplus", "erf", "erfc", "relu",
    "sigmoid", "tanh",
]  # fmt: skip


class Relu(Op):
    """y = max(x, 0); dx = dy [y > 0]."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = positive_part(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * (y > 0)


def relu(input: Tensor) -> Tensor:
    """max(input, 0), elementwise."""
    if input._array.dtype.kind in "bc":
        raise NotImplementedError(f"relu: not implemented for {input.dtype}")
    return Relu.apply(input)


# -- sigmoid and tanh ------------------------------------------------------------------------


class Sigmoid(Op):
    """y = 1 / (1 + e^-x); dx = dy y (1 - y). Where e^-x overflows, y is 0, as it should be."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.asarray(np.exp(-x))
        y += 1
        np.reciprocal(y, out=y)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * conjugate(y * (1 - y))


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input)), elementwise."""
    return Sigmoid.apply(floating(input))


class LogSigmoid(Op):
    """y = -ln(1 + e^-x) = min(x, 0) - ln(1 + e^-|x|); dx = dy / (1 + e^x)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return negative_part(x) - np.log1p(np.exp(-np.abs(x)))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * Sigmoid.apply(-x)


class Tanh(Op):
    """y = tanh x; dx = dy (1 - y^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.tanh(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * conjugate(1 - y * y)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, elementwise."""
    return Tanh.apply(floating(input))


# -- the error function and GELU -------------------------------------------------------------


class Erf(Op):
    """y = erf x; dx = dy (2 / sqrt(pi)) e^(-x^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return special.erf(np.asarray(x))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * np.exp(-(x * x)) * (2 / math.sqrt(math.pi))


def erf(input: Tensor) -> Tensor:
    """The error function, elementwise."""
    return Erf.apply(real_floating("erf", input))


class Erfc(Op):
    """y = 1 - erf x; dx = -dy (2 / sqrt(pi)) e^(-x^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return special.erfc(np.asarray(x))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return -Erf.backward(ctx, dy)


def erfc(input: Tensor) -> Tensor:
    """1 - erf(input), elementwise, accurate also where erf is nearly 1."""
    return Erfc.apply(real_floating("erfc", input))


class Gelu(Op):
    """y = x P with P = (1 + erf(x / sqrt 2)) / 2, the normal distribution function.

    dP = dy x, and dx = dy P + dP p with the density p = e^(-x^2 / 2) / sqrt(2 pi).

    Returns (y, P): P is not shown to users, but need not be computed again.

    Source: Hendrycks & Gimpel, "Gaussian Error Linear Units", 2016.
    """

    materialize = False

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        p = special.erf(np.asarray(x * math.sqrt(0.5)))
        p += 1
        p *= 0.5
        ctx.save(x, p)
        return x * p, p

    @staticmethod
    def backward(ctx: Any, dy: Any, dp: Any) -> Any:
        x, p = ctx.saved
        dx = None
        if dy is not None:
            dx = dy * p
            dp = dy * x if dp is None else dp + dy * x
        density = np.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
        return dp * density if dx is None else dx + dp * density


class GeluTanh(Op):
    """y = x (1 + tanh u) / 2 with u = sqrt(2/pi) (x + 0.044715 x^3), an approximation of GELU.

    dx = dy [(1 + tanh u) / 2 + x (1 - tanh^2 u) u' / 2].
    """

    label = "GeluBackward0"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return x * (np.tanh(_gelu_u(x)) * 0.5 + 0.5)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        th = np.tanh(_gelu_u(x))
        du = (x * x * (3 * 0.044715) + 1) * math.sqrt(2 / math.pi)
        return dy * (th * 0.5 + 0.5 + x * (1 - th * th) * du * 0.5)


def _gelu_u(x: Any) -> Any:
    return x * (x * x * 0.044715 + 1) * math.sqrt(2 / math.pi)


# -- smooth rectifiers -----------------------------------------------------------------------


class Silu(Op):
    """y = x s with the sigmoid s; ds = dy x, and dx = dy s + ds s (1 - s).

    Returns (y, s): s is not shown to users, but need not be computed again.

    Source: Elfwing, Uchibe & Doya, "Sigmoid-Weighted Linear Units", 2017.
    """

    materialize = False

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        s = Sigmoid.apply(x)
        ctx.save(x, s)
        return x * s, s

    @staticmethod
    def backward(ctx: Any, dy: Any, ds: Any) -> Any:
        x, s = ctx.saved
        slope = s * (1 - s)
        if dy is None:
            return ds * slope
        if ds is None:
            return dy * (s + x * slope)
        return dy * s + (ds + dy * x) * slope


class Softplus(Op):
    """y = ln(1 + e^(b x)) / b, and x where b x exceeds the threshold; dx = dy s(b x), or dy there.

    Computed as max(bx, 0) + ln(1 + e^-|bx|), which never overflows.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, beta: float, threshold: float) -> Any:
        ctx.save(x)
        ctx.beta, ctx.threshold = beta, threshold
        z = x * beta
        y = (positive_part(z) + np.log1p(np.exp(-np.abs(z)))) / beta
        linear = z > threshold
        return np.where(linear, x, y) if linear.any() else y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        z = x * ctx.beta
        return dy * np.maximum(Sigmoid.apply(z), z > ctx.threshold)


class Mish(Op):
    """y = x t with t = tanh(ln(1 + e^x)); dx = dy (t + x t').

    With e = e^x and n = e (e + 2): t = n / (n + 2) and t' = 4 e (e + 1) / (n + 2)^2, for one
    exponential in place of three functions. Far to the right t is 1 to all digits, and e is held there.

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        e = np.exp(np.minimum(x, _far(x)))
        n = e * (e + 2)
        return x * (n / (n + 2))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        e = np.exp(np.minimum(x, _far(x)))
        n = e * (e + 2)
        q = 1 / (n + 2)
        return dy * (n * q + x * (e * (e + 1) * 4 * q * q))


def _far(x: Any) -> int:
    """Beyond it tanh(ln(1 + e^x)) rounds to 1, while e^(2x) does not overflow yet."""
    return 5 if x.dtype.itemsize == 2 else 20
