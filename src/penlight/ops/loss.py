"""Losses whose combined derivative is simpler than its parts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.ops.activation import Softplus
from penlight.ops.softmax import shifted

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "BinaryCrossEntropy",
    "CrossEntropy",
    "KLTarget",
    "PickLoss",
    "SmoothL1",
    "bce_with_logits",
]


class CrossEntropy(Op):
    """L_i = -w_i ln p_i[t_i], p = softmax(x) row by row; dx_i = w_i dL_i (p_i - e_t).

    The softmax and the logarithm cancel: the gradient is the predicted minus the true distribution.

    x is (N, C); t holds classes, w a weight per row (0: the row does not count). Returns L (N,) and
    z = ln p (N, C), from which label smoothing is computed; what comes back for z adds
    dz - p sum(dz).

    Source: Bishop, "Pattern Recognition and Machine Learning", Springer 2006, equation 4.109.
    """

    materialize = False

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, t: np.ndarray, w: np.ndarray) -> Any:
        z = shifted(x, 1)
        z -= np.log(np.add.reduce(np.exp(z), axis=1, keepdims=True))
        picked = z[np.arange(len(t)), t]
        ctx.save(z, t, w)
        return np.where(w == 0, 0, -w * picked).astype(x.dtype, copy=False), z

    @staticmethod
    def backward(ctx: Any, dy: Any, dz: Any) -> Any:
        z, t, w = ctx.saved
        p = np.exp(z)
        dx = None
        if dy is not None:
            truth = (np.arange(z.shape[1]) == t[:, None]).astype(w.dtype)
            dx = (p - truth) * (dy * w)[:, None]
        if dz is not None:
            part = dz - p * np.sum(dz, axis=1, keepdims=True)
            dx = part if dx is None else dx + part
        return dx


class PickLoss(Op):
    """L_i = -w_i z_i[t_i] for log-probabilities z; dz_i[t_i] = -w_i dL_i."""

    @staticmethod
    def forward(ctx: Any, z: np.ndarray, t: np.ndarray, w: np.ndarray) -> Any:
        ctx.save((np.arange(z.shape[1]) == t[:, None]) * -w[:, None])
        return np.where(w == 0, 0, -w * z[np.arange(len(t)), t]).astype(z.dtype, copy=False)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (share,) = ctx.saved
        return dy[:, None] * share


class BinaryCrossEntropy(Op):
    """L = -[t ln x + (1 - t) ln(1 - x)], logarithms held above -100; dx = dy (x - t) / (x (1 - x)).

    dt = dy (ln(1 - x) - ln x).
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, t: np.ndarray) -> Any:
        ctx.save(x, t)
        return -(t * _log_above(x) + (1 - t) * _log_above(1 - x))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, t = ctx.saved
        dx = dy * (x - t) / np.maximum(x * (1 - x), 1e-12)
        return dx, (dy * (_log_above(1 - x) - _log_above(x)) if ctx.edges[1] else None)


def _log_above(x: Any) -> Any:
    return np.maximum(np.log(x), -100.0)


def bce_with_logits(x: Tensor, t: Tensor, positive: Tensor | None) -> Tensor:
    """L = (1 - t) x + [1 + (w - 1) t] ln(1 + e^-x) for a weight w of positives.

    This is the binary cross-entropy of sigmoid(x), without forming it.
    """
    share = 1 if positive is None else (positive - 1) * t + 1
    return (1 - t) * x + Softplus.apply(-x, 1.0, math.inf) * share  # type: ignore[no-any-return]


class SmoothL1(Op):
    """L = e^2 s / 2 where |e| < c, else s c (|e| - c / 2), with e = x - t; dx = s dy clip(e, -c, c).

    SmoothL1 has s = 1 / beta, c = beta; Huber has s = 1, c = delta.

    Source: Huber, "Robust Estimation of a Location Parameter", 1964; Girshick, "Fast R-CNN", 2015.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, t: np.ndarray, s: float, c: float) -> Any:
        ctx.save(x, t)
        ctx.s, ctx.c = s, c
        size = np.abs(x - t)
        return np.where(size < c, size * size * (0.5 * s), (size - 0.5 * c) * (s * c))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, t = ctx.saved
        dx = dy * (np.minimum(np.maximum(x - t, -ctx.c), ctx.c) * ctx.s)
        return dx, (-dx if ctx.edges[1] else None)


class KLTarget(Op):
    """y = t ln t, and 0 at t = 0; dt = dy (ln t + 1)."""

    @staticmethod
    def forward(ctx: Any, t: np.ndarray) -> Any:
        ctx.save(t)
        return np.where(
            t > 0, t * np.log(np.where(t > 0, t, 1)), np.where(t == 0, 0, np.nan)
        ).astype(t.dtype, copy=False)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (t,) = ctx.saved
        return dy * (np.log(t) + 1)
