"""Normalisation by the squares of neighbouring channels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels.windows import Window
from penlight.ops.joining import cat
from penlight.ops.pooling import SpreadWindows, SumPool

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["LocalResponseNorm", "channel_window", "cross_map_norm"]


def channel_window(before: int, after: int) -> Window:
    """The window of a channel with its neighbours, over data as (N, 1, C, rest)."""
    return Window((before + 1 + after, 1), (1, 1), ((before, after), (0, 0)), (1, 1))


def _power(s: Any, beta: float) -> Any:
    """s^-beta; the usual 3/4 by square roots, which are faster."""
    if beta == 0.75:
        root = np.sqrt(s)
        return 1 / (root * np.sqrt(root))
    return s**-beta


class LocalResponseNorm(Op):
    """y = x s^-b, s[c] = k + a times the sum of x[j]^2 over the window of channel c.

    dx = dy s^-b - 2 a b x t, t[j] = the sum of dy x s^(-b - 1) over the channels whose windows see j.

    x is (N, C, ...).
    """

    @staticmethod
    def forward(
        ctx: Any, x: np.ndarray, window: Window, a: float, b: float, k: float
    ) -> np.ndarray:
        ctx.save(x)
        ctx.options = window, a, b, k
        return x * _power(_sums(x, window, a, k), b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        window, a, b, k = ctx.options
        s = _sums(x, window, a, k)
        scaled = dy * _power(s, b)
        t = scaled * x / s
        seen = SpreadWindows.apply(_planes(t), _planes(t).shape[2:], window, 1)
        return scaled - 2 * a * b * x * seen.reshape(x.shape)


def _sums(x: Any, window: Window, a: float, k: float) -> Any:
    """s, of arrays or of tensors."""
    squares = _planes(x * x)
    return k + a * SumPool.apply(squares, window, squares.shape[2:], 1).reshape(x.shape)


def _planes(x: Any) -> Any:
    """(N, C, ...) as (N, 1, C, rest)."""
    return x.reshape(x.shape[0], 1, x.shape[1], math.prod(x.shape[2:]))


def cross_map_norm(x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
    """y = x (k + alpha / size * sums)^-beta, the sums of squares over the channels c - h ... c + h.

    h = floor((size - 1) / 2). As in PyTorch, channel 0 is in every sum.
    """
    h = (size - 1) // 2
    squares = x * x
    planes = _planes(squares)
    sums = SumPool.apply(planes, channel_window(h, h), planes.shape[2:], 1).reshape(x.shape)
    sums = cat([sums[:, : h + 1], sums[:, h + 1 :] + squares[:, :1]], 1)
    y: Tensor = x * _power(k + alpha / size * sums, beta)
    return y
