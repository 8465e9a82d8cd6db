"""Negative log-likelihoods of counts and of measurements."""

from __future__ import annotations

import math

from penlight.nn.functional.loss import check_reduction, reduced, reduction_of
from penlight.tensor import Tensor

__all__ = ["gaussian_nll_loss", "poisson_nll_loss"]


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """e^x - t x for the logarithm x of a Poisson distribution's mean and a count t.

    Args:
        input: x, any shape; with ``log_input=False`` the mean x itself, for x - t ln(x + eps).
        target: counts t, of the same shape.
        log_input: whether ``input`` holds logarithms. Default: True.
        full: add ln t! in Stirling's approximation, where t > 1. Default: False.
        size_average, reduce: old forms of ``reduction``.
        eps: added to x before taking its logarithm. Default: 1e-8.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.

    Raises:
        ValueError: for another ``reduction``.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    check_reduction(reduction)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(ln v + (x - t)^2 / v) / 2 for the mean x and variance v of a normal distribution.

    Args:
        input: x, any shape.
        target: t, of the same shape, or one that broadcasts.
        var: v, of the input's shape, or without its last dimension (or with 1 there); or a number.
        full: add ln(2 pi) / 2. Default: False.
        eps: the smallest v; where v is held there, its gradient passes as if it were not.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if ``var`` has another shape or a negative element, or for another ``reduction``.

    Source: Nix & Weigend, "Estimating the mean and variance of the target probability
    distribution", 1994.
    """
    check_reduction(reduction)
    variance = _variance(input, var)
    if (variance._array < 0).any():
        raise ValueError("gaussian_nll_loss: var has negative entries")
    variance = variance + (variance.clamp_min(eps) - variance).detach()
    loss = 0.5 * (variance.log() + (input - target).square() / variance)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)


def _variance(input: Tensor, var: Tensor | float) -> Tensor:
    """``var`` in a shape that broadcasts to the input's."""
    if not isinstance(var, Tensor):
        return input.detach() * 0 + float(var)
    wanted, given = input._array.shape, var._array.shape
    if given == wanted or given == (*wanted[:-1], 1):
        return var
    if given == wanted[:-1]:
        return var.unsqueeze(-1)
    raise ValueError(
        f"gaussian_nll_loss: var is of incorrect size {list(given)}; expected {list(wanted)}, or "
        "that without its last dimension"
    )
