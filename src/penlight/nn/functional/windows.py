"""What functions with sliding windows share: their arguments, brought to one form and checked."""

from __future__ import annotations

from typing import Any

from penlight._core.arguments import ntuple
from penlight.kernels.windows import Window
from penlight.tensor import Tensor

__all__: list[str] = []


def exact(value: Any, n: int, name: str, argument: str) -> Any:
    """An option as it may be a key of a cache: an int, a tuple of ints, a string or None.

    1.0 and True, which are equal to 1 as keys, are turned into ints or refused.
    """
    kind = type(value)
    if kind is int or kind is str or value is None:
        return value
    if kind is tuple:
        for v in value:
            if type(v) is not int:
                break
        else:
            return value
    return tuple(map(int, ntuple(value, n, f"{name}: {argument}")))


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
    single = len(with_batch(name, input._array.shape, n)) > input.ndim
    return (input.unsqueeze(0), True) if single else (input, False)


def with_batch(name: str, shape: tuple[int, ...], n: int) -> tuple[int, ...]:
    """The shape (N, C, *S) of an input (N, C, *S) or (C, *S).

    Raises:
        RuntimeError: if it has neither n + 1 nor n + 2 dimensions.
    """
    if len(shape) not in (n + 1, n + 2):
        raise RuntimeError(
            f"{name}: Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got "
            f"input of size: {list(shape)}"
        )
    return shape if len(shape) == n + 2 else (1, *shape)


def nonempty(name: str, input: Tensor, n: int) -> tuple[Tensor, bool]:
    """``input`` as (N, C, *S) and whether N was added; only the batch may be empty."""
    shape = input._array.shape
    single = len(shape) == n + 1
    if len(shape) not in (n + 1, n + 2) or 0 in shape[0 if single else 1 :]:
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
