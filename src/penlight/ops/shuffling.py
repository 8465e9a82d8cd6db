"""Channels traded for pixels and back, and channels dealt out anew: permutations of the elements.

Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
Convolutional Neural Network", CVPR 2016; Zhang et al., "ShuffleNet", CVPR 2018.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.autograd.op import Op

__all__ = ["ChannelShuffle", "PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Op):
    """y[c, h r + i, w r + j] = x[c r^2 + i r + j, h, w]; dx = dy, unshuffled.

    x is (*, C r^2, H, W), y (*, C, H r, W r).
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, r: int) -> Any:
        ctx.r = r
        *batch, c, h, w = x.shape
        blocks = x.reshape(math.prod(batch), c // r**2, r, r, h, w).transpose(0, 1, 4, 2, 5, 3)
        y = np.empty((*batch, c // r**2, h * r, w * r), x.dtype)
        y.reshape(blocks.shape)[...] = blocks
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return PixelUnshuffle.apply(dy, ctx.r)


class PixelUnshuffle(Op):
    """y[c r^2 + i r + j, h, w] = x[c, h r + i, w r + j]; dx = dy, shuffled.

    x is (*, C, H r, W r), y (*, C r^2, H, W).
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, r: int) -> Any:
        ctx.r = r
        *batch, c, h, w = x.shape
        blocks = x.reshape(math.prod(batch), c, h // r, r, w // r, r).transpose(0, 1, 3, 5, 2, 4)
        y = np.empty((*batch, c * r**2, h // r, w // r), x.dtype)
        y.reshape(blocks.shape)[...] = blocks
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return PixelShuffle.apply(dy, ctx.r)


class ChannelShuffle(Op):
    """y[:, k g + i] = x[:, i n + k] for g groups of n channels; dx = dy, shuffled by n groups.

    x and y are (N, C, *), C = g n.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, g: int) -> Any:
        ctx.n = x.shape[1] // g
        y = np.empty(x.shape, x.dtype)
        if x.size:
            groups = x.reshape(x.shape[0], g, ctx.n, -1)
            y.reshape(x.shape[0], ctx.n, g, -1)[...] = groups.swapaxes(1, 2)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return ChannelShuffle.apply(dy, max(ctx.n, 1))
