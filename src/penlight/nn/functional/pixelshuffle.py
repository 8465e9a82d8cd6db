"""Channels traded for pixels and back, and channels dealt out anew."""

from __future__ import annotations

import operator
from typing import Any

from penlight.ops.shuffling import ChannelShuffle, PixelShuffle, PixelUnshuffle
from penlight.tensor import Tensor

__all__ = ["channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(*, C r^2, H, W) to (*, C, H r, W r): each pixel's channels become a block of r x r pixels.

    Args:
        upscale_factor: r.

    Raises:
        RuntimeError: if the channels are not divisible by r^2.

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network", CVPR 2016.
    """
    r = _factor("pixel_shuffle", "upscale_factor", input, upscale_factor)
    if input.shape[-3] % r**2:
        raise RuntimeError(
            f"pixel_shuffle: the channels, input.size(-3) (={input.shape[-3]}), must be divisible by "
            f"the square of upscale_factor (={r})"
        )
    return PixelShuffle.apply(input, r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(*, C, H r, W r) to (*, C r^2, H, W): the inverse of :func:`pixel_shuffle`.

    Args:
        downscale_factor: r.

    Raises:
        RuntimeError: if the height or the width is not divisible by r.
    """
    r = _factor("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    for what, dim in (("height", -2), ("width", -1)):
        if input.shape[dim] % r:
            raise RuntimeError(
                f"pixel_unshuffle: the {what}, input.size({dim}) (={input.shape[dim]}), must be "
                f"divisible by downscale_factor (={r})"
            )
    return PixelUnshuffle.apply(input, r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """(N, C, *) with the channels of g groups dealt out in turns: one of each group, then the next.

    Args:
        groups: g.

    Raises:
        RuntimeError: if there are fewer than 3 dimensions, or C is not divisible by g.

    Source: Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile
    Devices", CVPR 2018.
    """
    g = _integer("channel_shuffle", "groups", groups)
    if input.ndim < 3:
        raise RuntimeError(
            f"channel_shuffle: expected input with more than 2 dimensions, but got {list(input.shape)}"
        )
    if g < 1:
        raise RuntimeError(f"channel_shuffle: groups must be positive, got {g}")
    if input.shape[1] % g:
        raise RuntimeError(
            f"channel_shuffle: the number of channels (={input.shape[1]}) must be divisible by "
            f"groups (={g})"
        )
    return ChannelShuffle.apply(input, g)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """PyTorch's other name for :func:`channel_shuffle`."""
    return channel_shuffle(input, groups)


def _factor(name: str, argument: str, input: Tensor, value: Any) -> int:
    factor = _integer(name, argument, value)
    if input.ndim < 3:
        raise RuntimeError(
            f"{name}: expected input to have at least 3 dimensions, but got input with {input.ndim}"
        )
    if factor < 1:
        raise RuntimeError(f"{name}: expected a positive {argument}, but got {factor}")
    return factor


def _integer(name: str, argument: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        kind = type(value).__name__
        raise TypeError(f"{name}: {argument} must be an int, not {kind}: {value!r}") from None
