"""RAdam: Adam that waits with its divisor until enough gradients were seen to know it."""

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

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """p <- p - lr r m' / (sqrt(v') + eps), or p <- p - lr m' while v' is still too uncertain.

    m' and v' are those of :class:`Adam`. v' averages about rho = rho_inf - 2 t beta2^t / (1 - beta2^t)
    squares, with rho_inf = 2 / (1 - beta2) - 1 in the long run. The factor
    r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho)) makes the variance of
    the divided step what it is in the long run; it exists for rho > 4, and is used for rho > 5.

    Args:
        params: the parameters, or groups of them.
        lr: learning rate. Default: 1e-3.
        betas: beta1 and beta2. Default: (0.9, 0.999).
        eps: keeps the divisor off zero. Default: 1e-8.
        weight_decay: lambda of the penalty lambda/2 |p|^2, whose gradient lambda p is added to g.
        decoupled_weight_decay: let p <- (1 - lr lambda) p before the step instead of adding to g.
        maximize: go up instead of down.
        foreach: accepted for PyTorch's sake.
        capturable: refused by ``step``, as PyTorch does on a CPU.
        differentiable: record the steps, so that gradients flow through them.

    State:
        step: t; exp_avg: m; exp_avg_sq: v.

    Source: Liu, Jiang, He, Chen, Liu, Gao & Han, "On the variance of the adaptive learning rate and
    beyond", 2020, algorithm 2.
    """

    elementwise = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr("RAdam", lr)
        check_not_negative("RAdam", eps=eps)
        check_betas("RAdam", betas)
        check_not_negative("RAdam", weight_decay=weight_decay)
        check_implementation("RAdam", foreach, None, differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        return {
            "step": new_step(),
            "exp_avg": zeros_for(parameter),
            "exp_avg_sq": zeros_for(parameter),
        }

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        t, m, v = state["step"], state["exp_avg"], state["exp_avg_sq"]
        lr, (beta1, beta2) = group["lr"], group["betas"]
        decoupled = group["decoupled_weight_decay"]
        g = objective_gradient(p, g, group, decay=not decoupled)
        if decoupled:
            p *= 1 - lr * group["weight_decay"]

        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * g * g

        rate, left = lr / (1 - beta1**t), 1 - beta2**t
        longest = 2 / (1 - beta2) - 1
        rho = longest - 2 * t * beta2**t / left
        if rho > 5:
            rectified = (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)
            divisor = np.sqrt(v)
            divisor += group["eps"]
            step = np.divide(m, divisor, out=divisor)
            step *= rate * (left * rectified) ** 0.5
        else:
            step = rate * m
        p -= step
