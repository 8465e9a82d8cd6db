"""The generalised Pareto distribution, of what exceeds a threshold."""

from __future__ import annotations

from typing import Any, ClassVar

import penlight
from penlight import Tensor
from penlight.distributions import constraints
from penlight.distributions.distribution import Distribution, expand_parameters
from penlight.distributions.utils import broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """P(X > x) = (1 + c z)^(-1/c), z = (x - loc) / scale, c = concentration; e^-z for c = 0.

    Args:
        loc: the least value.
        scale: the scale.
        concentration: c; above 0 the tail is heavy, below 0 it ends at loc - scale / c.
    """

    arg_constraints: ClassVar = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True

    expand = expand_parameters

    def __init__(
        self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        end = self.loc - self.scale / self.concentration
        return constraints.interval(
            self.loc, end.masked_fill(self.concentration >= 0, penlight.inf)
        )

    def _shape(self) -> tuple[Tensor, Tensor]:
        """Where c counts as 0, and c with 1 in those places."""
        c = self.concentration
        zero = penlight.isclose(c, penlight.zeros_like(c))
        return zero, c.masked_fill(zero, 1)

    @property
    def mean(self) -> Tensor:
        """NaN for c >= 1."""
        c = self.concentration
        return (self.loc + self.scale / (1 - c)).masked_fill(c >= 1, penlight.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """NaN for c >= 1/2."""
        c = self.concentration
        variance = self.scale.square() / ((1 - c).square() * (1 - 2 * c))
        return variance.masked_fill(c >= 0.5, penlight.nan)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(penlight.rand(shape, dtype=self.loc.dtype))

    def log_survival_function(self, value: Tensor) -> Tensor:
        """ln P(X > value)."""
        zero, c = self._shape()
        z = (value - self.loc) / self.scale
        return penlight.where(zero, -z, -(c * z).log1p() / c)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        zero, c = self._shape()
        z = (value - self.loc) / self.scale
        return penlight.where(zero, -z, -(1 + 1 / c) * (c * z).log1p()) - self.scale.log()

    def log_cdf(self, value: Tensor) -> Tensor:
        """ln P(X <= value)."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self.log_cdf(value).exp()

    def icdf(self, value: Tensor) -> Tensor:
        zero, c = self._shape()
        survival = (-value).log1p()
        return self.loc + self.scale * penlight.where(zero, -survival, (-c * survival).expm1() / c)

    def entropy(self) -> Tensor:
        return 1 + self.scale.log() + self.concentration
