"""Lengths of slices, and weights of given length and direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penlight._core.arguments import normalize_axis
from penlight.ops.norms import norm

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["norm_except_dim"]


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm of order ``pow`` over all dimensions but ``dim``, which come back at size one.

    With ``dim=-1`` over all of them: a 0-d tensor.
    """
    if dim == -1:
        return norm(v, pow)
    axis = normalize_axis(dim, v._array.ndim)
    others = tuple(a for a in range(v._array.ndim) if a != axis)
    return norm(v, pow, others, keepdim=True) if others else v.abs()


def _weight_norm(v: Tensor, g: Tensor, dim: int = 0) -> Tensor:
    """g v / ||v||, with a norm for each index along ``dim``.

    Source: Salimans & Kingma, "Weight Normalization", 2016, equation 2.
    """
    return v * (g / norm_except_dim(v, 2, dim))
