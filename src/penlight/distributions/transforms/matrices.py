"""Transforms onto triangular and positive definite matrices."""

from __future__ import annotations

import math
from typing import Any

import penlight
from penlight import Size, Tensor
from penlight.distributions import constraints
from penlight.distributions.transforms.transform import Transform
from penlight.distributions.utils import tril_matrix_to_vec, vec_to_tril_matrix
from penlight.nn import functional as F

__all__ = ["CorrCholeskyTransform", "LowerCholeskyTransform", "PositiveDefiniteTransform"]


class CorrCholeskyTransform(Transform):
    """D (D - 1) / 2 numbers to the Cholesky factor L of a correlation matrix: rows of norm 1.

    The numbers' tanh, z, fill the strict lower triangle; each row's squares break a stick of length 1:
    L_ij = z_ij sqrt(prod_{k<j} (1 - z_ik^2)), and L_ii is the root of what is left. So
    ln |det| = sum_ij ln sqrt(1 - sum_{k<j} L_ik^2) + ln(1 - z_ij^2).

    Source: Stan Reference Manual, "Cholesky factors of correlation matrices".
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        eps = penlight.finfo(x.dtype).eps
        z = vec_to_tril_matrix(x.tanh().clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - z * z).sqrt().cumprod(-1)
        one = penlight.eye(z.shape[-1], dtype=z.dtype)
        return (z + one) * F.pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        z = tril_matrix_to_vec(y, diag=-1) / _left_before(y).sqrt()
        return (z.log1p() - (-z).log1p()) / 2  # atanh

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        squeezed = 2 * (math.log(2) - x - F.softplus(-2 * x))  # ln(1 - z^2)
        return (_left_before(y).log() / 2 + squeezed).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        n = shape[-1]
        d = (1 + math.isqrt(1 + 8 * n)) // 2
        if d * (d - 1) // 2 != n:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return Size((*shape[:-1], d, d))

    def inverse_shape(self, shape: Any) -> Any:
        if len(shape) < 2:
            raise ValueError("Too few dimensions on input")
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        d = shape[-1]
        return Size((*shape[:-2], d * (d - 1) // 2))


def _left_before(y: Tensor) -> Tensor:
    """1 - sum_{k<j} y_ik^2 for the entries ij below the diagonal."""
    left = 1 - (y * y).cumsum(-1)
    return tril_matrix_to_vec(F.pad(left[..., :-1], [1, 0], value=1), diag=-1)


class LowerCholeskyTransform(Transform):
    """A matrix to a lower triangular one: the exp of its diagonal, and what is below it."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LowerCholeskyTransform)

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(Transform):
    """A matrix to L L^T, L as :class:`LowerCholeskyTransform` gives it."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PositiveDefiniteTransform)

    def _call(self, x: Tensor) -> Tensor:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(penlight.linalg.cholesky(y))
