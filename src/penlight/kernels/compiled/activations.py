"""Activation functions and their gradients in one pass; what needs an exponential in float32 alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.kernels import activations
from penlight.kernels.compiled.exponentials import logistic_of, normal_cdf_of, vector_exp
from penlight.kernels.compiled.loops import fit, in_pieces, loops

__all__ = [
    "gelu", "gelu_gradient", "gelu_tanh", "gelu_tanh_gradient", "sigmoid_gradient", "silu",
    "silu_gradient", "tanh_gradient",
]  # fmt: skip

_plain_gelu = activations.gelu
_plain_gelu_gradient = activations.gelu_gradient
_plain_gelu_tanh = activations.gelu_tanh
_plain_gelu_tanh_gradient = activations.gelu_tanh_gradient
_plain_sigmoid_gradient = activations.sigmoid_gradient
_plain_silu = activations.silu
_plain_silu_gradient = activations.silu_gradient
_plain_tanh_gradient = activations.tanh_gradient

_SMALL = 1 << 13  # elements; for fewer, three passes are faster than to call compiled code

_ONE, _HALF = np.float32(1), np.float32(0.5)
_DENSITY = np.float32(1 / math.sqrt(2 * math.pi))
_LINEAR, _CUBIC = np.float32(activations._GELU), np.float32(0.044715 * activations._GELU)
_SLOPE = np.float32(3 * 0.044715 * activations._GELU)


def _fit(dtypes: str, *arrays: Any) -> bool:
    """Whether these are alike, and of one of the dtypes."""
    first = arrays[0]
    for a in arrays:
        if type(a) is not np.ndarray or a.shape != first.shape:
            return False
    return first.dtype.char in dtypes and fit(*arrays)


def _filled(kernel: Any, work: int, *arrays: Any) -> Any:
    """A new array like the first one, which ``kernel(start, stop, y, *arrays)`` fills.

    Args:
        work: how many elements' reading takes as long as making one.
    """
    y = np.empty(arrays[0].shape, arrays[0].dtype)
    in_pieces(kernel, y.size, work * y.size, y.reshape(-1), *[a.reshape(-1) for a in arrays])
    return y


def _filled_two(kernel: Any, work: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y, s = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    in_pieces(kernel, x.size, work * x.size, y.reshape(-1), s.reshape(-1), x.reshape(-1))
    return y, s


# -- sigmoid and tanh ------------------------------------------------------------------------


@loops
def _sigmoid_gradient(start: int, stop: int, dx: Any, dy: Any, y: Any) -> None:
    one = dx.dtype.type(1)
    dx, dy, y = dx[start:stop], dy[start:stop], y[start:stop]
    for i in range(dx.size):
        dx[i] = dy[i] * (y[i] * (one - y[i]))


def sigmoid_gradient(dy: Any, y: Any) -> Any:
    """dx = dy y (1 - y)."""
    if not _fit("fd", dy, y) or dy.size < _SMALL:
        return _plain_sigmoid_gradient(dy, y)
    return _filled(_sigmoid_gradient, 1, dy, y)


@loops
def _tanh_gradient(start: int, stop: int, dx: Any, dy: Any, y: Any) -> None:
    one = dx.dtype.type(1)
    dx, dy, y = dx[start:stop], dy[start:stop], y[start:stop]
    for i in range(dx.size):
        dx[i] = dy[i] * (one - y[i] * y[i])


def tanh_gradient(dy: Any, y: Any) -> Any:
    """dx = dy (1 - y^2)."""
    if not _fit("fd", dy, y) or dy.size < _SMALL:
        return _plain_tanh_gradient(dy, y)
    return _filled(_tanh_gradient, 1, dy, y)


# -- GELU ------------------------------------------------------------------------------------


@loops
def _gelu(start: int, stop: int, y: Any, p: Any, x: Any) -> None:
    y, p, x = y[start:stop], p[start:stop], x[start:stop]
    for i in range(y.size):
        p[i] = normal_cdf_of(x[i])
        y[i] = x[i] * p[i]


def gelu(x: Any) -> tuple[Any, Any]:
    """y = x P and the normal distribution function P."""
    return _filled_two(_gelu, 2, x) if _fit("f", x) else _plain_gelu(x)


@loops
def _gelu_gradient(start: int, stop: int, dx: Any, dy: Any, x: Any, p: Any) -> None:
    dx, dy, x, p = dx[start:stop], dy[start:stop], x[start:stop], p[start:stop]
    for i in range(dx.size):
        dx[i] = dy[i] * (p[i] + x[i] * vector_exp(-(x[i] * x[i] * _HALF)) * _DENSITY)


def gelu_gradient(dy: Any, x: Any, p: Any) -> Any:
    """dx = dy (P + x e^(-x^2 / 2) / sqrt(2 pi))."""
    if not _fit("f", dy, x, p):
        return _plain_gelu_gradient(dy, x, p)
    return _filled(_gelu_gradient, 2, dy, x, p)


@loops
def _gelu_tanh(start: int, stop: int, y: Any, s: Any, x: Any) -> None:
    y, s, x = y[start:stop], s[start:stop], x[start:stop]
    for i in range(y.size):
        s[i] = logistic_of((x[i] * x[i] * _CUBIC + _LINEAR) * x[i])
        y[i] = x[i] * s[i]


def gelu_tanh(x: Any) -> tuple[Any, Any]:
    """y = x s and s = sigmoid(2 u)."""
    return _filled_two(_gelu_tanh, 2, x) if _fit("f", x) else _plain_gelu_tanh(x)


@loops
def _gelu_tanh_gradient(start: int, stop: int, dx: Any, dy: Any, x: Any, s: Any) -> None:
    dx, dy, x, s = dx[start:stop], dy[start:stop], x[start:stop], s[start:stop]
    for i in range(dx.size):
        slope = (x[i] * x[i] * _SLOPE + _LINEAR) * x[i]
        dx[i] = dy[i] * (s[i] + slope * s[i] * (_ONE - s[i]))


def gelu_tanh_gradient(dy: Any, x: Any, s: Any) -> Any:
    """dx = dy (s + x s (1 - s) 2 u')."""
    if not _fit("f", dy, x, s):
        return _plain_gelu_tanh_gradient(dy, x, s)
    return _filled(_gelu_tanh_gradient, 1, dy, x, s)


# -- SiLU ------------------------------------------------------------------------------------


@loops
def _silu(start: int, stop: int, y: Any, s: Any, x: Any) -> None:
    y, s, x = y[start:stop], s[start:stop], x[start:stop]
    for i in range(y.size):
        s[i] = logistic_of(x[i])
        y[i] = x[i] * s[i]


def silu(x: Any) -> tuple[Any, Any]:
    """y = x s and the sigmoid s."""
    return _filled_two(_silu, 2, x) if _fit("f", x) else _plain_silu(x)


@loops
def _silu_gradient(start: int, stop: int, dx: Any, dy: Any, x: Any, s: Any) -> None:
    one = dx.dtype.type(1)
    dx, dy, x, s = dx[start:stop], dy[start:stop], x[start:stop], s[start:stop]
    for i in range(dx.size):
        dx[i] = dy[i] * s[i] * ((one - s[i]) * x[i] + one)


def silu_gradient(dy: Any, x: Any, s: Any) -> Any:
    """dx = dy s (1 + x (1 - s))."""
    if not _fit("fd", dy, x, s):
        return _plain_silu_gradient(dy, x, s)
    return _filled(_silu_gradient, 1, dy, x, s)
