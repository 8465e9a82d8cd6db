"""The Wishart distribution of positive definite matrices."""

from __future__ import annotations

import math
from numbers import Number
from typing import Any

import penlight
from penlight import Size, Tensor
from penlight.distributions import constraints
from penlight.distributions.chi2 import Chi2
from penlight.distributions.distribution import expand_parameters
from penlight.distributions.exp_family import ExponentialFamily
from penlight.distributions.multivariate_normal import half_log_det, precision_of, tril_of
from penlight.distributions.utils import _standard_normal, lazy_property

__all__ = ["Wishart"]


class Wishart(ExponentialFamily):
    """The scatter matrix sum_i x_i x_i^T of df normal vectors of covariance S.

    p(V) = det V^((df - n - 1) / 2) exp(-tr(S^-1 V) / 2) / (2^(df n / 2) det S^(df / 2) gamma_n(df / 2)),
    with the multivariate gamma function gamma_n.

    Args:
        df: the degrees of freedom, any number above n - 1.
        covariance_matrix: S, (*, n, n); or one of
        precision_matrix: S^-1,
        scale_tril: its lower Cholesky factor L.
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    expand = expand_parameters

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = {name: m for name, m in matrices.items() if m is not None}
        if len(given) != 1:
            raise AssertionError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError(
                f"{name} must be at least two-dimensional, with optional leading batch dimensions"
            )
        if isinstance(df, Number):
            df = penlight.tensor(df, dtype=matrix.dtype)
        batch = penlight.broadcast_shapes(matrix.shape[:-2], df.shape)
        n = matrix.shape[-1]
        if bool((df <= n - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        vars(self)[name] = matrix.expand((*batch, -1, -1))
        self.df = df.expand(batch)
        super().__init__(batch, Size((n, n)), validate_args=validate_args)
        self._tril = tril_of(name, matrix)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self._event_shape[-1] - 1),
        }

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
        return matrix.expand(self._batch_shape + self._event_shape)

    @property
    def mean(self) -> Tensor:
        return self.df[..., None, None] * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        """NaN for df <= n + 1."""
        factor = self.df - self._event_shape[-1] - 1
        factor = factor.masked_fill(factor <= 0, penlight.nan)
        return factor[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        s = self.covariance_matrix
        diagonal = s.diagonal(dim1=-2, dim2=-1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df[..., None, None] * (s.square() + products)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """(L A) (L A)^T with A lower triangular: chi-distributed on the diagonal, normal below.

        Source: Bartlett, "On the theory of statistical regression", 1933.
        """
        shape, n = self._extended_shape(sample_shape), self._event_shape[-1]
        squares = Chi2(self.df.unsqueeze(-1) - penlight.arange(n)).rsample(sample_shape)
        below = _standard_normal(shape, self.df.dtype).tril(-1)
        factor = self._tril @ (below + squares.sqrt().diag_embed())
        return factor @ factor.mT

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n, half = self._event_shape[-1], self.df / 2
        log_det = penlight.linalg.slogdet(value)[1]
        trace = (precision_of(self._tril) * value).sum((-2, -1))
        powers = (half - (n + 1) / 2) * log_det - trace / 2
        scales = 2 * half * (n * math.log(2) / 2 + half_log_det(self._tril))
        return powers - scales - half.mvlgamma(n)

    def entropy(self) -> Tensor:
        n, half = self._event_shape[-1], self.df / 2
        scales = (n + 1) * (n * math.log(2) / 2 + half_log_det(self._tril))
        digammas = sum((half - j / 2).digamma() for j in range(n))
        return scales + half.mvlgamma(n) - (half - (n + 1) / 2) * digammas + half * n

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        n = self._event_shape[-1]
        return -self.precision_matrix / 2, (self.df - n - 1) / 2

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        n = self._event_shape[-1]
        half = y + (n + 1) / 2
        log_det = penlight.linalg.slogdet(-2 * x)[1]
        return half * (n * math.log(2) - log_det) + half.mvlgamma(n)
