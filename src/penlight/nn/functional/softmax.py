"""Softmax and its relatives; the formulas stand in ``penlight.ops.softmax``."""

from __future__ import annotations

import warnings
from typing import Any

from penlight._core.random import numpy_generator
from penlight.autograd.base import wrap
from penlight.ops import softmax as ops
from penlight.tensor import Tensor

__all__ = ["gumbel_softmax", "log_softmax", "softmax", "softmin"]


def _default_dim(name: str, ndim: int, dim: int | None, stacklevel: int) -> int:
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """e^x scaled to sum to one along ``dim``.

    Args:
        input: x, any shape.
        dim: the dimension; give it, for PyTorch's choice of a default depends on ``input.ndim``.
        dtype: what to convert x to first.
    """
    return ops.softmax(input, _default_dim("softmax", input.ndim, dim, _stacklevel), dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """The softmax of -x."""
    return ops.softmax(-input, _default_dim("softmin", input.ndim, dim, _stacklevel), dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """ln of the softmax of x along ``dim``."""
    dim = _default_dim("log_softmax", input.ndim, dim, _stacklevel)
    return ops.log_softmax(input, dim, dtype)


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """softmax((x + g) / tau) with g from the Gumbel distribution: a soft sample of the classes.

    Args:
        logits: x, unnormalised log-probabilities.
        tau: the temperature; the lower, the nearer the sample is to a one-hot vector.
        hard: return the one-hot vector itself, with the gradient of the soft sample.
        eps: not used, as in PyTorch.
        dim: the dimension of the classes. Default: -1.

    Source: Jang, Gu & Poole, "Categorical Reparameterization with Gumbel-Softmax", 2016.
    """
    array = logits._array
    noise = numpy_generator(None).gumbel(size=array.shape).astype(array.dtype)
    soft = softmax((logits + wrap(Tensor, noise)) / tau, dim)
    if not hard:
        return soft
    one_hot = soft.detach() * 0
    one_hot.scatter_(dim, soft.detach().argmax(dim, keepdim=True), 1.0)
    return one_hot - soft.detach() + soft
