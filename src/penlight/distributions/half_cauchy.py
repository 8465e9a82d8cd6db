"""The half-Cauchy distribution."""

from __future__ import annotations

from typing import Any

import penlight
from penlight import Tensor
from penlight.distributions.cauchy import Cauchy
from penlight.distributions.half import Half
from penlight.distributions.transforms import AbsTransform

__all__ = ["HalfCauchy"]


class HalfCauchy(Half):
    """|X| with X a Cauchy number of median 0.

    Args:
        scale: the scale of X.
    """

    base_dist: Cauchy

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        base = Cauchy(0, scale, validate_args=False)
        super().__init__(base, AbsTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(HalfCauchy, _instance)
        return super().expand(batch_shape, _instance=new)

    @property
    def mean(self) -> Tensor:
        return penlight.full_like(self.scale, penlight.inf)

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance
