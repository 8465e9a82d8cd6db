"""Padding."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from penlight.ops.padding import (
    ConstantPad,
    PadByIndex,
    circular_index,
    reflect_index,
    replicate_index,
)
from penlight.tensor import Tensor

__all__ = ["pad"]


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """``input`` with more elements around its last dimensions, or fewer where the padding is negative.

    Args:
        input: x.
        pad: (left, right) of the last dimension, then of the one before it, and so on.
        mode: ``"constant"`` fills with ``value``; ``"reflect"`` mirrors at the edge, ``"replicate"``
            repeats it, ``"circular"`` goes on at the other side. These three pad the last dimension
            of 2D and 3D inputs, the last two of 3D and 4D, the last three of 4D and 5D.
        value: for ``"constant"``. Default: 0.

    Raises:
        RuntimeError: if ``pad`` is too long, odd, or larger than the mode allows.
        NotImplementedError: for an unknown mode, or a rank that the mode does not pad.
    """
    amounts = _pairs(pad)
    if len(amounts) > input.ndim:
        raise RuntimeError(
            "pad: Padding length should be less than or equal to two times the input dimension but "
            f"got padding length {2 * len(amounts)} and input of dimension {input.ndim}"
        )
    size = tuple(input.shape[input.ndim - len(amounts) :])
    if any(
        n + p + q < 0 or n + p < 0 or n + q < 0 for n, (p, q) in zip(size, amounts, strict=True)
    ):
        raise RuntimeError(
            f"pad: the padding {tuple(pad)} takes away more than there is of {list(input.shape)}; "
            "the length of each dimension must be non-negative"
        )
    if mode == "constant":
        return ConstantPad.apply(input, amounts, 0 if value is None else value)
    if value:
        raise RuntimeError(f'pad: Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in _INDEX:
        raise NotImplementedError(
            f"pad: Unrecognised padding mode {mode}; expected constant, reflect, replicate or circular"
        )
    if not 1 <= len(amounts) <= 3 or input.ndim - len(amounts) not in (1, 2):
        raise NotImplementedError(
            f"pad: Padding size {2 * len(amounts)} is not supported for {input.ndim}D input tensor; "
            f'mode "{mode}" pads the last dimension of 2D or 3D inputs, the last two of 3D or 4D, the '
            "last three of 4D or 5D"
        )
    _check_sizes(mode, input, size, amounts)
    index = _INDEX[mode]
    indices = tuple(index(n, p, q) for n, (p, q) in zip(size, amounts, strict=True))
    return PadByIndex.apply(input, indices)


_INDEX = {"reflect": reflect_index, "replicate": replicate_index, "circular": circular_index}


def _pairs(pad: Any) -> tuple[tuple[int, int], ...]:
    """PyTorch's order, the last dimension first, as pairs in the order of the dimensions."""
    try:
        flat = [operator.index(p) for p in pad]
    except TypeError:
        raise TypeError(f"pad(): argument 'pad' must be tuple of ints, got {pad!r}") from None
    if len(flat) % 2:
        raise RuntimeError(f"pad: Padding length must be divisible by 2, got {tuple(pad)}")
    return tuple(zip(flat[::2], flat[1::2], strict=True))[::-1]


def _check_sizes(
    mode: str, input: Tensor, size: tuple[int, ...], amounts: tuple[tuple[int, int], ...]
) -> None:
    batched = input.ndim - len(size) == 2
    if 0 in (size if mode == "circular" else input.shape[1 if batched else 0 :]):
        raise RuntimeError(
            f"pad: mode {mode!r} expects a tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(input.shape)}"
        )
    for axis, (n, pair) in enumerate(zip(size, amounts, strict=True), input.ndim - len(size)):
        if mode == "reflect" and max(pair) >= n:
            raise RuntimeError(
                "pad: Padding size should be less than the corresponding input dimension, but got: "
                f"padding {pair} at dimension {axis} of input {list(input.shape)}"
            )
        if mode == "circular" and max(pair) > n + min(0, *pair):
            raise RuntimeError(
                f"pad: Padding value causes wrapping around more than once: padding {pair} at "
                f"dimension {axis} of input {list(input.shape)}"
            )
        if n + sum(pair) < 1:
            raise RuntimeError(
                f"pad: mode {mode!r} with padding {pair} at dimension {axis} of input "
                f"{list(input.shape)} leaves nothing"
            )
