"""Negative log-likelihoods as modules; each calls its function in ``nn.functional``."""

from __future__ import annotations

from penlight.nn import functional as F
from penlight.nn.modules.loss import Loss
from penlight.tensor import Tensor

__all__ = ["GaussianNLLLoss", "PoissonNLLLoss"]


class PoissonNLLLoss(Loss):
    """e^x - t x for the logarithm x of a Poisson distribution's mean and a count t.

    Args:
        log_input: False if x is the mean itself: x - t ln(x + eps). Default: True.
        full: add ln t! in Stirling's approximation, where t > 1. Default: False.
        size_average, reduce: old forms of ``reduction``.
        eps: added to x before taking its logarithm. Default: 1e-8.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.
    """

    log_input: bool
    full: bool
    eps: float

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(
            log_input,
            target,
            log_input=self.log_input,
            full=self.full,
            eps=self.eps,
            reduction=self.reduction,
        )


class GaussianNLLLoss(Loss):
    """(ln v + (x - t)^2 / v) / 2 for the mean x and variance v of a normal distribution.

    Args:
        full: add ln(2 pi) / 2. Default: False.
        eps: the smallest v. Default: 1e-6.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.

    Source: Nix & Weigend, "Estimating the mean and variance of the target probability
    distribution", 1994.
    """

    full: bool
    eps: float

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction
        )
