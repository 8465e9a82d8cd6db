"""Losses whose combined derivative is simpler than its parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels import softmax as kernels
from penlight.kernels.pointwise import blockwise, clip, negative_part, squared_distance
from penlight.ops.activation import Sigmoid
from penlight.ops.reduction import total_over
from penlight.ops.softmax import Softmax, shifted

__all__ = [
    "BCEWithLogits", "BinaryCrossEntropy", "CrossEntropy", "KLTarget", "NegativeLogLikelihood",
    "SmoothL1", "SquaredError",
]  # fmt: skip


# -- losses of classes -----------------------------------------------------------------------


class ClassLoss(Op):
    """What the losses of one class t among C share: L is (N, ...) for x of shape (N, C, ...).

    t holds a class for each distribution, w its weight (None: 1), and ``ignored`` is true where it
    does not count (None: nowhere); there t is 0. With ``scale`` the sum of L times it is returned.
    """

    def prepare(self, x: Any, t: np.ndarray, w: Any, ignored: Any, scale: float | None) -> Any:
        """x as (N, C, L); where the classes stand in it when it is flat, w and ``ignored`` (N, L)."""
        self.shape, self.target_shape, self.scale = x.shape, t.shape, scale
        n, c, positions = x.shape[0], x.shape[1], math.prod(x.shape[2:])
        places = np.arange(0, n * c, max(c, 1))[:, None] + t.reshape(n, positions)
        if positions != 1:
            places = places * positions + np.arange(positions)
        w, ignored = (None if a is None else a.reshape(places.shape) for a in (w, ignored))
        return x.reshape(n, c, positions), places, w, ignored

    def reduced(self, loss: np.ndarray, w: Any, ignored: Any) -> Any:
        """The losses (N, L) weighted, and summed up with ``scale``."""
        if w is not None:
            loss = loss * w
        if ignored is not None:
            loss[ignored] = 0
        if self.scale is None:
            return loss.reshape(self.target_shape)
        return (total_over(loss) * self.scale).astype(loss.dtype)

    def share(self, dy: Any, places: Any, w: Any, ignored: Any) -> Any:
        """The gradient of each loss before it was weighted and summed, (N, L) or one for all."""
        dy = dy.reshape(places.shape) if self.scale is None else dy * self.scale
        if w is not None:
            dy = dy * w
        return dy if ignored is None else np.where(ignored, 0, dy)


class CrossEntropy(ClassLoss):
    """L = -w ln p[t] with p = softmax(x) over the classes; dx = w dL (p - e_t).

    The softmax and the logarithm cancel: the gradient is the predicted minus the true distribution.
    Kept are e = e^(x - m) and its sums s, for p = e / s.

    Source: Bishop, "Pattern Recognition and Machine Learning", Springer 2006, equation 4.109.
    """

    label = "NllLossBackward0"

    @staticmethod
    def forward(
        ctx: Any, x: np.ndarray, t: np.ndarray, w: Any, ignored: Any, scale: float | None
    ) -> Any:
        given, (x, places, w, ignored) = x, ctx.prepare(x, t, w, ignored, scale)
        if x.shape[2] == 1 and kernels.fits(x, 2):
            e, s, m = kernels.exponentials(x.reshape(x.shape[:2]))
            loss = np.log(s) - (x.reshape(-1)[places] - m)  # ln s + m would round at a large m
        else:
            e = shifted(x, 1)
            picked = e.reshape(-1)[places]
            np.exp(e, out=e)
            s = np.add.reduce(e, axis=1)
            loss = np.log(s) - picked
        ctx.save(given, e, s, places, w, ignored)
        return ctx.reduced(loss, w, ignored)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, e, s, places, w, ignored = ctx.saved
        share = ctx.share(dy, places, w, ignored)
        if type(dy) is not np.ndarray:
            n, c, *positions = x.shape
            p = Softmax.apply(x.reshape(n, c, math.prod(positions)), 1)
            dx = MinusOneHot.apply(p, places) * (share[:, None] if share.ndim else share)
        else:
            factor = share / s
            fast = e.ndim == 2
            dx = kernels.scaled(e, factor) if fast else np.multiply(e, factor[:, None], order="C")
            dx.reshape(-1)[places] -= share
        return dx.reshape(ctx.shape)


class MinusOneHot(Op):
    """y = p - e_t: one less at the given places of the flat array; dp = dy."""

    @staticmethod
    def forward(ctx: Any, p: np.ndarray, places: np.ndarray) -> np.ndarray:
        y = p.copy()
        y.reshape(-1)[places] -= 1
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy


class NegativeLogLikelihood(ClassLoss):
    """L = -w z[t] for log-probabilities z; dz[t] = -w dL, and 0 for the other classes."""

    label = "NllLossBackward0"

    @staticmethod
    def forward(
        ctx: Any, z: np.ndarray, t: np.ndarray, w: Any, ignored: Any, scale: float | None
    ) -> Any:
        z, places, w, ignored = ctx.prepare(z, t, w, ignored, scale)
        ctx.save(places, w, ignored)
        return ctx.reduced(-z.reshape(-1)[places], w, ignored)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        places, w, ignored = ctx.saved
        return Placed.apply(-ctx.share(dy, places, w, ignored), places, ctx.shape)


class Placed(Op):
    """y = x at the given places of a flat array, each named once, and 0 elsewhere; dx = dy there.

    x has a value for each place, or one for all.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, places: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        ctx.save(places)
        y = np.zeros(shape, x.dtype)
        y.reshape(-1)[places] = x
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (places,) = ctx.saved
        return dy.reshape(-1)[places]


