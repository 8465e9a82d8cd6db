"""``TransformedDistribution``: what a transform makes of a distribution."""

from __future__ import annotations

from typing import Any, ClassVar

import penlight
from penlight import Size, Tensor
from penlight.distributions import constraints
from penlight.distributions.distribution import Distribution
from penlight.distributions.independent import Independent
from penlight.distributions.transforms import ComposeTransform, Transform
from penlight.distributions.utils import _sum_rightmost

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """Y = f(X): ln p(y) = ln p(x) - ln |det dy/dx| with x = f^-1(y).

    Args:
        base_distribution: the distribution of X.
        transforms: f, or a list of transforms, applied one after another.

    Example:
        >>> logistic = TransformedDistribution(
        ...     Uniform(0, 1), [SigmoidTransform().inv, AffineTransform(loc=1, scale=2)]
        ... )
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | list[Transform],
        validate_args: bool | None = None,
    ) -> None:
        self.transforms = _as_list(transforms)
        shape = base_distribution.batch_shape + base_distribution.event_shape
        base_events = len(base_distribution.event_shape)
        transform = ComposeTransform(self.transforms)
        needed = transform.domain.event_dim
        if len(shape) < needed:
            raise ValueError(
                f"base_distribution needs to have shape with size at least {needed}, but got {shape}."
            )
        forward = Size(transform.forward_shape(shape))
        expanded = Size(transform.inverse_shape(forward))
        if shape != expanded:
            batch = expanded[: len(expanded) - base_events]
            base_distribution = base_distribution.expand(batch)
        if needed > base_events:
            base_distribution = Independent(base_distribution, needed - base_events)
        self.base_dist = base_distribution
        # an event has the dimensions that the transform gives, and those that it passes through
        gained = transform.codomain.event_dim - needed
        events = max(needed, base_events) + gained
        cut = len(forward) - events
        super().__init__(forward[:cut], forward[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(TransformedDistribution, _instance)
        batch_shape = Size(batch_shape)
        transform = ComposeTransform(self.transforms)
        base = transform.inverse_shape(batch_shape + self._event_shape)
        new.base_dist = self.base_dist.expand(base[: len(base) - len(self.base_dist.event_shape)])
        new.transforms = self.transforms
        super(TransformedDistribution, new).__init__(
            batch_shape, self._event_shape, validate_args=False
        )
        new._validate_args = self._validate_args
        return new

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return self.base_dist.has_rsample

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        missing = len(self._event_shape) - support.event_dim
        return constraints.independent(support, missing) if missing > 0 else support

    def _forward(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def _backward(self, y: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            y = transform.inv(y)
        return y

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with penlight.no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._forward(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        events = len(self._event_shape)
        result: Any = 0
        y = value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            events += transform.domain.event_dim - transform.codomain.event_dim
            det = transform.log_abs_det_jacobian(x, y)
            result = result - _sum_rightmost(det, events - transform.domain.event_dim)
            y = x
        base = self.base_dist.log_prob(y)
        return result + _sum_rightmost(base, events - len(self.base_dist.event_shape))

    def _sign(self) -> Any:
        sign: Any = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return sign

    def cdf(self, value: Tensor) -> Tensor:
        """That of x, or 1 minus that where the transform decreases."""
        if self._validate_args:
            self._validate_sample(value)
        return _mirrored(self.base_dist.cdf(self._backward(value)), self._sign())

    def icdf(self, value: Tensor) -> Tensor:
        return self._forward(self.base_dist.icdf(_mirrored(value, self._sign())))


def _mirrored(p: Tensor, sign: Any) -> Tensor:
    """p where the sign is 1, 1 - p where it is -1."""
    return p if isinstance(sign, int) and sign == 1 else sign * (p - 0.5) + 0.5


def _as_list(transforms: Any) -> list[Transform]:
    if isinstance(transforms, Transform):
        return [transforms]
    if not isinstance(transforms, list):
        raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
    if not all(isinstance(t, Transform) for t in transforms):
        raise ValueError(
            f"transforms must be a Transform or a list of Transforms, got {transforms}"
        )
    return transforms
