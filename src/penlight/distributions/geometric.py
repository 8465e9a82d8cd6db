"""The geometric distribution: failures before the first success."""

from __future__ import annotations

from typing import Any, ClassVar

import penlight
from penlight import Tensor
from penlight.distributions import constraints
from penlight.distributions.distribution import Distribution, expand_parameters
from penlight.distributions.probabilities import ProbsOrLogits
from penlight.distributions.utils import broadcast_all
from penlight.nn import functional as F

__all__ = ["Geometric"]


class Geometric(ProbsOrLogits, Distribution):
    """P(k) = (1 - p)^k p, k = 0, 1, ...

    Args:
        probs: the probability of a success, in (0, 1].
        logits: instead, ln(p / (1 - p)).
    """

    arg_constraints: ClassVar = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    expand = expand_parameters

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (value,) = broadcast_all(self._keep_one_of(probs, logits))
        vars(self)[self._given] = value
        super().__init__(value.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not bool((value > 0).all()):
            raise ValueError(
                f"Expected parameter probs ({type(value).__name__} of shape {tuple(value.shape)}) of "
                f"distribution {self!r} to be positive but found invalid values:\n{value}"
            )

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return penlight.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """By inversion: floor(ln u / ln(1 - p))."""
        shape = self._extended_shape(sample_shape)
        with penlight.no_grad():
            e = penlight.empty(shape, dtype=self.probs.dtype).exponential_()
            return (-e / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        certain = (probs == 1) & (value == 0)
        failures = value * (-probs.masked_fill(certain, 0)).log1p()
        return failures + self.probs.log()

    def entropy(self) -> Tensor:
        per_trial = F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")
        return per_trial / self.probs
