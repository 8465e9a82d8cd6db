"""Divergences of distributions of different families: -H(p) - E_p ln q(x), entropy and moments of p."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import penlight
from penlight import Tensor
from penlight.distributions.bernoulli import Bernoulli
from penlight.distributions.beta import Beta
from penlight.distributions.binomial import Binomial
from penlight.distributions.continuous_bernoulli import ContinuousBernoulli
from penlight.distributions.exponential import Exponential
from penlight.distributions.gamma import Gamma
from penlight.distributions.gumbel import Gumbel
from penlight.distributions.kl.registry import register_kl
from penlight.distributions.laplace import Laplace
from penlight.distributions.normal import Normal
from penlight.distributions.pareto import Pareto
from penlight.distributions.poisson import Poisson
from penlight.distributions.uniform import Uniform
from penlight.distributions.utils import euler_constant

inf = penlight.inf

# -- where p has values that q has not: infinite ---------------------------------------------

_BOUNDED = (Beta, ContinuousBernoulli, Uniform)
_BEYOND: dict[type, tuple[type, ...]] = {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (*_BOUNDED, Pareto),
    Gamma: (*_BOUNDED, Pareto),
    Gumbel: (*_BOUNDED, Exponential, Gamma, Pareto),
    Laplace: (*_BOUNDED, Exponential, Gamma, Pareto),
    Normal: (*_BOUNDED, Exponential, Gamma, Pareto),
    Pareto: _BOUNDED,
    Poisson: (Bernoulli, Binomial),
}


def _infinite(p: Any, q: Any) -> Tensor:
    shape = penlight.broadcast_shapes(p.batch_shape, q.batch_shape)
    return penlight.full(shape, inf, dtype=p.mean.dtype)


for _type_p, _types in _BEYOND.items():
    for _type_q in _types:
        register_kl(_type_p, _type_q)(_infinite)

# -- moments ---------------------------------------------------------------------------------

_MEAN_LOG: dict[type, Callable[[Any], Tensor]] = {
    Beta: lambda p: p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma(),
    Exponential: lambda p: -euler_constant - p.rate.log(),
    Gamma: lambda p: p.concentration.digamma() - p.rate.log(),
    Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
    Uniform: lambda p: _mean_log_between(p.low, p.high),
}
"""E ln x."""

_MEAN_EXP: dict[type, Callable[[Any, Tensor], Tensor]] = {
    Exponential: lambda p, t: p.rate / (p.rate - t),
    Gamma: lambda p, t: (1 - t / p.rate).pow(-p.concentration),
    Normal: lambda p, t: (t * p.loc + 0.5 * (t * p.scale).square()).exp(),
    Uniform: lambda p, t: ((t * p.high).exp() - (t * p.low).exp()) / (t * (p.high - p.low)),
}
"""E e^(t x)."""


def _mean_log_between(low: Tensor, high: Tensor) -> Tensor:
    return (penlight.xlogy(high, high) - penlight.xlogy(low, low)) / (high - low) - 1


# -- E_p ln q(x) by the moments --------------------------------------------------------------


def _to_normal(p: Any, q: Normal) -> Tensor:
    var = q.variance
    square = p.variance + (p.mean - q.loc).square()
    return 0.5 * (2 * math.pi * var).log() + square / (2 * var) - p.entropy()


def _to_exponential(p: Any, q: Exponential) -> Tensor:
    return q.rate * p.mean - q.rate.log() - p.entropy()


def _to_gamma(p: Any, q: Gamma) -> Tensor:
    a = q.concentration
    mean_log = _MEAN_LOG[_family(p, _MEAN_LOG)](p)
    return q.rate * p.mean - (a - 1) * mean_log - a * q.rate.log() + a.lgamma() - p.entropy()


def _to_gumbel(p: Any, q: Gumbel) -> Tensor:
    mean_exp = _MEAN_EXP[_family(p, _MEAN_EXP)](p, -1 / q.scale)
    shift = q.loc / q.scale
    return p.mean / q.scale - shift + shift.exp() * mean_exp + q.scale.log() - p.entropy()


def _to_continuous_bernoulli(p: Any, q: ContinuousBernoulli) -> Tensor:
    return -p.mean * q.logits - (-q.probs).log1p() - q._log_constant() - p.entropy()


def _family(p: Any, table: dict[type, Any]) -> type:
    return next(cls for cls in type(p).__mro__ if cls in table)


_ACROSS: dict[Any, tuple[type, ...]] = {
    (Normal, _to_normal): (
        Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform,
    ),
    (Exponential, _to_exponential): (Beta, ContinuousBernoulli, Gamma, Pareto),
    (Gamma, _to_gamma): (Beta, Exponential, Pareto),
    (Gumbel, _to_gumbel): (Exponential, Gamma, Normal, Uniform),
    (ContinuousBernoulli, _to_continuous_bernoulli): (Beta,),
}  # fmt: skip

for (_type_q, _function), _types in _ACROSS.items():
    for _type_p in _types:
        register_kl(_type_p, _type_q)(_function)


@register_kl(Beta, Uniform)
@register_kl(ContinuousBernoulli, Uniform)
def _unit_interval_to_uniform(p: Any, q: Uniform) -> Tensor:
    result = (q.high - q.low).log() - p.entropy()
    return penlight.where((q.low > 0) | (q.high < 1), inf, result)


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return q.rate - p.probs * q.rate.log() - p.entropy()


@register_kl(Normal, Laplace)
def _normal_laplace(p: Normal, q: Laplace) -> Tensor:
    shift = p.loc - q.loc
    z = shift / p.scale
    distance = math.sqrt(2 / math.pi) * p.scale * (-0.5 * z.square()).exp()
    distance = distance + shift * (z * math.sqrt(0.5)).erf()  # E |x - q.loc|
    return distance / q.scale + (2 * q.scale).log() - p.entropy()


# -- from uniform distributions, which q must cover ------------------------------------------


@register_kl(Uniform, Beta)
def _uniform_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    mean_log, mean_log_rest = (
        _mean_log_between(p.low, p.high), _mean_log_between(1 - p.high, 1 - p.low),
    )  # fmt: skip
    result = q._log_normalizer(a, b) - (a - 1) * mean_log - (b - 1) * mean_log_rest - p.entropy()
    return penlight.where((p.low < 0) | (p.high > 1), inf, result)


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Uniform, q: ContinuousBernoulli) -> Tensor:
    result = _to_continuous_bernoulli(p, q)
    return penlight.where((p.low < 0) | (p.high > 1), inf, result)


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Uniform, q: Exponential) -> Tensor:
    return penlight.where(p.low < 0, inf, _to_exponential(p, q))


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Uniform, q: Gamma) -> Tensor:
    return penlight.where(p.low < 0, inf, _to_gamma(p, q))


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Uniform, q: Pareto) -> Tensor:
    mean_log = _mean_log_between(p.low, p.high)
    density = q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * mean_log
    return penlight.where(p.low < q.scale, inf, -density - p.entropy())
