"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import penlight
from penlight import Size, Tensor
from penlight.distributions import constraints
from penlight.distributions.chi2 import Chi2
from penlight.distributions.distribution import Distribution
from penlight.distributions.utils import _standard_normal, broadcast_all

__all__ = ["StudentT"]


class StudentT(Distribution):
    """X = loc + scale Z / sqrt(V / df), Z standard normal, V chi-squared with df degrees of freedom.

    Args:
        df: the degrees of freedom, any positive number.
        loc: the centre. Default: 0
        scale: the scale. Default: 1
    """

    arg_constraints: ClassVar = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(StudentT, _instance)
        batch_shape = Size(batch_shape)
        new.df, new.loc, new.scale = (
            p.expand(batch_shape) for p in (self.df, self.loc, self.scale)
        )
        new._chi2 = self._chi2.expand(batch_shape)
        super(StudentT, new).__init__(batch_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def mean(self) -> Tensor:
        """NaN for df <= 1."""
        return self.loc.masked_fill(self.df <= 1, penlight.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Infinite for 1 < df <= 2, NaN below."""
        finite = self.scale.square() * self.df / (self.df - 2)
        variance = penlight.where(self.df > 2, finite, penlight.inf)
        return variance.masked_fill(self.df <= 1, penlight.nan)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        z = _standard_normal(self._extended_shape(sample_shape), self.df.dtype)
        v = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (z * (v / self.df).rsqrt())

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        half, more = self.df / 2, (self.df + 1) / 2
        normalizer = (
            self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi)
            + half.lgamma() - more.lgamma()
        )  # fmt: skip
        return -more * (y.square() / self.df).log1p() - normalizer

    def entropy(self) -> Tensor:
        half, more = self.df / 2, (self.df + 1) / 2
        log_beta = half.lgamma() + 0.5 * math.log(math.pi) - more.lgamma()
        shape = more * (more.digamma() - half.digamma())
        return self.scale.log() + shape + 0.5 * self.df.log() + log_beta
