"""The categorical distribution: one of K categories."""

from __future__ import annotations

from typing import Any, ClassVar

import penlight
from penlight import Size, Tensor
from penlight.distributions import constraints
from penlight.distributions.distribution import Distribution, expand_parameters
from penlight.distributions.probabilities import ProbsOrLogits

__all__ = ["Categorical"]


class Categorical(ProbsOrLogits, Distribution):
    """The integer k with probability ``probs[..., k]``.

    Args:
        probs: numbers from 0 on along the last dimension, in proportion to the probabilities.
        logits: instead, their logarithms up to a constant.
    """

    arg_constraints: ClassVar = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    has_enumerate_support = True
    _is_binary = False

    expand = expand_parameters

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._keep_normalized(probs, logits)
        self._num_events = self._param.shape[-1]
        super().__init__(self._param.shape[:-1], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        """NaN: categories have no order."""
        return self._nan()

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Tensor:
        """NaN, as the mean."""
        return self._nan()

    def _nan(self) -> Tensor:
        return penlight.full(self._batch_shape, penlight.nan, dtype=self.probs.dtype)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        sample_shape = Size(sample_shape)
        with penlight.no_grad():
            rows, n = self.probs.reshape(-1, self._num_events), sample_shape.numel()
            drawn = penlight.multinomial(rows, n, True)  # (rows, n)
            drawn = drawn if n == 1 else drawn.T
            return drawn.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, logits = value.long(), self.logits
        if value.shape != logits.shape[:-1]:
            shape = penlight.broadcast_shapes(value.shape, logits.shape[:-1])
            value, logits = value.expand(shape), logits.expand((*shape, -1))
        return logits.gather(-1, value.unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=penlight.finfo(self.logits.dtype).min)  # 0 ln 0 is 0
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = penlight.arange(self._num_events)
        values = values.view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values
