"""Distances and similarities of vectors."""

from __future__ import annotations

from penlight.nn import functional as F
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)), along one dimension.

    Args:
        dim: the dimension of the vectors. Default: 1.
        eps: the smallest length to divide by. Default: 1e-8.

    Shape:
        x1 and x2 broadcast against each other; the output is their shape without ``dim``.
    """

    dim: int
    eps: float

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x1 - x2 + eps, along the last dimension.

    Args:
        p: of the norm (sum |d|^p)^(1/p). Default: 2.
        eps: keeps the norm away from 0, where it has no derivative. Default: 1e-6.
        keepdim: keep the last dimension, as 1. Default: False.

    Shape:
        x1 and x2 (N, D) or (D), output (N) or ().
    """

    norm: float
    eps: float
    keepdim: bool

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
