"""The multinomial distribution: how often each category comes up."""

from __future__ import annotations

from typing import Any, ClassVar

import penlight
from penlight import Size, Tensor
from penlight.distributions import constraints
from penlight.distributions.binomial import Binomial
from penlight.distributions.categorical import Categorical
from penlight.distributions.distribution import Distribution
from penlight.distributions.utils import broadcast_all

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """P(x) = n! prod_k p_k^(x_k) / x_k!, x the counts of K categories among n = total_count draws.

    Args:
        total_count: the number of draws, one for the whole batch.
        probs: numbers from 0 on along the last dimension, in proportion to the probabilities.
        logits: instead, their logarithms up to a constant.
    """

    arg_constraints: ClassVar = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    total_count: int

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Multinomial, _instance)
        batch_shape = Size(batch_shape)
        new.total_count = self.total_count
        new._categorical = self._categorical.expand(batch_shape)
        super(Multinomial, new).__init__(batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    @property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._categorical.probs

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter that was given."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        draws = self._categorical.sample((self.total_count, *sample_shape))
        counts = self.probs.new_zeros(self._extended_shape(sample_shape))
        with penlight.no_grad():
            indices = draws.movedim(0, -1)
            counts.scatter_add_(-1, indices, counts.new_ones(indices.shape))
        return counts

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        impossible = (value == 0) & (logits == -penlight.inf)
        logits = logits.masked_fill(impossible, 0)
        total = (value.sum(-1) + 1).lgamma()
        return total - (value + 1).lgamma().sum(-1) + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        """n H - ln n! + sum_k E ln x_k!, each x_k being binomial."""
        n = self.total_count
        marginals = Binomial(n, probs=self.probs)
        counts = marginals.enumerate_support(expand=False)[1:]
        chances = marginals.log_prob(counts).exp()
        correction = (chances * (counts + 1).lgamma()).sum([0, -1])
        log_factorial = penlight.tensor(n + 1, dtype=self.probs.dtype).lgamma()
        return n * self._categorical.entropy() - log_factorial + correction
