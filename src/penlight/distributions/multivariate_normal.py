"""The multivariate normal distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import penlight
from penlight import Tensor
from penlight.distributions import constraints
from penlight.distributions.distribution import Distribution, expand_parameters
from penlight.distributions.utils import _standard_normal, lazy_property

__all__ = ["MultivariateNormal"]

_MATRICES = ("covariance_matrix", "precision_matrix", "scale_tril")


class MultivariateNormal(Distribution):
    """p(x) = exp(-(x - loc)^T S^-1 (x - loc) / 2) / sqrt((2 pi)^n det S).

    All is computed from L, lower triangular with S = L L^T.

    Args:
        loc: the mean, (*, n).
        covariance_matrix: S, (*, n, n); or one of
        precision_matrix: S^-1,
        scale_tril: L, which costs least.
    """

    arg_constraints: ClassVar = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    expand = expand_parameters

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        name, matrix = one_matrix(covariance_matrix, precision_matrix, scale_tril)
        batch = penlight.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand((*batch, -1))
        vars(self)[name] = matrix.expand((*batch, -1, -1))
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        self._tril = tril_of(name, matrix)  # as few as there are different ones

    @lazy_property
    def scale_tril(self) -> Tensor:
        """L."""
        return self._expanded(self._tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """S = L L^T."""
        return self._expanded(self._tril @ self._tril.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """S^-1."""
        return self._expanded(precision_of(self._tril))

    def _expanded(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self._tril.square().sum(-1).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        z = _standard_normal(self._extended_shape(sample_shape), self.loc.dtype)
        return self.loc + times(self._tril, z)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self._event_shape[0]
        distance = self._distance(value - self.loc)
        return -0.5 * (n * math.log(2 * math.pi) + distance) - self._half_log_det()

    def entropy(self) -> Tensor:
        n = self._event_shape[0]
        entropy = 0.5 * n * (1 + math.log(2 * math.pi)) + self._half_log_det()
        return entropy.expand(self._batch_shape)

    # -- what divergences need, too ----------------------------------------------------------

    def _half_log_det(self) -> Tensor:
        """ln det L."""
        return half_log_det(self._tril)

    def _distance(self, x: Tensor) -> Tensor:
        """x^T S^-1 x."""
        return mahalanobis(self._tril, x)

    def _factors(self) -> tuple[Tensor, ...]:
        """Matrices F whose F F^T sum up to S."""
        return (self._tril,)

    def _traced(self, factor: Tensor) -> Tensor:
        """tr(S^-1 F F^T) = |L^-1 F|^2."""
        return (inverse_of(self._tril) @ factor).square().sum((-2, -1))


def one_matrix(*matrices: Tensor | None) -> tuple[str, Tensor]:
    """The name and value of the covariance, precision or Cholesky factor that was given.

    Raises:
        ValueError: unless exactly one was, and has at least two dimensions.
    """
    given = [(n, m) for n, m in zip(_MATRICES, matrices, strict=True) if m is not None]
    if len(given) != 1:
        raise ValueError(
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
        )
    name, matrix = given[0]
    if matrix.dim() < 2:
        owner = "scale_tril matrix" if name == "scale_tril" else name
        raise ValueError(
            f"{owner} must be at least two-dimensional, with optional leading batch dimensions"
        )
    return name, matrix


def tril_of(name: str, matrix: Tensor) -> Tensor:
    """L from the matrix of that name."""
    if name == "scale_tril":
        return matrix
    if name == "covariance_matrix":
        return penlight.linalg.cholesky(matrix)
    # the factor of the reversed precision, reversed, is upper triangular: S^-1 = U U^T, L = U^-T
    upper = penlight.linalg.cholesky(matrix.flip(-2, -1)).flip(-2, -1)
    return inverse_of(upper.mT)


def inverse_of(tril: Tensor) -> Tensor:
    """L^-1."""
    one = penlight.eye(tril.shape[-1], dtype=tril.dtype)
    return penlight.linalg.solve_triangular(tril, one, upper=False)


def precision_of(tril: Tensor) -> Tensor:
    """(L L^T)^-1."""
    inverse = inverse_of(tril)
    return inverse.mT @ inverse


def half_log_det(tril: Tensor) -> Tensor:
    """ln det L."""
    return tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def times(matrix: Tensor, x: Tensor) -> Tensor:
    """Matrices (*, m, n) times vectors (*, n); one product if there is one matrix."""
    if matrix.dim() == 2:
        return x @ matrix.mT
    return (matrix @ x.unsqueeze(-1)).squeeze(-1)


def mahalanobis(tril: Tensor, x: Tensor) -> Tensor:
    """|L^-1 x|^2 of vectors x (*, n): those of one L are solved for together, as columns."""
    batch = tril.shape[:-2]
    own = x.shape[x.dim() - 1 - len(batch) :]
    columns = x.reshape((-1, *own)).movedim(0, -1)  # (*batch, n, samples)
    solved = penlight.linalg.solve_triangular(tril, columns, upper=False)
    return solved.square().sum(-2).movedim(-1, 0).reshape(x.shape[:-1])
