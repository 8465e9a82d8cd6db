"""Windows as columns, and back."""

from __future__ import annotations

import math
from typing import Any

from penlight._core.arguments import ntuple
from penlight._core.dtypes import bool_
from penlight.kernels.windows import Window
from penlight.nn.functional.windows import not_negative, symmetric, windows_of
from penlight.ops.conv import Fold, Unfold
from penlight.tensor import Tensor

__all__ = ["fold", "unfold"]

Ints = int | tuple[int, ...]


def unfold(
    input: Tensor, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
) -> Tensor:
    """Every window of an image as a column: y[n, (c, k), o] = x[n, c, o s + k d - p].

    Args:
        input: x, (N, C, H, W) or (C, H, W).
        kernel_size, dilation, padding, stride: as for :func:`conv2d`.

    Returns:
        y, (N, C K1 K2, L) or (C K1 K2, L), with L the number of windows.

    Raises:
        RuntimeError: if there is no window, or the input has another rank.

    Source: Chellapilla, Puri & Simard, "High Performance Convolutional Neural Networks for Document
    Processing", 2006.
    """
    window = _image_window("unfold", kernel_size, dilation, padding, stride)
    x, single = _image("unfold", input, 3)
    if min(window.output_size(x.shape[2:])) < 1:
        raise RuntimeError(
            f"unfold: Given input with spatial size {tuple(x.shape[2:])}, kernel_size="
            f"{window.kernel}, dilation={window.dilation}, padding={padding}, calculated shape of "
            f"the array of sliding blocks as {window.output_size(x.shape[2:])}, but its components "
            "must be at least one."
        )
    y = Unfold.apply(x, window)
    return y.squeeze(0) if single else y


def fold(
    input: Tensor,
    output_size: Ints,
    kernel_size: Ints,
    dilation: Ints = 1,
    padding: Ints = 0,
    stride: Ints = 1,
) -> Tensor:
    """Columns added back where :func:`unfold` takes them from: y[n, c, o s + k d - p] += x[n, (c, k), o].

    Args:
        input: x, (N, C K1 K2, L) or (C K1 K2, L).
        output_size: (H, W) of the result.
        kernel_size, dilation, padding, stride: as for :func:`conv2d`.

    Returns:
        y, (N, C, H, W) or (C, H, W).

    Raises:
        RuntimeError: if the input's sizes are not those that ``unfold`` gives.
    """
    window = _image_window("fold", kernel_size, dilation, padding, stride)
    size = ntuple(output_size, 2, "fold: output_size")
    x, single = _image("fold", input, 2)
    if x.shape[1] % math.prod(window.kernel):
        raise RuntimeError(
            "fold: Expected size of input's dimension 1 to be divisible by the product of "
            f"kernel_size, but got input.size(1)={x.shape[1]} and kernel_size={window.kernel}."
        )
    output = window.output_size(size)
    if min(output) < 1 or x.shape[2] != math.prod(output):
        raise RuntimeError(
            f"fold: Given output_size={size}, kernel_size={window.kernel}, dilation="
            f"{window.dilation}, padding={padding}, stride={window.stride}, expected size of "
            "input's dimension 2 to match the calculated number of sliding blocks "
            f"{' * '.join(map(str, output))} = {math.prod(output)}, but got input.size(2)="
            f"{x.shape[2]}."
        )
    y = Fold.apply(x, size, window)
    return y.squeeze(0) if single else y


def _image_window(name: str, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Window:
    amounts = symmetric(not_negative(name, "padding", padding, 2))
    return windows_of(name, kernel, stride, amounts, dilation, 2)


def _image(name: str, input: Tensor, single: int) -> tuple[Tensor, bool]:
    """``input`` with a batch, whether that was added; only the batch may be empty."""
    if input.ndim < 3 - (name == "fold"):
        raise IndexError(
            f"Dimension out of range: {name} expects {single}D or {single + 1}D input, got "
            f"{list(input.shape)}"
        )
    if (
        input.ndim not in (single, single + 1)
        or 0 in input.shape[1 if input.ndim > single else 0 :]
    ):
        raise RuntimeError(
            f"{name}: Expected {single}D or {single + 1}D (batch mode) tensor with possibly 0 batch "
            f"size and other non-zero dimensions for input, but got: {list(input.shape)}"
        )
    if input.dtype.is_floating_point or input.dtype.is_complex or input.dtype is bool_:
        return (input, False) if input.ndim > single else (input.unsqueeze(0), True)
    raise NotImplementedError(f"{name}: not implemented for {input.dtype}; use .float()")
