"""NAdam: Adam that looks one step ahead, as Nesterov's momentum does."""

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
    new_number,
    new_step,
    objective_gradient,
    zeros_for,
)
from penlight.tensor import Tensor

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """p <- p - lr m' / (sqrt(v') + eps), with m' an average of g that this step's g and the next m share.

    m' = mu_(t+1) m / (1 - mu_1 ... mu_(t+1)) + (1 - mu_t) g / (1 - mu_1 ... mu_t), where
    mu_t = beta1 (1 - 0.96^(t psi) / 2) rises from beta1 / 2 to beta1;
    m <- beta1 m + (1 - beta1) g;  v and v' are those of :class:`Adam`.

    Args:
        params: the parameters, or groups of them.
        lr: learning rate. Default: 2e-3.
        betas: beta1 and beta2. Default: (0.9, 0.999).
        eps: keeps the divisor off zero. Default: 1e-8.
        weight_decay: lambda of the penalty lambda/2 |p|^2, whose gradient lambda p is added to g.
        momentum_decay: psi, how fast mu_t rises. Default: 4e-3.
        decoupled_weight_decay: let p <- (1 - lr lambda) p before the step instead of adding to g.
        maximize: go up instead of down.
        foreach: accepted for PyTorch's sake.
        capturable: refused by ``step``, as PyTorch does on a CPU.
        differentiable: record the steps, so that gradients flow through them.

    State:
        step: t; mu_product: mu_1 ... mu_t; exp_avg: m; exp_avg_sq: v.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016, algorithm 8.
    """

    elementwise = True
    scalars = ("step", "mu_product")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr("NAdam", lr)
        check_not_negative("NAdam", eps=eps)
        check_betas("NAdam", betas)
        check_not_negative("NAdam", weight_decay=weight_decay, momentum_decay=momentum_decay)
        check_implementation("NAdam", foreach, None, differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        return {
            "step": new_step(),
            "mu_product": new_number(1),
            "exp_avg": zeros_for(parameter),
            "exp_avg_sq": zeros_for(parameter),
        }

    def advance(self, numbers: dict[str, float], group: Group) -> None:
        super().advance(numbers, group)
        numbers["mu_product"] *= _mu(numbers["step"], group)

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

        mu, mu_next, product = _mu(t, group), _mu(t + 1, group), state["mu_product"]
        step = (mu_next / (1 - product * mu_next)) * m
        step += ((1 - mu) / (1 - product)) * g
        divisor = np.sqrt(v)
        divisor /= (1 - beta2**t) ** 0.5
        divisor += group["eps"]
        step /= divisor
        step *= lr
        p -= step


def _mu(t: float, group: Group) -> Any:
    """The momentum of step t."""
    return group["betas"][0] * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"]))
