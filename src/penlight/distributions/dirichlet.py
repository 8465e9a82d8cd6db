"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any, ClassVar

import penlight
from penlight import Tensor
from penlight.distributions import constraints
from penlight.distributions.distribution import expand_parameters
from penlight.distributions.exp_family import ExponentialFamily
from penlight.nn import functional as F
from penlight.ops.implicit import sample_dirichlet

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """p(x) = prod_i x_i^(a_i - 1) / B(a), x on the simplex, ln B(a) = sum ln gamma(a_i) - ln gamma(sum a_i).

    Samples move with the concentrations by implicit differentiation, see ``ops/implicit.py``.

    Args:
        concentration: a, along the last dimension.
    """

    arg_constraints: ClassVar = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    expand = expand_parameters

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        shape = concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Tensor:
        """Where all concentrations are below 1, the corner of the largest."""
        above = (self.concentration - 1).clamp(min=0)
        inner = above / above.sum(-1, keepdim=True)
        at_corner = (self.concentration < 1).all(-1, keepdim=True)
        corner = F.one_hot(self.concentration.argmax(-1), self._event_shape[0])
        return penlight.where(at_corner, corner.to(inner.dtype), inner)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, keepdim=True)
        mean = self.concentration / total
        return mean * (1 - mean) / (total + 1)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return penlight.xlogy(a - 1, value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    def entropy(self) -> Tensor:
        a, k = self.concentration, self._event_shape[0]
        total = a.sum(-1)
        return (
            a.lgamma().sum(-1) - total.lgamma()
            - (k - total) * total.digamma() - ((a - 1) * a.digamma()).sum(-1)
        )  # fmt: skip

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.concentration,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()
