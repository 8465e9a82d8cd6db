"""Activation functions and their gradients, for ndarrays and, the gradients, for Tensors too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.kernels.pointwise import blockwise, filled_two, logistic
from penlight.kernels.special import normal_cdf

__all__ = [
    "gelu", "gelu_gradient", "gelu_tanh", "gelu_tanh_gradient", "sigmoid_gradient", "silu",
    "silu_gradient", "tanh_gradient", "twice_u",
]  # fmt: skip


def sigmoid_gradient(dy: Any, y: Any) -> Any:
    """dx = dy y (1 - y)."""
    return blockwise(lambda dy, y: dy * (y * (1 - y)), dy, y)


def tanh_gradient(dy: Any, y: Any) -> Any:
    """dx = dy (1 - y^2)."""
    return blockwise(lambda dy, y: dy * (1 - y * y), dy, y)


def gelu(x: Any) -> tuple[Any, Any]:
    """y = x P and the normal distribution function P."""

    def formula(y: Any, p: Any, x: Any) -> None:
        normal_cdf(p, x)
        np.multiply(x, p, out=y)

    return filled_two(formula, x)


def gelu_gradient(dy: Any, x: Any, p: Any) -> Any:
    """dx = dy (P + x e^(-x^2 / 2) / sqrt(2 pi))."""
    c = 1 / math.sqrt(2 * math.pi)
    return blockwise(lambda dy, x, p: dy * (p + x * np.exp(x * x * -0.5) * c), dy, x, p)


_GELU = 2 * math.sqrt(2 / math.pi)


def twice_u(x: Any) -> Any:
    """2 u = 2 sqrt(2 / pi) (x + 0.044715 x^3)."""
    return (x * x * (0.044715 * _GELU) + _GELU) * x


def gelu_tanh(x: Any) -> tuple[Any, Any]:
    """y = x s and s = sigmoid(2 u)."""

    def formula(y: Any, s: Any, x: Any) -> None:
        logistic(s, twice_u(x))
        np.multiply(x, s, out=y)

    return filled_two(formula, x)


def gelu_tanh_gradient(dy: Any, x: Any, s: Any) -> Any:
    """dx = dy (s + x s (1 - s) 2 u')."""

    def formula(dy: Any, x: Any, s: Any) -> Any:
        slope = (x * x * (3 * 0.044715 * _GELU) + _GELU) * x
        return dy * (s + slope * s * (1 - s))

    return blockwise(formula, dy, x, s)


def silu(x: Any) -> tuple[Any, Any]:
    """y = x s and the sigmoid s."""

    def formula(y: Any, s: Any, x: Any) -> None:
        logistic(s, x)
        np.multiply(x, s, out=y)

    return filled_two(formula, x)


def silu_gradient(dy: Any, x: Any, s: Any) -> Any:
    """dx = dy s (1 + x (1 - s))."""
    return blockwise(lambda dy, x, s: dy * s * ((1 - s) * x + 1), dy, x, s)
