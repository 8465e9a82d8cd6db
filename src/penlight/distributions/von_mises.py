"""The von Mises distribution: angles around a direction."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import penlight
from penlight import Tensor
from penlight.distributions import constraints
from penlight.distributions.distribution import Distribution, expand_parameters
from penlight.distributions.utils import broadcast_all

__all__ = ["VonMises"]


class VonMises(Distribution):
    """p(x) = e^(k cos(x - loc)) / (2 pi I_0(k)), k = concentration, x an angle in [-pi, pi).

    Args:
        loc: the direction, in radians.
        concentration: k, about the inverse of the variance.
    """

    arg_constraints: ClassVar = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    expand = expand_parameters

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The direction."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The circular variance 1 - I_1(k) / I_0(k)."""
        k = self.concentration
        return 1 - penlight.special.i1e(k) / penlight.special.i0e(k)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        k = self.concentration
        log_bessel = penlight.special.i0e(k).log() + k
        return k * (value - self.loc).cos() - math.log(2 * math.pi) - log_bessel

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """By rejection from a wrapped Cauchy distribution, in float64; the rejected are drawn anew.

        Source: Best & Fisher, "Efficient simulation of the von Mises distribution", 1979.
        """
        shape = self._extended_shape(sample_shape)
        with penlight.no_grad():
            loc = self.loc.double().expand(shape)
            cosines = _proposed_cosines(self.concentration.double().expand(shape).reshape(-1))
            angle = cosines.acos().copysign(penlight.rand(cosines.shape).double() - 0.5)
            x = angle.reshape(shape) + loc
            return ((x + math.pi) % (2 * math.pi) - math.pi).to(self.loc.dtype)


def _proposed_cosines(k: Tensor) -> Tensor:
    """Cosines of angles that are von Mises distributed around 0."""
    tau = 1 + (1 + 4 * k.square()).sqrt()
    rho = (tau - (2 * tau).sqrt()) / (2 * k)
    r = penlight.where(k < 1e-5, 1 / k + k, (1 + rho.square()) / (2 * rho))
    cosines = penlight.empty_like(k)
    left = penlight.arange(len(k))
    while len(left):
        kl, rl = k[left], r[left]
        u = penlight.rand(2, len(left), dtype=k.dtype)
        z = (math.pi * u[0]).cos()
        f = (1 + rl * z) / (rl + z)
        c = kl * (rl - f)
        accepted = (c * (2 - c) > u[1]) | ((c / u[1]).log() + 1 - c >= 0)
        cosines[left[accepted]] = f[accepted]
        left = left[~accepted]
    return cosines.clamp(min=-1, max=1)
