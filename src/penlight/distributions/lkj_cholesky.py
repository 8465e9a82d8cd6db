"""The LKJ distribution of correlation matrices, by their Cholesky factors."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import penlight
from penlight import Size, Tensor
from penlight.distributions import constraints
from penlight.distributions.beta import Beta
from penlight.distributions.distribution import Distribution, expand_parameters
from penlight.distributions.utils import broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """p(M) in proportion to det(M)^(concentration - 1), M = L L^T a correlation matrix; L is the sample.

    Args:
        dim: the number of rows.
        concentration: 1: uniform; larger: correlations near 0. Default: 1

    Source: Lewandowski, Kurowicka & Joe, "Generating random correlation matrices based on vines and
    extended onion method", 2009.
    """

    arg_constraints: ClassVar = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    expand = expand_parameters

    def __init__(
        self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, Size((dim, dim)), validate_args)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Row by row ("onion"): row i points anywhere on a sphere of i dimensions, its squared length
        before the diagonal is beta distributed."""
        dtype, rows = self.concentration.dtype, self.dim
        with penlight.no_grad():
            below = penlight.arange(1, rows, dtype=dtype)  # entries before the diagonal
            last = self.concentration.unsqueeze(-1) + (rows - 1 - below) / 2
            squares = Beta(below / 2, last, validate_args=False).sample(sample_shape)
            shape = (*squares.shape[:-1], rows - 1, rows)
            directions = penlight.randn(shape, dtype=dtype).tril()
            directions = directions / directions.norm(dim=-1, keepdim=True)
            lower = directions * squares.sqrt().unsqueeze(-1)
            first = lower.new_zeros((*shape[:-2], 1, rows))
            lower = penlight.cat([first, lower], -2)
            tiny = penlight.finfo(dtype).tiny
            diagonal = (1 - lower.square().sum(-1)).clamp(min=tiny).sqrt()
            return lower + diagonal.diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        """sum_i (2 (c - 1) + n - i) ln L_ii, i = 2 ... n, less ln of its integral.

        Source: Stan Functions Reference, "LKJ correlation distribution (Cholesky factor)".
        """
        if self._validate_args:
            self._validate_sample(value)
        c, n = self.concentration, self.dim
        order = penlight.arange(n - 2, -1, -1, dtype=c.dtype)
        diagonal = value.diagonal(dim1=-2, dim2=-1)[..., 1:]
        powers = ((2 * (c - 1)).unsqueeze(-1) + order) * diagonal.log()
        alpha = c + (n - 1) / 2
        integral = (
            (n - 1) / 2 * math.log(math.pi)
            + (alpha - 0.5).mvlgamma(n - 1)
            - (n - 1) * alpha.lgamma()
        )
        return powers.sum(-1) - integral
