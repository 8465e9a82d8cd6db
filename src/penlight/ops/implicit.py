"""Samples of gamma and Dirichlet distributions, differentiable in their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.random import Generator, numpy_generator
from penlight.autograd.op import Op
from penlight.kernels import implicit

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["dirichlet_grad", "sample_dirichlet", "standard_gamma", "standard_gamma_grad"]


class StandardGammaGrad(Op):
    """y = dx/dalpha, how the quantile x of the gamma distribution moves; see ``kernels/implicit.py``."""

    @staticmethod
    def forward(ctx: Any, alpha: Any, x: Any) -> Any:
        return implicit.gamma_grad(alpha, x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        raise NotImplementedError("the derivative for '_standard_gamma_grad' is not implemented.")


class StandardGamma(Op):
    """x drawn with density x^(alpha - 1) e^-x / gamma(alpha); dalpha = dx (dx/dalpha at x's quantile)."""

    @staticmethod
    def forward(ctx: Any, alpha: Any, rng: np.random.Generator) -> Any:
        x = implicit.gamma_sample(alpha, rng)
        ctx.save(alpha, x)
        return x

    @staticmethod
    def backward(ctx: Any, dx: Any) -> Any:
        alpha, x = ctx.saved
        return dx * StandardGammaGrad.apply(alpha, x)


class DirichletGrad(Op):
    """y = (dx/dalpha) / (1 - x), x a quantile of the beta distribution (alpha, total - alpha)."""

    @staticmethod
    def forward(ctx: Any, x: Any, alpha: Any, total: Any) -> Any:
        return implicit.dirichlet_grad(x, alpha, total)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        raise NotImplementedError("the derivative for '_dirichlet_grad' is not implemented.")


class SampleDirichlet(Op):
    """x drawn with density prod_i x_i^(alpha_i - 1) / B(alpha).

    x_i alone is beta distributed and moves with alpha_i as its quantile does; the others give way in
    proportion: dx_j/dalpha_i = (delta_ij - x_j) / (1 - x_i) dx_i/dalpha_i. So
    dalpha_i = (dx_i - sum_j x_j dx_j) (dx_i/dalpha_i) / (1 - x_i).

    Source: Jankowiak & Obermeyer, "Pathwise Derivatives Beyond the Reparameterization Trick", 2018.
    """

    @staticmethod
    def forward(ctx: Any, alpha: Any, rng: np.random.Generator) -> Any:
        x = implicit.dirichlet_sample(alpha, rng)
        ctx.save(x, alpha)
        return x

    @staticmethod
    def backward(ctx: Any, dx: Any) -> Any:
        x, alpha = ctx.saved
        total = np.broadcast_to(np.sum(alpha, axis=-1, keepdims=True), alpha.shape)
        mean = np.sum(x * dx, axis=-1, keepdims=True)
        return (dx - mean) * DirichletGrad.apply(x, alpha, total)


def _shapes(owner: str, input: Tensor) -> Tensor:
    if input._array.dtype not in (np.float32, np.float64):
        raise NotImplementedError(f"{owner}: not implemented for {input.dtype}")
    return input


def standard_gamma(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Samples of the gamma distributions of these shapes and rate 1, never below the smallest float.

    Raises:
        RuntimeError: for negative shapes.
    """
    return StandardGamma.apply(_shapes("_standard_gamma", input), numpy_generator(generator))


def standard_gamma_grad(input: Tensor, output: Tensor) -> Tensor:
    """d(output)/d(input) of samples of :func:`standard_gamma`."""
    return StandardGammaGrad.apply(_shapes("_standard_gamma_grad", input), output)


def sample_dirichlet(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Samples of the Dirichlet distributions whose concentrations stand along the last dimension.

    Raises:
        RuntimeError: for negative concentrations.
    """
    return SampleDirichlet.apply(_shapes("_sample_dirichlet", input), numpy_generator(generator))


def dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """(dx/dalpha) / (1 - x) of components x of Dirichlet samples; ``total`` is the sum of alphas."""
    return DirichletGrad.apply(_shapes("_dirichlet_grad", x), alpha, total)
