"""The multivariate normal distribution whose covariance is diagonal but for a low rank."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import penlight
from penlight import Tensor
from penlight.distributions import constraints
from penlight.distributions.distribution import Distribution, expand_parameters
from penlight.distributions.multivariate_normal import half_log_det, inverse_of, mahalanobis, times
from penlight.distributions.utils import _standard_normal, lazy_property

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """Normal with covariance W W^T + D, W of few columns, D diagonal.

    Nothing of size n x n is needed: with the m x m matrix C = I + W^T D^-1 W,
    S^-1 = D^-1 - D^-1 W C^-1 W^T D^-1 (Woodbury) and det S = det C det D.

    Args:
        loc: the mean, (*, n).
        cov_factor: W, (*, n, m).
        cov_diag: the diagonal of D, (*, n).
    """

    arg_constraints: ClassVar = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    expand = expand_parameters

    def __init__(
        self,
        loc: Tensor,
        cov_factor: Tensor,
        cov_diag: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch dimensions"
            )
        if cov_factor.shape[-2:-1] != event:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
        if cov_diag.shape[-1:] != event:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event}")
        batch = penlight.broadcast_shapes(
            loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1]
        )
        self.loc = loc.expand((*batch, -1))
        self.cov_factor = cov_factor.expand((*batch, -1, -1))
        self.cov_diag = cov_diag.expand((*batch, -1))
        super().__init__(batch, event, validate_args=validate_args)
        # W, D as given: as few as there are different ones
        self._factor, self._diag = cov_factor, cov_diag
        scaled = cov_factor.mT / cov_diag.unsqueeze(-2)  # W^T D^-1
        one = penlight.eye(cov_factor.shape[-1], dtype=loc.dtype)
        self._capacitance_tril = penlight.linalg.cholesky(scaled @ cov_factor + one)

    def _expanded(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """L, lower triangular with S = L L^T: sqrt(D) times the factor of I + D^-1/2 W W^T D^-1/2."""
        root = self._diag.sqrt().unsqueeze(-1)
        scaled = self._factor / root
        one = penlight.eye(self._event_shape[0], dtype=self.loc.dtype)
        return self._expanded(root * penlight.linalg.cholesky(scaled @ scaled.mT + one))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """S."""
        return self._expanded(self._factor @ self._factor.mT + self._diag.diag_embed())

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """S^-1."""
        scaled = self._factor.mT / self._diag.unsqueeze(-2)
        part = inverse_of(self._capacitance_tril) @ scaled
        return self._expanded(self._diag.reciprocal().diag_embed() - part.mT @ part)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        variance = self._factor.square().sum(-1) + self._diag
        return variance.expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        few = _standard_normal((*shape[:-1], self.cov_factor.shape[-1]), self.loc.dtype)
        each = _standard_normal(shape, self.loc.dtype)
        return self.loc + times(self._factor, few) + self._diag.sqrt() * each

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
        """ln det L = (ln det C + ln det D) / 2."""
        return half_log_det(self._capacitance_tril) + 0.5 * self._diag.log().sum(-1)

    def _distance(self, x: Tensor) -> Tensor:
        """x^T S^-1 x."""
        scaled = x / self._diag
        projected = times(self._factor.mT, scaled)
        return (x * scaled).sum(-1) - mahalanobis(self._capacitance_tril, projected)

    def _factors(self) -> tuple[Tensor, ...]:
        """Matrices F whose F F^T sum up to S."""
        return self._factor, self._diag.sqrt().diag_embed()

    def _traced(self, factor: Tensor) -> Tensor:
        """tr(S^-1 F F^T) = |D^-1/2 F|^2 - |C^-1/2 W^T D^-1 F|^2."""
        scaled = factor / self._diag.unsqueeze(-1)
        inner = inverse_of(self._capacitance_tril) @ (self._factor.mT @ scaled)
        return (factor * scaled).sum((-2, -1)) - inner.square().sum((-2, -1))
