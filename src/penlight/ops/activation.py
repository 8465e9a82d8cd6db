"""Smooth activation functions and the rectifier; those made of pieces are in ``piecewise``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels import activations, special
from penlight.kernels.pointwise import (
    blockwise,
    filled,
    gated,
    logistic,
    negative_part,
    positive_part,
)
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
        return gated(dy, y)


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
        y = filled(logistic, x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return activations.sigmoid_gradient(dy, conjugate(y))


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input)), elementwise."""
    return Sigmoid.apply(floating(input))


class LogSigmoid(Op):
    """y = -ln(1 + e^-x) = min(x, 0) - ln(1 + e^-|x|); dx = dy / (1 + e^x)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return blockwise(lambda x: negative_part(x) - np.log1p(np.exp(-np.abs(x))), x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return blockwise(lambda dy, x: dy * Sigmoid.apply(-x), dy, x)


class Tanh(Op):
    """y = tanh x; dx = dy (1 - y^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = filled(lambda y, x: np.tanh(x, out=y), x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return activations.tanh_gradient(dy, conjugate(y))


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, elementwise."""
    return Tanh.apply(floating(input))


# -- the error function and GELU -------------------------------------------------------------


class Erf(Op):
    """y = erf x; dx = dy (2 / sqrt(pi)) e^(-x^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return blockwise(special.erf, x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return blockwise(lambda dy, x: dy * np.exp(-(x * x)) * (2 / math.sqrt(math.pi)), dy, x)


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

    dx = dy (P + x p) with the density p = P' = e^(-x^2 / 2) / sqrt(2 pi).

    Source: Hendrycks & Gimpel, "Gaussian Error Linear Units", 2016.
    """

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y, p = activations.gelu(x)
        ctx.save(x, p)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, p = ctx.saved
        if type(dy) is not np.ndarray:  # P is a function of x too
            p = (Erf.apply(x * math.sqrt(0.5)) + 1) * 0.5
        return activations.gelu_gradient(dy, x, p)


class GeluTanh(Op):
    """y = x s with s = (1 + tanh u) / 2 = sigmoid(2 u), u = sqrt(2/pi) (x + 0.044715 x^3): about GELU.

    dx = dy [s + x s (1 - s) 2 u'].
    """

    label = "GeluBackward0"

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y, s = activations.gelu_tanh(x)
        ctx.save(x, s)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, s = ctx.saved
        if type(dy) is not np.ndarray:
            s = Sigmoid.apply(activations.twice_u(x))
        return activations.gelu_tanh_gradient(dy, x, s)


# -- smooth rectifiers -----------------------------------------------------------------------


class Silu(Op):
    """y = x s with the sigmoid s; dx = dy s (1 + x (1 - s)).

    Source: Elfwing, Uchibe & Doya, "Sigmoid-Weighted Linear Units", 2017.
    """

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y, s = activations.silu(x)
        ctx.save(x, s)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, s = ctx.saved
        if type(dy) is not np.ndarray:  # s is a function of x too
            s = Sigmoid.apply(x)
        return activations.silu_gradient(dy, x, s)


class Softplus(Op):
    """y = ln(1 + e^(b x)) / b, and x where b x exceeds the threshold; dx = dy s(b x), or dy there.

    Computed as max(bx, 0) + ln(1 + e^-|bx|), which never overflows.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, beta: float, threshold: float) -> Any:
        ctx.save(x)
        ctx.beta, ctx.threshold = beta, threshold

        def formula(x: Any) -> Any:
            z = x if beta == 1 else x * beta
            y = positive_part(z) + np.log1p(np.exp(-np.abs(z)))
            if beta != 1:
                y = y / beta
            linear = z > threshold
            return np.where(linear, x, y) if linear.any() else y

        return blockwise(formula, x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved

        def formula(dy: Any, x: Any) -> Any:
            z = x * ctx.beta
            return dy * np.maximum(Sigmoid.apply(z), z > ctx.threshold)

        return blockwise(formula, dy, x)


class Mish(Op):
    """y = x t with t = tanh(ln(1 + e^x)); dx = dy (t + x t').

    With e = e^x and n = e (e + 2): t = n / (n + 2) and t' = 4 e (e + 1) / (n + 2)^2, for one
    exponential in place of three functions. Far to the right t is 1 to all digits, and e is held there, so that
    the derivative at infinity is 1, where PyTorch has infinity times 0.

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return blockwise(_mish, x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return blockwise(_mish_gradient, dy, x)


def _mish(x: Any) -> Any:
    e = np.exp(np.minimum(x, _far(x)))
    n = e * (e + 2)
    return x * (n / (n + 2))


def _mish_gradient(dy: Any, x: Any) -> Any:
    x = np.minimum(x, _far(x))  # beyond, x t' is less than the last digit
    e = np.exp(x)
    n = e * (e + 2)
    q = 1 / (n + 2)
    return dy * (n * q + x * (e * (e + 1) * 4 * q * q))


def _far(x: Any) -> int:
    """Beyond it tanh(ln(1 + e^x)) rounds to 1, while e^(2x) does not overflow yet."""
    return 5 if x.dtype.itemsize == 2 else 20
