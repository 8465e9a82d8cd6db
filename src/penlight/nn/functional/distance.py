"""Distances and similarities of vectors."""

from __future__ import annotations

from penlight.ops.joining import broadcast_tensors
from penlight.ops.norms import pdist
from penlight.tensor import Tensor

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)), along one dimension.

    Args:
        x1, x2: tensors that broadcast against each other.
        dim: the dimension of the vectors. Default: 1.
        eps: the smallest length to divide by. Default: 1e-8.

    Returns:
        The broadcast shape without ``dim``.

    Raises:
        RuntimeError: for integers.
    """
    if not (x1.dtype.is_floating_point or x2.dtype.is_floating_point):
        raise RuntimeError(
            f"cosine_similarity: expected floating-point x1 and x2, got {x1.dtype} and {x2.dtype}"
        )
    a, b = broadcast_tensors(x1, x2)
    return (a * b).sum(dim) / (_length(a, dim, eps) * _length(b, dim, eps))


def _length(x: Tensor, dim: int, eps: float) -> Tensor:
    """max(|x|, eps), whose gradient passes as if the length were not held, as in PyTorch."""
    length = x.norm(2, dim)
    return length + (length.clamp_min(eps) - length).detach()


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of x1 - x2 + eps, along the last dimension.

    Args:
        x1, x2: (N, D) or (D), which broadcast against each other.
        p: of the norm (sum |d|^p)^(1/p). Default: 2.
        eps: keeps the norm away from 0, where it has no derivative. Default: 1e-6.
        keepdim: keep the last dimension, as 1. Default: False.

    Returns:
        (N) or ().
    """
    return (x1 - x2 + eps).norm(p, -1, keepdim)
