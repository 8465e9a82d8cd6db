"""Convolutions, windows and pooling: a batch of inputs joins their own; a batch of weights, the groups."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.ops import conv, local_response, pooling, resampling, shuffling
from penlight.ops.batching.common import (
    expanded,
    folded,
    rank,
    reshaped,
    rule,
    shape,
    shared,
    unfolded,
)
from penlight.ops.batching.loop import loop
from penlight.ops.complex import conjugate
from penlight.ops.conv import Conv, ConvInputGrad, ConvWeightGrad

__all__ = ["SharedConv", "SharedConvInputGrad"]


# -- one weight, and a gradient of it for each sample -----------------------------------------------


def weight_gradients(x: Any, g: Any, window: Any, groups: int) -> Any:
    """C(x_i, g_i) for each sample: one weight gradient with a group for each.

    x is (B, N, C, *S), g (B, N, F, *O); the result (B, F, C / groups, *K).
    """
    size = x.shape[0]
    dw = ConvWeightGrad.apply(_into_channels(x), _into_channels(g), window, size * groups)
    return dw.reshape((size, dw.shape[0] // size, *dw.shape[1:]))


def _into_channels(x: Any) -> Any:
    """(B, N, C, *S) as (N, B C, *S)."""
    b, n, c, *s = x.shape
    return np.swapaxes(x, 0, 1).reshape((n, b * c, *s))


def _all_samples(x: Any) -> Any:
    """(B, N, ...) as (B N, ...)."""
    b, n, *rest = x.shape
    return x.reshape((b * n, *rest))


class SharedConv(Op):
    """:class:`Conv` of x_i and w for all samples i, where w is one for all and comes repeated.

    x is (B, N, C, *S), w (B, F, C / groups, *K) with a stride of 0 along its first axis. Each sample's
    gradient of w stays its own.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, window: Any, groups: int) -> Any:
        ctx.save(x, w)
        ctx.window, ctx.groups = window, groups
        y = Conv.apply(_all_samples(x), w[0], None, window, groups)
        return y.reshape((*x.shape[:2], *y.shape[1:]))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, w = ctx.saved
        need_x, need_w, *_ = ctx.edges
        dx = dw = None
        if need_x:
            size = x.shape[3:]
            dx = SharedConvInputGrad.apply(dy, conjugate(w), size, ctx.window, ctx.groups)
        if need_w:
            dw = weight_gradients(conjugate(x), dy, ctx.window, ctx.groups)
        return dx, dw


class SharedConvInputGrad(Op):
    """:class:`ConvInputGrad` in the same way: x is (B, N, F, *O), y (B, N, C, *size)."""

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, size: Any, window: Any, groups: int) -> Any:
        ctx.save(x, w)
        ctx.window, ctx.groups = window, groups
        y = ConvInputGrad.apply(_all_samples(x), w[0], None, size, window, groups)
        return y.reshape((*x.shape[:2], *y.shape[1:]))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, w = ctx.saved
        need_x, need_w, *_ = ctx.edges
        dx = SharedConv.apply(dy, conjugate(w), ctx.window, ctx.groups) if need_x else None
        dw = weight_gradients(dy, conjugate(x), ctx.window, ctx.groups) if need_w else None
        return dx, dw


SHARED = {Conv: SharedConv, ConvInputGrad: SharedConvInputGrad}


# -- rules ---------------------------------------------------------------------------------------


@rule(Conv, ConvInputGrad)
def _conv(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, w, b, *options, groups = values
    own_bias = b if not batched[2] else None
    if not batched[1]:
        y = op.apply(folded(expanded(x, batched[0], size)), w, own_bias, *options, groups)
        y = unfolded(y, size)
    elif batched[0] and shared(w):
        y = SHARED[op].apply(x, w, *options, groups)
    else:
        x = expanded(x, batched[0], size)
        y = op.apply(folded(x, 1), folded(w), None, *options, size * groups)
        y = unfolded(y, size, 1)
    if b is None or (own_bias is not None and not batched[1]):
        return y
    ones = (1,) * (len(shape(y)) - 3)
    return y + (
        reshaped(b, (size, 1, shape(b)[1], *ones)) if batched[2] else reshaped(b, (-1, *ones))
    )


@rule(ConvWeightGrad)
def _conv_weight_grad(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, g, window, groups = values
    x, g = expanded(x, batched[0], size), expanded(g, batched[1], size)
    dw = op.apply(folded(x, 1), folded(g, 1), window, size * groups)
    return unfolded(dw, size)


@rule(
    conv.Unfold, conv.Fold, pooling.SumPool, pooling.SpreadWindows, pooling.MaxPool, pooling.AdaptiveMaxPool,
    local_response.LocalResponseNorm, shuffling.ChannelShuffle, shuffling.PixelShuffle,
    shuffling.PixelUnshuffle, resampling.RepeatBlocks, resampling.SumBlocks, resampling.Mix,
    resampling.CopyElements,
)  # fmt: skip
def _of_each_input(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    """Ops of one tensor (N, C, ...) that treat all inputs alike."""
    if any(batched[1:]) or rank(values[0], True) < 3:
        return loop(op, size, values, batched)
    y = op.apply(folded(values[0]), *values[1:])
    return tuple(unfolded(part, size) for part in y) if isinstance(y, tuple) else unfolded(y, size)


@rule(pooling.PutAt, pooling.PickAt)
def _at_places(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, places, *options = values
    x, places = (expanded(v, b, size) for v, b in zip((x, places), batched, strict=False))
    return unfolded(op.apply(folded(x), folded(places), *options), size)
