"""What the distributions of |X| have in common, for X symmetric about 0."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import penlight
from penlight import Tensor
from penlight.distributions import constraints
from penlight.distributions.transformed_distribution import TransformedDistribution

__all__ = ["Half"]


class Half(TransformedDistribution):
    """|X|, whose density is twice that of X where it is not negative."""

    arg_constraints: ClassVar = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    base_dist: Any

    @property
    def scale(self) -> Tensor:
        """The scale of X."""
        scale: Tensor = self.base_dist.scale
        return scale

    @property
    def mode(self) -> Tensor:
        return penlight.zeros_like(self.scale)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        log_prob = self.base_dist.log_prob(value) + math.log(2)
        return penlight.where(value >= 0, log_prob, -penlight.inf)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Tensor) -> Tensor:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)