# -- losses of probabilities -----------------------------------------------------------------


class BinaryCrossEntropy(Op):
    """L = -[t ln x + (1 - t) ln(1 - x)], logarithms held above -100; dx = dy (x - t) / (x (1 - x)).

    dt = dy (ln(1 - x) - ln x), of logarithms as they are.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, t: np.ndarray) -> Any:
        ctx.save(x, t)
        return -(t * _log_above(x) + (1 - t) * _log_above(1 - x))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, t = ctx.saved
        dx = dy * (x - t) / np.maximum(x * (1 - x), 1e-12)
        return dx, (dy * (np.log(1 - x) - np.log(x)) if ctx.edges[1] else None)


def _log_above(x: Any) -> Any:
    return np.maximum(np.log(x), -100.0)


class BCEWithLogits(Op):
    """L = (1 - t) x + q s with s = ln(1 + e^-x) and q = 1 + (w - 1) t, for a weight w of positives.

    This is the binary cross-entropy of sigmoid(x), without forming it: s' = -sigmoid(-x), so

        dx = dy (1 - t - q sigmoid(-x)),  dt = dy ((w - 1) s - x),  dw = dy t s.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, t: np.ndarray, w: Any) -> Any:
        ctx.save(x, t, w)
        if w is None:
            return blockwise(lambda x, t: (1 - t) * x + _softplus_of_minus(x), x, t)
        return (1 - t) * x + _softplus_of_minus(x) * ((w - 1) * t + 1)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, t, w = ctx.saved
        need_x, need_t, need_w = ctx.edges
        dx = dt = dw = None
        if need_x and w is None:
            dx = blockwise(lambda dy, x, t: dy * (Sigmoid.apply(x) - t), dy, x, t)
        elif need_x:
            dx = dy * (1 - t - Sigmoid.apply(-x) * ((w - 1) * t + 1))
        if need_t:
            dt = dy * (-x if w is None else (w - 1) * _softplus_of_minus(x) - x)
        if need_w:
            dw = dy * t * _softplus_of_minus(x)
        return dx, dt, dw


def _softplus_of_minus(x: Any) -> Any:
    """ln(1 + e^-x), which does not overflow."""
    return np.log1p(np.exp(-np.abs(x))) - negative_part(x)


class KLTarget(Op):
    """y = t ln t, and 0 at t = 0; dt = dy (ln t + 1)."""

    @staticmethod
    def forward(ctx: Any, t: np.ndarray) -> Any:
        ctx.save(t)
        return t * np.log(np.where(t == 0, t.dtype.type(1), t))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (t,) = ctx.saved
        return dy * (np.log(t) + 1)


# -- losses of numbers -----------------------------------------------------------------------


class SquaredError(Op):
    """L = (1/n) sum of (x - t)^2, n the number of elements or 1; dx = dL 2 (x - t) / n, dt = -dx."""

    label = "MseLossBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, t: np.ndarray, n: int) -> Any:
        ctx.save(x, t)
        ctx.n = n
        total = squared_distance(x, t)
        return (total / n if n else total * math.nan).astype(x.dtype)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, t = ctx.saved
        factor = dy * (2 / max(ctx.n, 1))
        dx = blockwise(lambda x, t: (x - t) * factor, x, t)
        return dx, (-dx if ctx.edges[1] else None)


class SmoothL1(Op):
    """L = e^2 s / 2 where |e| < c, else s c (|e| - c / 2), with e = x - t; dx = s dy clip(e, -c, c).

    SmoothL1 has s = 1 / beta, c = beta; Huber has s = 1, c = delta. With h = clip(e, -c, c), which
    is e within and c e / |e| beyond, both branches are L = s h (e - h / 2).

    Source: Huber, "Robust Estimation of a Location Parameter", 1964; Girshick, "Fast R-CNN", 2015.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, t: np.ndarray, s: float, c: float) -> Any:
        ctx.save(x, t)
        ctx.s, ctx.c = s, c

        def formula(x: Any, t: Any) -> Any:
            e = x - t
            h = clip(e, -c, c)
            return h * (e - h * 0.5) * s

        return blockwise(formula, x, t)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, t = ctx.saved
        dx = blockwise(lambda dy, x, t: clip(x - t, -ctx.c, ctx.c) * ctx.s * dy, dy, x, t)
        return dx, (-dx if ctx.edges[1] else None)
