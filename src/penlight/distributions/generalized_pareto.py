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

    def _z(self, value: Tensor) -> Tensor:
        return (value - self.loc) / self.scale

    def _over_shape(self, function: Any, x: Tensor) -> Tensor:
        """f(c x) / c for an f with f(0) = 0, f'(0) = 1, f''(0) = -1 or 1; by its series at c = 0."""
        c = self.concentration
        zero = penlight.isclose(c, penlight.zeros_like(c))
        curvature = -1 if function is penlight.log1p else 1
        series = x + curvature * c * x.square() / 2
        nonzero = c.masked_fill(zero, 1)
        return penlight.where(zero, series, function(nonzero * x) / nonzero)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """ln P(X > value)."""
        return -self._over_shape(penlight.log1p, self._z(value))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        tail = self._over_shape(penlight.log1p, z) + (self.concentration * z).log1p()
        return -tail - self.scale.log()

    def log_cdf(self, value: Tensor) -> Tensor:
        """ln P(X <= value)."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return -self.log_survival_function(value).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * self._over_shape(penlight.expm1, -(-value).log1p())

    def entropy(self) -> Tensor:
        return 1 + self.scale.log() + self.concentration
