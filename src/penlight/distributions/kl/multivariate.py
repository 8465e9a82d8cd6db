"""Divergences of multivariate normal distributions, by their Cholesky and low-rank factors.

KL = (ln det S_q - ln det S_p + tr(S_q^-1 S_p) + (m_q - m_p)^T S_q^-1 (m_q - m_p) - n) / 2.
"""

from __future__ import annotations

from typing import Any

from penlight import Tensor
from penlight.distributions.kl.registry import register_kl
from penlight.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from penlight.distributions.multivariate_normal import MultivariateNormal


@register_kl(MultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _multivariate(p: Any, q: Any) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be "
            f"computed, got {p.event_shape} and {q.event_shape}"
        )
    trace = sum(q._traced(factor) for factor in p._factors())
    distance = q._distance(q.loc - p.loc) - p.event_shape[0]
    return q._half_log_det() - p._half_log_det() + 0.5 * (trace + distance)
