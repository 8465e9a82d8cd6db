"""Dropout: elements, or whole channels, set to zero at random while training."""

from __future__ import annotations

import warnings

import numpy as np

from penlight._core.random import numpy_generator
from penlight.ops.arithmetic import Mul
from penlight.tensor import Tensor
from penlight.tensor.inplace import inplace as make_inplace

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d"]


def _check_probability(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _kept(shape: tuple[int, ...], p: float) -> np.ndarray:
    """Which elements stay, each with probability 1 - p."""
    return numpy_generator(None).random(shape, np.float32) >= p


def _masked(input: Tensor, shape: tuple[int, ...], p: float, inplace: bool) -> Tensor:
    kept = _kept(shape, p)
    mask = kept.astype(input.dtype.numpy) * (1 / (1 - p) if p < 1 else 0.0)
    return make_inplace(Mul.apply)(input, mask) if inplace else Mul.apply(input, mask)  # type: ignore[no-any-return]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element is 0 with probability p, else divided by 1 - p, which keeps its expectation.

    Args:
        input: any shape.
        p: probability of a zero. Default: 0.5.
        training: False returns ``input`` itself.
        inplace: change ``input``. Default: False.

    Raises:
        ValueError: if ``p`` is not in [0, 1].

    Source: Srivastava et al., "Dropout", JMLR 2014.
    """
    _check_probability(p)
    return _masked(input, tuple(input.shape), p, inplace) if training and p > 0 else input


def _channel_dropout(
    name: str, input: Tensor, spatial: int, p: float, training: bool, inplace: bool
) -> Tensor:
    _check_probability(p)
    if input.ndim not in (spatial + 1, spatial + 2):
        warnings.warn(
            f"{name}: Received a {input.ndim}-D input, expected {spatial + 2}-D (N, C, ...) or "
            f"{spatial + 1}-D (C, ...).",
            stacklevel=3,
        )
    if not training or p == 0:
        return input
    lead = input.ndim - spatial
    return _masked(input, (*input.shape[:lead], *(1,) * spatial), p, inplace)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of (N, C, L) or (C, L) are 0 with probability p, else divided by 1 - p."""
    return _channel_dropout("dropout1d", input, 1, p, training, inplace)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of (N, C, H, W) or (C, H, W) are 0 with probability p, else over 1 - p.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.
    """
    return _channel_dropout("dropout2d", input, 2, p, training, inplace)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps mean and variance after SELU: dropped elements become SELU's floor.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """
    _check_probability(p)
    if not training or p == 0:
        return input
    if p == 1:
        return input * 0
    floor = -1.7580993408473766
    a = ((1 - p) * (1 + p * floor**2)) ** -0.5
    mask = _kept(tuple(input.shape), p).astype(input.dtype.numpy)
    shift = (1 - mask) * (floor * a) - p * floor * a
    y: Tensor = Mul.apply(input, mask * a) + shift
    return input.copy_(y) if inplace else y
