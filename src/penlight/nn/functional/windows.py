"""What functions with sliding windows share: their arguments, brought to one form and checked."""

from __future__ import annotations

from typing import Any

from penlight._core.arguments import ntuple
from penlight.kernels.windows import Window
from penlight.tensor import Tensor

__all__: list[str] = []


def symmetric(amounts: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """The same padding on both sides."""
    return tuple((p, p) for p in amounts)


def positive(name: str, argument: str, value: Any, n: int) -> tuple[int, ...]:
    """``value`` as n integers above zero.

    Raises:
        RuntimeError: if one is not.
    """
    if type(value) is int and value > 0:
        return (value,) * n
    values = ntuple(value, n, f"{name}: {argument}")
    if min(values) < 1:
        raise RuntimeError(f"{name}: {argument} should be greater than zero, but got {value}")
    return values


def not_negative(name: str, argument: str, value: Any, n: int) -> tuple[int, ...]:
    """``value`` as n integers of at least zero.

    Raises:
        RuntimeError: if one is negative.
    """
    if type(value) is int and value >= 0:
        return (value,) * n
    values = ntuple(value, n, f"{name}: {argument}")
    if min(values) < 0:
        raise RuntimeError(f"{name}: {argument} must be non-negative, but got {value}")
    return values


def batched(name: str, input: Tensor, n: int) -> tuple[Tensor, bool]:
    """``input`` as (N, C, *S) with n spatial dimensions, and whether N was added.

    Raises:
        RuntimeError: if it has neither n + 1 nor n + 2 dimensions.
    """
    if input.ndim == n + 2:
        return input, False
    if input.ndim == n + 1:
        return input.unsqueeze(0), True
    raise RuntimeError(
        f"{name}: Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got "
        f"input of size: {list(input.shape)}"
    )


def nonempty(name: str, input: Tensor, n: int) -> tuple[Tensor, bool]:
    """``input`` as (N, C, *S) and whether N was added; only the batch may be empty."""
    single = input.ndim == n + 1
    if input.ndim not in (n + 1, n + 2) or 0 in input.shape[0 if single else 1 :]:
        raise RuntimeError(
            f"{name}: Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch "
            f"size for input, but got: {list(input.shape)}"
        )
    return (input.unsqueeze(0), True) if single else (input, False)


def windows_of(
    name: str,
    kernel: Any,
    stride: Any,
    padding: tuple[tuple[int, int], ...],
    dilation: Any,
    n: int,
) -> Window:
    """The window of the given geometry."""
    return Window(
        positive(name, "kernel_size", kernel, n),
        positive(name, "stride", stride, n),
        padding,
        positive(name, "dilation", dilation, n),
    )
