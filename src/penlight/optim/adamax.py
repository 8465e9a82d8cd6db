"""Adamax: Adam with the largest recent gradient in place of the root of the mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.optim.arguments import (
    check_betas,
    check_implementation,
    check_lr,
    check_not_negative,
)
from penlight.optim.optimizer import (
    Group,
    Optimizer,
    ParamsT,
    new_step,
    objective_gradient,
    zeros_for,
)
from penlight.tensor import Tensor

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """p <- p - lr m' / u, with m' the average of g and u a maximum of |g| that fades.

    m <- beta1 m + (1 - beta1) g,  m' = m / (1 - beta1^t);
    u <- max(beta2 u, |g| + eps): the limit for large n of Adam's divisor, if it averaged |g|^n and
    took the n-th root. It starts from 0 and is not biased towards that, so it needs no correction.

    Args:
        params: the parameters, or groups of them.
        lr: learning rate. Default: 2e-3.
        betas: beta1 and beta2. Default: (0.9, 0.999).
        eps: keeps the divisor off zero. Default: 1e-8.
        weight_decay: lambda of the penalty lambda/2 |p|^2, whose gradient lambda p is added to g.
        maximize: go up instead of down.
        foreach: accepted for PyTorch's sake.
        capturable: refused by ``step``, as PyTorch does on a CPU.
        differentiable: record the steps, so that gradients flow through them.

    State:
        step: t; exp_avg: m; exp_inf: u.

    Source: Kingma & Ba, "Adam: a method for stochastic optimization", 2015, algorithm 2.
    """

    elementwise = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr("Adamax", lr)
        check_not_negative("Adamax", eps=eps)
        check_betas("Adamax", betas)
        check_not_negative("Adamax", weight_decay=weight_decay)
        check_implementation("Adamax", foreach, None, differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        return {
            "step": new_step(),
            "exp_avg": zeros_for(parameter),
            "exp_inf": zeros_for(parameter),
        }

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        g = objective_gradient(p, g, group)
        t, m, u = state["step"], state["exp_avg"], state["exp_inf"]
        beta1, beta2 = group["betas"]
        m += (1 - beta1) * (g - m)
        u *= beta2
        size = np.abs(g)
        size += group["eps"]
        np.maximum(u, size, out=u)
        step = m / u
        step *= group["lr"] / (1 - beta1**t)
        p -= step
