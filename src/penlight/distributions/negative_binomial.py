"""The negative binomial distribution: successes before so many failures."""

from __future__ import annotations

from typing import Any, ClassVar

import penlight
from penlight import Tensor
from penlight.distributions import constraints
from penlight.distributions.distribution import Distribution, expand_parameters
from penlight.distributions.gamma import Gamma
from penlight.distributions.probabilities import ProbsOrLogits
from penlight.distributions.utils import broadcast_all
from penlight.nn import functional as F

__all__ = ["NegativeBinomial"]


class NegativeBinomial(ProbsOrLogits, Distribution):
    """P(k) = gamma(n + k) / (gamma(n) k!) (1 - p)^n p^k: a Poisson number of gamma distributed rate.

    Args:
        total_count: n, the number of failures to stop at; any number from 0 on.
        probs: p, the probability of a success, in [0, 1).
        logits: instead, ln(p / (1 - p)).
    """

    arg_constraints: ClassVar = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    expand = expand_parameters

    def __init__(
        self,
        total_count: Any,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        count, value = broadcast_all(total_count, self._keep_one_of(probs, logits))
        self.total_count = count.to(value.dtype)
        vars(self)[self._given] = value
        super().__init__(value.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.mean / penlight.sigmoid(-self.logits)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with penlight.no_grad():
            rates = Gamma(self.total_count, (-self.logits).exp(), validate_args=False)
            return penlight.poisson(rates.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        powers = n * F.logsigmoid(-self.logits) + value * F.logsigmoid(self.logits)
        ways = (n + value).lgamma() - (1 + value).lgamma() - n.lgamma()
        return powers + ways.masked_fill(n + value == 0, 0)
