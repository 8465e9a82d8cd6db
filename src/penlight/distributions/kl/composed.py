"""Divergences of distributions that are made of others, and of exponential families in general."""

from __future__ import annotations

from penlight import Tensor
from penlight.distributions.exp_family import ExponentialFamily
from penlight.distributions.independent import Independent
from penlight.distributions.kl.registry import kl_divergence, register_kl
from penlight.distributions.transformed_distribution import TransformedDistribution
from penlight.distributions.utils import _sum_rightmost


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    """The Bregman divergence F(theta_q) - F(theta_p) - (theta_q - theta_p) . F'(theta_p)."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed "
            f"using Bregman divergences, got {type(p).__name__} and {type(q).__name__}"
        )
    theta_p, normalizer, means = p._normalizer_and_means()
    theta_q = q._natural_params
    result = q._log_normalizer(*theta_q) - normalizer
    for a, b, mean in zip(theta_p, theta_q, means, strict=True):
        result = result - _sum_rightmost((b - a) * mean, a.dim() - len(p.batch_shape))
    return result


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    n = p.reinterpreted_batch_ndims
    if n != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            "KL of Independent distributions: reinterpreted_batch_ndims must be equal, got "
            f"{n} and {q.reinterpreted_batch_ndims}"
        )
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), n)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    """That of what is transformed: a bijection changes nothing."""
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError(
            "KL of TransformedDistributions: transforms and event shapes must be equal, got "
            f"{p.transforms}, {p.event_shape} and {q.transforms}, {q.event_shape}"
        )
    return kl_divergence(p.base_dist, q.base_dist)
