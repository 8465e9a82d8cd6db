"""Bernoulli numbers made continuous, so that gradients flow through samples."""

from __future__ import annotations

from typing import Any, ClassVar

import penlight
from penlight import Tensor
from penlight.distributions import constraints
from penlight.distributions.distribution import Distribution, expand_parameters
from penlight.distributions.probabilities import ProbsOrLogits
from penlight.distributions.transformed_distribution import TransformedDistribution
from penlight.distributions.transforms import SigmoidTransform
from penlight.distributions.utils import broadcast_all, clamp_probs
from penlight.nn import functional as F

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(ProbsOrLogits, Distribution):
    """X = (logits + ln u - ln(1 - u)) / temperature with u uniform: the logit of a relaxed number.

    Args:
        temperature: small: samples near 0 and 1 after the sigmoid.
        probs: the probability of 1.
        logits: instead, ln(p / (1 - p)).

    Source: Maddison, Mnih & Teh, "The Concrete Distribution", ICLR 2017.
    """

    arg_constraints: ClassVar = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real

    expand = expand_parameters

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        (value,) = broadcast_all(self._keep_one_of(probs, logits))
        vars(self)[self._given] = value
        super().__init__(value.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(penlight.rand(shape, dtype=probs.dtype))
        return (u.logit() + probs.logit()) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        """ln t + z - 2 ln(1 + e^z), z = logits - t x."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        z = logits - value * self.temperature
        return penlight.as_tensor(self.temperature).log() + z - 2 * F.softplus(z)


class RelaxedBernoulli(TransformedDistribution):
    """Numbers in (0, 1) that tend to Bernoulli numbers as the temperature falls.

    Args:
        temperature: the distance from them.
        probs: the probability of 1.
        logits: instead, ln(p / (1 - p)).

    Source: Maddison, Mnih & Teh, "The Concrete Distribution", ICLR 2017; Jang, Gu & Poole, "Categorical
    Reparameterization with Gumbel-Softmax", ICLR 2017.
    """

    arg_constraints: ClassVar = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    base_dist: LogitRelaxedBernoulli

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(RelaxedBernoulli, _instance)
        return super().expand(batch_shape, _instance=new)

    @property
    def temperature(self) -> Any:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The logit of the probability of 1."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probability of 1."""
        return self.base_dist.probs
