"""Clipping gradients, by their common norm or by value, in place.

Source: Pascanu, Mikolov & Bengio, "On the difficulty of training recurrent neural networks", 2013,
algorithm 1.
"""

from __future__ import annotations

import math
import types
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from penlight.autograd.base import wrap
from penlight.autograd.inplace import bump_version
from penlight.tensor import Tensor

__all__ = [
    "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_",
    "get_total_norm",
]  # fmt: skip

Tensors = Tensor | Iterable[Tensor]


def _gradients(parameters: Tensors) -> list[Tensor]:
    """The gradients that are there."""
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    found = list(parameters)
    if not found and isinstance(parameters, types.GeneratorType):
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur: was it used "
            "before?",
            stacklevel=3,
        )
    return [p.grad for p in found if p.grad is not None]


def _norm(values: np.ndarray, order: float) -> Any:
    """(sum |x|^order)^(1/order) over all elements; 0 where there are none."""
    flat = values.ravel()
    if flat.dtype == np.float16:  # whose squares overflow
        flat = flat.astype(np.float32)
    return np.linalg.norm(flat, order) if flat.size else flat.dtype.type(0)


def get_total_norm(
    tensors: Tensors,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of several tensors as if they were one vector.

    Args:
        tensors: a tensor or an iterable of tensors.
        norm_type: p of the norm (sum |x|^p)^(1/p); ``inf`` for max |x|. Default: 2.
        error_if_nonfinite: raise if the norm is infinite or NaN.
        foreach: accepted for PyTorch's sake.

    Returns:
        A 0-d tensor; 0 for no tensors.

    Raises:
        RuntimeError: if the norm is not finite and ``error_if_nonfinite`` is set.
    """
    order = float(norm_type)
    given = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norms = [_norm(t._array, order) for t in given]
    total = np.asarray(_norm(np.array(norms), order) if norms else np.float32(0))
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {order} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. Pass error_if_nonfinite=False to scale the gradients by it anyway"
        )
    return wrap(Tensor, total)


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale gradients by min(1, max_norm / (total_norm + 1e-6)), given their norm.

    Args:
        parameters: a tensor or an iterable of tensors, whose ``.grad`` is changed.
        max_norm: the norm to come down to.
        total_norm: the norm that the gradients have, from :func:`get_total_norm`.
        foreach: accepted for PyTorch's sake.
    """
    _scale(_gradients(parameters), float(max_norm), total_norm)


def _scale(gradients: list[Tensor], max_norm: float, total_norm: Tensor) -> None:
    coefficient = max_norm / (total_norm.item() + 1e-6)
    if coefficient < 1 or math.isnan(coefficient):
        for g in gradients:
            bump_version(g)
            g._array *= coefficient


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale gradients down so that their common norm is at most ``max_norm``.

    Args:
        parameters: a tensor or an iterable of tensors, whose ``.grad`` is changed.
        max_norm: the largest norm to allow.
        norm_type: p of the norm; ``inf`` for the largest element. Default: 2.
        error_if_nonfinite: raise if the norm is infinite or NaN. Default: False, which turns the
            gradients into NaN or 0.
        foreach: accepted for PyTorch's sake.

    Returns:
        The norm before clipping, a 0-d tensor.

    Raises:
        RuntimeError: if the norm is not finite and ``error_if_nonfinite`` is set.
    """
    gradients = _gradients(parameters)
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    _scale(gradients, float(max_norm), total)
    return total


def clip_grad_norm(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of :func:`clip_grad_norm_`."""
    warnings.warn(
        "`nn.utils.clip_grad_norm` is now deprecated in favor of `nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Clip each element of the gradients to [-clip_value, clip_value].

    Args:
        parameters: a tensor or an iterable of tensors, whose ``.grad`` is changed.
        clip_value: the largest absolute value to allow.
        foreach: accepted for PyTorch's sake.
    """
    bound = float(clip_value)
    for g in _gradients(parameters):
        bump_version(g)
        np.clip(g._array, -bound, bound, out=g._array)
