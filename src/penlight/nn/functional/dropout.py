"""Dropout: elements, or whole channels, set to zero at random while training."""

from __future__ import annotations

import warnings

import numpy as np

from penlight._core.random import numpy_generator
from penlight.autograd.inplace import apply_inplace
from penlight.ops.arithmetic import Mul
from penlight.ops.promotion import require_floating
from penlight.tensor import Tensor

__all__ = [
    "alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout",
]  # fmt: skip


def _check_probability(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _kept(shape: tuple[int, ...], p: float) -> np.ndarray:
    """Which elements stay, each with probability 1 - p."""
    return numpy_generator(None).random(shape, np.float32) >= p


def _masked(name: str, input: Tensor, shape: tuple[int, ...], p: float, inplace: bool) -> Tensor:
    require_floating(name, input)
    mask = _kept(shape, p).astype(input._array.dtype)
    mask *= 1 / (1 - p) if p < 1 else 0.0
    return apply_inplace(input, Mul.apply, mask) if inplace else Mul.apply(input, mask)


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
    if not training or p == 0:
        return input
    return _masked("dropout", input, input._array.shape, p, inplace)


def _channel_mask_shape(array: np.ndarray, lead: int) -> tuple[int, ...]:
    """One element for each channel: the first ``lead`` dimensions, and then ones."""
    return array.shape[:lead] + (1,) * (array.ndim - lead)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of (N, C, L) or (C, L) are 0 with probability p, else divided by 1 - p.

    Raises:
        ValueError: if ``p`` is not in [0, 1].
        RuntimeError: if the input has another number of dimensions.
    """
    _check_probability(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input"
        )
    if not training or p == 0:
        return input
    shape = _channel_mask_shape(input._array, input.ndim - 1)
    return _masked("dropout1d", input, shape, p, inplace)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of images (N, C, H, W) are 0 with probability p, else divided by 1 - p.

    Three dimensions are taken as (N, C, L), with a warning, as PyTorch does.

    Raises:
        ValueError: if ``p`` is not in [0, 1].

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.
    """
    _check_probability(p)
    if input.ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input, which is interpreted as (N, C, L), not as an image "
            "(C, H, W): use dropout1d, or add a batch dimension.",
            stacklevel=2,
        )
    elif input.ndim != 4:
        _warn_of_dimensions("dropout2d", input, "4D (N, C, H, W)")
    if not training or p == 0:
        return input
    return _masked("dropout2d", input, _channel_mask_shape(input._array, 2), p, inplace)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of (N, C, D, H, W) or (C, D, H, W) are 0 with probability p, else over 1 - p.

    Raises:
        ValueError: if ``p`` is not in [0, 1].
    """
    _check_probability(p)
    if input.ndim not in (4, 5):
        _warn_of_dimensions("dropout3d", input, "5D (N, C, D, H, W) or 4D (C, D, H, W)")
    if not training or p == 0:
        return input
    shape = _channel_mask_shape(input._array, 1 if input.ndim == 4 else 2)
    return _masked("dropout3d", input, shape, p, inplace)


def _warn_of_dimensions(name: str, input: Tensor, expected: str) -> None:
    warnings.warn(
        f"{name}: Received a {input.ndim}-D input, which is deprecated; expected {expected}.",
        stacklevel=3,
    )


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps mean and variance after SELU: dropped elements become SELU's floor f.

    y = a (x d + f (1 - d)) - a p f, where d is 1 for kept elements and else 0, f = -1.758..., and
    a = [(1 - p) (1 + p f^2)]^(-1/2).

    Args:
        input: x, any shape.
        p: probability of being dropped. Default: 0.5.
        training: False (the default) returns ``input`` itself.
        inplace: change ``input``. Default: False.

    Raises:
        ValueError: if ``p`` is not in [0, 1].

    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """
    _check_probability(p)
    return _alpha(input, input._array.shape, p, training, inplace)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """:func:`alpha_dropout` of whole channels of (N, C, ...).

    Raises:
        ValueError: if ``p`` is not in [0, 1].
        RuntimeError: if the input has fewer than 2 dimensions.
    """
    _check_probability(p)
    if training and input.ndim < 2:
        raise RuntimeError(
            f"feature_alpha_dropout: requires at least 2 dimensions in the input, got {input.ndim}"
        )
    return _alpha(input, _channel_mask_shape(input._array, 2), p, training, inplace)


def _alpha(
    input: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool
) -> Tensor:
    if not training or p == 0:
        return input
    require_floating("alpha_dropout", input)
    floor = -1.7580993408473766
    a = ((1 - p) * (1 + p * floor**2)) ** -0.5 if p < 1 else 0.0
    kept = _kept(shape, p).astype(input._array.dtype)
    shift = (1 - kept) * (floor * a) - p * floor * a

    def mixed(x: Tensor) -> Tensor:
        return Mul.apply(x, kept * a) + shift

    return apply_inplace(input, mixed) if inplace else mixed(input)
