"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any, ClassVar

import penlight
from penlight import Size, Tensor
from penlight.distributions import constraints
from penlight.distributions.categorical import Categorical
from penlight.distributions.distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """p(x) = sum_k w_k p_k(x).

    Args:
        mixture_distribution: which component, with the weights w.
        component_distribution: the components, along its last batch dimension.
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}
    has_rsample = False

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                "The Mixture distribution needs to be an instance of torch.distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution needs to be an instance of "
                "torch.distributions.Distribution"
            )
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        batch, weights = component_distribution.batch_shape, mixture_distribution.param_shape
        _check_batch(mixture_distribution.batch_shape, batch)
        if weights[-1] != batch[-1]:
            raise ValueError(
                f"`mixture_distribution component` ({weights[-1]}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({batch[-1]})"
            )
        self._num_component = weights[-1]
        event = component_distribution.event_shape
        super().__init__(batch[:-1], event, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        batch_shape = Size(batch_shape)
        new._component_distribution = self._component_distribution.expand(
            (*batch_shape, self._num_component)
        )
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._num_component = self._num_component
        super(MixtureSameFamily, new).__init__(batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """Which component a sample comes from."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    def _averaged(self, x: Tensor) -> Tensor:
        """sum_k w_k x_k over the dimension of components."""
        events = len(self._event_shape)
        weights = self._mixture_distribution.probs
        weights = weights.reshape(weights.shape + (1,) * events)
        return (weights * x).sum(-1 - events)

    @property
    def mean(self) -> Tensor:
        return self._averaged(self._component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        """The mean of the variances plus the variance of the means."""
        means = self._component_distribution.mean
        spread = means - self.mean.unsqueeze(-1 - len(self._event_shape))
        return self._averaged(self._component_distribution.variance + spread.square())

    def _against_components(self, x: Tensor) -> Tensor:
        return x.unsqueeze(-1 - len(self._event_shape))

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        cdfs = self._component_distribution.cdf(self._against_components(value))
        return (cdfs * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        log_probs = self._component_distribution.log_prob(self._against_components(value))
        weights = self._mixture_distribution.logits.log_softmax(-1)
        return (log_probs + weights).logsumexp(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """A component, and a sample of it: of all components samples are drawn, one is taken."""
        with penlight.no_grad():
            samples = self._component_distribution.sample(sample_shape)
            which = self._mixture_distribution.expand(self._batch_shape).sample(sample_shape)
            events = len(self._event_shape)
            index = which.reshape(which.shape + (1,) * (events + 1))
            shape = (*which.shape, 1, *self._event_shape)
            return samples.gather(-1 - events, index.expand(shape)).squeeze(-1 - events)

    def __repr__(self) -> str:
        parts = f"{self._mixture_distribution},\n  {self._component_distribution}"
        return f"MixtureSameFamily(\n  {parts})"


def _check_batch(mixture: Size, components: Size) -> None:
    lead = components[:-1]
    if any(m != n and 1 not in (m, n) for m, n in zip(mixture[::-1], lead[::-1], strict=False)):
        raise ValueError(
            f"`mixture_distribution.batch_shape` ({mixture}) is not compatible with "
            f"`component_distribution.batch_shape`({lead})"
        )
