"""Activation functions made of straight pieces, and the exponential rectifiers.

[condition] is 1 where the condition holds and 0 elsewhere. The functions are computed as sums of such
products rather than with ``np.where``: on inputs of random sign the processor would guess every second
branch wrong, which costs fifteen times the arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels.pointwise import (
    blockwise,
    clip,
    filled,
    gated,
    leaky,
    negative_part,
    positive_part,
)
from penlight.ops.promotion import require_floating

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "Elu", "Hardshrink", "Hardsigmoid", "Hardswish", "LeakyRelu", "Prelu", "Softshrink", "Threshold",
    "hardshrink", "hardtanh", "prelu",
]  # fmt: skip


class Hardtanh(Op):
    """y = x held between low and high; dx = dy [low < x < high], so 0 for NaN.

    PyTorch's gradient at NaN is 0 or dy by the place in the array.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, low: float, high: float) -> Any:
        ctx.save(x)
        ctx.low, ctx.high = low, high
        if x.dtype.kind in "iu":  # integers stay integers
            low, high = int(low), int(high)
        return clip(x, low, high)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        low, high = ctx.low, ctx.high
        return blockwise(lambda dy, x: gated(dy, (x > low) & (x < high)), dy, x)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """``input`` held between two bounds."""
    return Hardtanh.apply(input, min_val, max_val)


class LeakyRelu(Op):
    """y = max(x, 0) + s min(x, 0); dx = dy [x > 0] + s dy [x <= 0].

    The slope s is a number, or an array of one for each element (RReLU).

    Source: Maas, Hannun & Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, slope: Any) -> Any:
        ctx.save(x, slope)
        return leaky(x, x, slope)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, slope = ctx.saved
        return leaky(dy, x, slope)


class Prelu(Op):
    """y = max(x, 0) + w min(x, 0) with a learned w; dx = dy [x > 0] + w dy [x <= 0],
    dw = dy min(x, 0). An infinite w gives NaN also where x > 0: it is multiplied by 0 there.

    Source: He, Zhang, Ren & Sun, "Delving Deep into Rectifiers", 2015, equation 1.
    """

    label = "PreluKernelBackward0"

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any) -> Any:
        ctx.save(x, w)
        return positive_part(x) + w * negative_part(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, w = ctx.saved
        positive = x > 0
        return dy * positive + dy * w * ~positive, dy * negative_part(x)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where positive, else w x; one w, or one for each channel (dimension 1).

    Raises:
        RuntimeError: if ``weight`` has neither one element nor one per channel, more than one
            dimension, or another dtype than the input.
    """
    if weight.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}"
        )
    channels = input._array.shape[1] if input.ndim > 1 else 1
    if weight.numel() not in (1, channels):
        raise RuntimeError(
            "prelu: Mismatch of parameter numbers and input channel size. Found parameter numbers "
            f"= {weight.numel()} and channel size = {channels}."
        )
    if weight.dtype is not input.dtype:
        raise RuntimeError(
            f"prelu: input ({input.dtype}) and weight ({weight.dtype}) must have the same dtype"
        )
    shape = (1, -1) + (1,) * (input.ndim - 2) if input.ndim > 1 else (1,) * input.ndim
    return Prelu.apply(input, weight.reshape(shape))


class Elu(Op):
    """y = s max(x, 0) + s a (e^(r min(x, 0)) - 1); dx = s dy [x > 0] + s a r e^(r x) dy [x <= 0].

    ELU has s = r = 1; SELU scales (s) and CELU stretches (r = 1/a).

    Source: Clevert, Unterthiner & Hochreiter, "Fast and Accurate Deep Network Learning by
    Exponential Linear Units", 2016; Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, alpha: float, scale: float, rate: float) -> Any:
        ctx.save(x)
        ctx.alpha, ctx.scale, ctx.rate = alpha, scale, rate

        def kernel(y: Any, x: Any) -> None:
            np.multiply(negative_part(x), rate, out=y)
            np.expm1(y, out=y)
            y *= scale * alpha
            y += positive_part(x) if scale == 1 else positive_part(x) * scale

        return filled(kernel, x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        left, right = ctx.scale * ctx.alpha * ctx.rate, ctx.scale

        def formula(dy: Any, x: Any) -> Any:
            slope = np.exp(negative_part(x) * ctx.rate) * left  # on the right that is left
            return dy * (slope if left == right else slope + (x > 0) * (right - left))

        return blockwise(formula, dy, x)


class Threshold(Op):
    """y = x where x > t, else v; dx = dy [x > t]."""

    @staticmethod
    def forward(ctx: Any, x: Any, threshold: float, value: float) -> Any:
        above = ~(x <= threshold)  # so that NaN stays
        ctx.save(above)
        return np.where(above, x, x.dtype.type(value))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (above,) = ctx.saved
        return gated(dy, above)


class Hardshrink(Op):
    """y = x [|x| > s]; dx = dy [|x| > s]."""

    @staticmethod
    def forward(ctx: Any, x: Any, size: float) -> Any:
        outside = ~(np.abs(x) <= size)
        ctx.save(outside)
        return gated(x, outside)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (outside,) = ctx.saved
        return gated(dy, outside)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x where |x| exceeds ``lambd``, else 0."""
    require_floating("hardshrink", input)
    return Hardshrink.apply(input, lambd)


class Softshrink(Op):
    """y = x - clip(x, -s, s); dx = dy [|x| > s]."""

    @staticmethod
    def forward(ctx: Any, x: Any, size: float) -> Any:
        ctx.save(~(np.abs(x) <= size))
        return x - clip(x, -size, size)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (outside,) = ctx.saved
        return gated(dy, outside)


class Hardsigmoid(Op):
    """y = clip(x + 3, 0, 6) / 6; dx = dy / 6 [|x| < 3]."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)

        def kernel(y: Any, x: Any) -> None:
            np.add(x, 3, out=y)
            y.clip(0, 6, out=y)
            y *= 1 / 6

        return filled(kernel, x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return blockwise(lambda dy, x: gated(dy * (1 / 6), np.abs(x) < 3), dy, x)


class Hardswish(Op):
    """y = x clip(x + 3, 0, 6) / 6; dx = dy (clip(x + 3, 0, 6) + x [|x| < 3]) / 6.

    Source: Howard et al., "Searching for MobileNetV3", 2019, section 5.2.
    """

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)

        def kernel(y: Any, x: Any) -> None:
            np.add(x, 3, out=y)
            y.clip(0, 6, out=y)
            y *= x
            y *= 1 / 6

        return filled(kernel, x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return blockwise(
            lambda dy, x: (clip(x + 3, 0, 6) + gated(x, np.abs(x) < 3)) * (1 / 6) * dy, dy, x
        )
