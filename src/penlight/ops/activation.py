"""Activation functions: rectifiers and their smooth relatives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels import special
from penlight.ops.promotion import floating

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["Elu", "Gelu", "GeluTanh", "LeakyRelu", "Mish", "Prelu", "Silu", "Softplus", "erf", "erfc",
           "hardtanh", "logsigmoid", "relu", "sigmoid", "tanh"]  # fmt: skip


class Relu(Op):
    """y = max(x, 0); dx = dy where y > 0, else 0."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.maximum(x, 0)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * (y > 0)


def relu(input: Tensor) -> Tensor:
    """max(input, 0), elementwise."""
    return Relu.apply(input)  # type: ignore[no-any-return]


class Hardtanh(Op):
    """y = x held between low and high; dx = dy strictly between them, else 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, low: float, high: float) -> Any:
        ctx.save(x)
        ctx.low, ctx.high = low, high
        return np.minimum(np.maximum(x, low), high)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * ((x > ctx.low) & (x < ctx.high)), None, None


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """``input`` held between two bounds."""
    return Hardtanh.apply(input, min_val, max_val)  # type: ignore[no-any-return]


class LeakyRelu(Op):
    """y = x where x > 0, else s x; dx = dy or s dy.

    Source: Maas, Hannun & Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, slope: float) -> Any:
        ctx.save(x)
        ctx.slope = slope
        return np.where(x > 0, x, x * slope)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return np.where(x > 0, dy, dy * ctx.slope), None


class Prelu(Op):
    """y = x where x > 0, else w x with a learned w; dw = dy x where x <= 0.

    Source: He, Zhang, Ren & Sun, "Delving Deep into Rectifiers", 2015, equation 1.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any) -> Any:
        ctx.save(x, w)
        return np.where(x > 0, x, w * x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, w = ctx.saved
        return np.where(x > 0, dy, w * dy), np.where(x > 0, 0, x * dy)


class Elu(Op):
    """y = s x where x > 0, else s a (e^(r x) - 1); dx = s dy, or s a r e^(r x) dy.

    ELU has s = r = 1; SELU scales (s) and CELU stretches (r = 1/a).

    Source: Clevert, Unterthiner & Hochreiter, "Fast and Accurate Deep Network Learning by
    Exponential Linear Units", 2016; Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, alpha: float, scale: float, rate: float) -> Any:
        ctx.save(x)
        ctx.alpha, ctx.scale, ctx.rate = alpha, scale, rate
        negative = (scale * alpha) * np.expm1(np.minimum(x, 0) * rate)
        return np.where(x > 0, x * scale, negative)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        slope = ctx.scale * ctx.alpha * ctx.rate
        negative = dy * (np.exp(np.where(x > 0, 0, x) * ctx.rate) * slope)
        return np.where(x > 0, dy * ctx.scale, negative), None, None, None


def stable_sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x) as (1 + tanh(x/2)) / 2, which never overflows."""
    return np.tanh(x * 0.5) * 0.5 + 0.5


class Sigmoid(Op):
    """y = 1 / (1 + e^-x); dx = dy y (1 - y)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        e = np.exp(-np.abs(x))  # never overflows, and keeps the relative precision of small y
        y = np.where(x >= 0, 1, e) / (1 + e)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * (y * (1 - y))


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input)), elementwise."""
    return Sigmoid.apply(floating(input))  # type: ignore[no-any-return]


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
        return dy * (1 - y * y)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, elementwise."""
    return Tanh.apply(floating(input))  # type: ignore[no-any-return]


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
    return Erf.apply(floating(input))  # type: ignore[no-any-return]


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
    return Erfc.apply(floating(input))  # type: ignore[no-any-return]


class Gelu(Op):
    """y = x P(x), P the normal distribution function; dx = dy (P(x) + x p(x)), p its density.

    P(x) = (1 + erf(x / sqrt 2)) / 2, p(x) = e^(-x^2 / 2) / sqrt(2 pi).

    Source: Hendrycks & Gimpel, "Gaussian Error Linear Units", 2016.
    """

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return x * (Erf.apply(x * math.sqrt(0.5)) * 0.5 + 0.5)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        p = np.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
        return dy * (Erf.apply(x * math.sqrt(0.5)) * 0.5 + 0.5 + x * p)


class GeluTanh(Op):
    """y = x (1 + tanh u) / 2 with u = sqrt(2/pi) (x + 0.044715 x^3), an approximation of GELU.

    dx = dy [(1 + tanh u) / 2 + x (1 - tanh^2 u) u' / 2].
    """

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


class Silu(Op):
    """y = x s(x), s the sigmoid; dx = dy s (1 + x (1 - s)).

    Source: Elfwing, Uchibe & Doya, "Sigmoid-Weighted Linear Units", 2017.
    """

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return x * stable_sigmoid(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        s = stable_sigmoid(x)
        return dy * (s * (x * (1 - s) + 1))


class Softplus(Op):
    """y = ln(1 + e^(b x)) / b, and x where b x exceeds the threshold; dx = dy s(b x).

    Computed as max(bx, 0) + ln(1 + e^-|bx|), which never overflows.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, beta: float, threshold: float) -> Any:
        ctx.save(x)
        ctx.beta, ctx.threshold = beta, threshold
        z = x * beta
        y = (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta
        return np.where(z > threshold, x, y)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        z = x * ctx.beta
        return np.where(z > ctx.threshold, dy, dy * stable_sigmoid(z)), None, None


def logsigmoid(input: Tensor) -> Tensor:
    """ln(1 / (1 + exp(-input))) = -softplus(-input), elementwise."""
    return -Softplus.apply(-input, 1.0, math.inf)  # type: ignore[no-any-return]


class Mish(Op):
    """y = x t with t = tanh(softplus x); dx = dy (t + x (1 - t^2) s(x)).

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return x * np.tanh(Softplus.apply(x, 1.0, math.inf))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        th = np.tanh(Softplus.apply(x, 1.0, math.inf))
        return dy * (th + x * (1 - th * th) * stable_sigmoid(x))
