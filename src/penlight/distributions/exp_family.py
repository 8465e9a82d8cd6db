"""``ExponentialFamily``: distributions whose entropy and divergence follow from one function."""

from __future__ import annotations

from typing import Any

import penlight
from penlight import Tensor
from penlight.distributions.distribution import Distribution
from penlight.distributions.utils import _sum_rightmost

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """p(x; theta) = exp(t(x) . theta - F(theta) + k(x)) with natural parameters theta.

    The gradient of the log-normaliser F is the mean of the statistic t, so the entropy is
    F(theta) - theta . F'(theta) - E k(x).

    Source: Nielsen & Nock, "Entropies and cross-entropies of exponential families", 2010.
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        """theta."""
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        """F(theta)."""
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        """E k(x)."""
        raise NotImplementedError

    def _normalizer_and_means(self) -> tuple[tuple[Tensor, ...], Tensor, Any]:
        """theta, F(theta), and F'(theta), itself differentiable."""
        theta = tuple(
            p if p.requires_grad else p.detach().requires_grad_() for p in self._natural_params
        )
        with penlight.enable_grad():
            normalizer = self._log_normalizer(*theta)
            means = penlight.autograd.grad(normalizer.sum(), theta, create_graph=True)
        return theta, normalizer, means

    def entropy(self) -> Tensor:
        """F(theta) - theta . F'(theta) - E k(x)."""
        theta, normalizer, means = self._normalizer_and_means()
        result = normalizer - self._mean_carrier_measure
        for t, mean in zip(theta, means, strict=True):
            result = result - _sum_rightmost(t * mean, t.dim() - len(self._batch_shape))
        return result
