"""Convolution and its gradients: three ops, each the derivative of the others.

A convolution is bilinear: with A(x, w) = y, the inner product <dy, A(x, w)> is linear in each of dy, x
and w. Its gradients with respect to x and w are two more bilinear maps, B(dy, w) = dx and C(x, dy) = dw:

    <dy, A(x, w)> = <B(dy, w), x> = <C(x, dy), w>.

The gradient of any of the three therefore is made of the other two, which makes derivatives of every
order; B is also known as the transposed convolution.

Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998; Dumoulin & Visin,
"A guide to convolution arithmetic for deep learning", 2016, chapter 4.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels import conv, windows
from penlight.kernels.sums import sum_along_rows
from penlight.kernels.windows import Size, Window
from penlight.ops.complex import conjugate

__all__ = ["Conv", "ConvInputGrad", "ConvWeightGrad", "Fold", "Unfold"]


class Conv(Op):
    """y[n, f, o] = b[f] + sum over c, k of w[f, c, k] x[n, c, o s + k d - p].

    dx = B(dy, w); dw = C(x, dy); db = the sum of dy over n and o.

    x is (N, C, *S), w (F, C / groups, *K), b (F,) or None, y (N, F, *O).
    """

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, b: Any, window: Window, groups: int) -> Any:
        need_x, need_w, *_ = ctx.edges
        ctx.save(x if need_w else None, w if need_x else None)
        ctx.size, ctx.window, ctx.groups = x.shape[2:], window, groups
        return conv.forward(x, w, b, window, groups)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, w = ctx.saved
        need_x, need_w, need_b, *_ = ctx.edges
        dx = dw = None
        if need_x:
            dx = ConvInputGrad.apply(dy, conjugate(w), None, ctx.size, ctx.window, ctx.groups)
        if need_w:
            dw = ConvWeightGrad.apply(conjugate(x), dy, ctx.window, ctx.groups)
        return dx, dw, (channel_sum(dy) if need_b else None)


class ConvInputGrad(Op):
    """y = B(x, w) + b, the transposed convolution: x[n, f, o] w[f, c, k] adds to y[n, c, o s + k d - p].

    dx = A(dy, w); dw = C(dy, x); db = the sum of dy over n and positions.

    x is (N, F, *O), w (F, C / groups, *K), b (C,) or None, y (N, C, *size).
    """

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, b: Any, size: Size, window: Window, groups: int) -> Any:
        need_x, need_w, *_ = ctx.edges
        ctx.save(x if need_w else None, w if need_x else None)
        ctx.window, ctx.groups = window, groups
        return conv.input_grad(x, w, size, window, groups, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, w = ctx.saved
        need_x, need_w, need_b, *_ = ctx.edges
        dx = dw = None
        if need_x:
            dx = Conv.apply(dy, conjugate(w), None, ctx.window, ctx.groups)
        if need_w:
            dw = ConvWeightGrad.apply(dy, conjugate(x), ctx.window, ctx.groups)
        return dx, dw, (channel_sum(dy) if need_b else None)


class ConvWeightGrad(Op):
    """y = C(x, g): y[f, c, k] = sum over n, o of g[n, f, o] x[n, c, o s + k d - p].

    dx = B(g, dy); dg = A(x, dy).

    x is (N, C, *S), g (N, F, *O), y (F, C / groups, *K).
    """

    @staticmethod
    def forward(ctx: Any, x: Any, g: Any, window: Window, groups: int) -> Any:
        need_x, need_g, *_ = ctx.edges
        ctx.save(x if need_g else None, g if need_x else None)
        ctx.size, ctx.window, ctx.groups = x.shape[2:], window, groups
        return conv.weight_grad(x, g, window, groups)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, g = ctx.saved
        need_x, need_g, *_ = ctx.edges
        dx = dg = None
        if need_x:
            dx = ConvInputGrad.apply(conjugate(g), dy, None, ctx.size, ctx.window, ctx.groups)
        if need_g:
            dg = Conv.apply(conjugate(x), dy, None, ctx.window, ctx.groups)
        return dx, dg


def channel_sum(dy: Any) -> Any:
    """The sum of (N, C, *O) over all but C; the longest runs first."""
    n, c = dy.shape[:2]
    runs = dy.reshape(n * c, math.prod(dy.shape[2:]))
    return np.sum(sum_along_rows(runs).reshape(n, c), axis=0)


class Unfold(Op):
    """y[n, (c, k), o] = x[n, c, o s + k d - p]: every window as a column; dx = the columns added back."""

    @staticmethod
    def forward(ctx: Any, x: Any, window: Window) -> Any:
        ctx.size, ctx.window = x.shape[2:], window
        return windows.gather(x, window)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Fold.apply(dy, ctx.size, ctx.window)


class Fold(Op):
    """y[n, c, o s + k d - p] = the sum of all x[n, (c, k), o] that meet there; dx = dy's windows."""

    @staticmethod
    def forward(ctx: Any, x: Any, size: Size, window: Window) -> Any:
        ctx.window = window
        return windows.add_back(x, size, window)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Unfold.apply(dy, ctx.window)
