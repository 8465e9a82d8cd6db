"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import penlight
from penlight import Tensor
from penlight.distributions import constraints
from penlight.distributions.distribution import expand_parameters
from penlight.distributions.exp_family import ExponentialFamily
from penlight.distributions.probabilities import ProbsOrLogits
from penlight.distributions.utils import broadcast_all, clamp_probs
from penlight.nn import functional as F

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(ProbsOrLogits, ExponentialFamily):
    """p(x) = C p^x (1 - p)^(1 - x), 0 <= x <= 1, with C = 2 artanh(1 - 2 p) / (1 - 2 p).

    Near p = 1/2 quotients of small numbers give way to their Taylor series in p - 1/2.

    Args:
        probs: p.
        logits: instead, ln(p / (1 - p)).
        lims: the interval of p in which the series are used.

    Source: Loaiza-Ganem & Cunningham, "The continuous Bernoulli: fixing a pervasive error in variational
    autoencoders", NeurIPS 2019.
    """

    arg_constraints: ClassVar = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    expand = expand_parameters

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        (value,) = broadcast_all(self._keep_one_of(probs, logits))
        if probs is not None:
            checked = self._validate_args if validate_args is None else validate_args
            if checked and not bool(constraints.unit_interval.check(value).all()):
                raise ValueError("The parameter probs has invalid values")
            value = clamp_probs(value)
        vars(self)[self._given] = value
        self._lims = lims
        super().__init__(value.shape, validate_args=validate_args)

    def _stable(self) -> Tensor:
        """Where p is far enough from 1/2."""
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _far_probs(self, stable: Tensor) -> Tensor:
        """p, or where it is too near to 1/2 a number that is not."""
        return penlight.where(stable, self.probs, self._lims[0])

    def _log_constant(self) -> Tensor:
        """ln C = ln |ln(1 - p) - ln p| - ln |1 - 2 p|."""
        stable = self._stable()
        p = self._far_probs(stable)
        far = ((-p).log1p() - p.log()).abs().log() - (1 - 2 * p).abs().log()
        square = (self.probs - 0.5).square()
        near = math.log(2) + (4 / 3 + 104 / 45 * square) * square
        return penlight.where(stable, far, near)

    @property
    def mean(self) -> Tensor:
        stable = self._stable()
        p = self._far_probs(stable)
        far = p / (2 * p - 1) + 1 / ((-p).log1p() - p.log())
        x = self.probs - 0.5
        return penlight.where(stable, far, 0.5 + (1 / 3 + 16 / 45 * x.square()) * x)

    @property
    def variance(self) -> Tensor:
        stable = self._stable()
        p = self._far_probs(stable)
        far = p * (p - 1) / (1 - 2 * p).square() + 1 / ((-p).log1p() - p.log()).square()
        square = (self.probs - 0.5).square()
        return penlight.where(stable, far, 1 / 12 - (1 / 15 - 128 / 945 * square) * square)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(penlight.rand(shape, dtype=self.probs.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        bernoulli = -F.binary_cross_entropy_with_logits(logits, value, reduction="none")
        return bernoulli + self._log_constant()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        stable = self._stable()
        p = self._far_probs(stable)
        far = (p.pow(value) * (1 - p).pow(1 - value) + p - 1) / (2 * p - 1)
        return penlight.where(stable, far, value).clamp(min=0, max=1)

    def icdf(self, value: Tensor) -> Tensor:
        stable = self._stable()
        p = self._far_probs(stable)
        rest = (-p).log1p()
        far = ((-p + value * (2 * p - 1)).log1p() - rest) / (p.log() - rest)
        return penlight.where(stable, far, value)

    def entropy(self) -> Tensor:
        log_0, log_1 = (-self.probs).log1p(), self.probs.log()
        return self.mean * (log_0 - log_1) - self._log_constant() - log_0

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        """ln((e^x - 1) / x), by its series near 0."""
        low, high = self._lims[0] - 0.5, self._lims[1] - 0.5
        stable = (x <= low) | (x > high)
        far = penlight.where(stable, x, low)
        near = 0.5 * x + x.square() / 24 - x.pow(4) / 2880
        return penlight.where(stable, far.expm1().abs().log() - far.abs().log(), near)
