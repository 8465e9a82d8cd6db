"""Adam: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.kernels import updates
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

__all__ = ["Adam"]


class Adam(Optimizer):
    """p <- p - lr m' / (sqrt(v') + eps), with m' and v' the averages of g and g^2 up to step t.

    m <- beta1 m + (1 - beta1) g,  m' = m / (1 - beta1^t);
    v <- beta2 v + (1 - beta2) g^2,  v' = v / (1 - beta2^t): both start from 0, and the division
    takes out the weight that this 0 still has. AMSGrad puts the largest v so far in v's place.

    Args:
        params: the parameters, or groups of them.
        lr: learning rate. Default: 1e-3.
        betas: beta1 and beta2. Default: (0.9, 0.999).
        eps: keeps the divisor off zero. Default: 1e-8.
        weight_decay: lambda of the penalty lambda/2 |p|^2, whose gradient lambda p is added to g.
        amsgrad: use AMSGrad.
        maximize: go up instead of down.
        decoupled_weight_decay: let p <- (1 - lr lambda) p before the step instead of adding to g,
            as AdamW does.
        foreach, fused: accepted for PyTorch's sake.
        capturable: refused by ``step``, as PyTorch does on a CPU.
        differentiable: record the steps, so that gradients flow through them.

    State:
        step: t; exp_avg: m; exp_avg_sq: v; max_exp_avg_sq: the largest v, with AMSGrad.

    Source: Kingma & Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1 in the form
    at the end of section 2; Reddi, Kale & Kumar, "On the convergence of Adam and beyond", 2018,
    algorithm 2.
    """

    elementwise = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        owner = type(self).__name__
        check_lr(owner, lr)
        check_not_negative(owner, eps=eps)
        check_betas(owner, betas)
        check_not_negative(owner, weight_decay=weight_decay)
        check_implementation(owner, foreach, fused, differentiable)
        if foreach and not capturable:
            for name, value in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
                if isinstance(value, Tensor):
                    raise ValueError(
                        f"{owner}: {name} as a Tensor is not supported for capturable=False and "
                        "foreach=True; leave foreach out"
                    )
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        state = {
            "step": new_step(),
            "exp_avg": zeros_for(parameter),
            "exp_avg_sq": zeros_for(parameter),
        }
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_for(parameter)
        return state

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        t, m, v = state["step"], state["exp_avg"], state["exp_avg_sq"]
        lr, (beta1, beta2) = group["lr"], group["betas"]
        decoupled = group["decoupled_weight_decay"]
        g = objective_gradient(p, g, group, decay=not decoupled)
        keep = 1 - lr * group["weight_decay"] if decoupled else 1.0

        # lr m' / (sqrt(v') + eps), with the corrections drawn out of the arrays
        root = (1 - beta2**t) ** 0.5
        rate, eps = lr * root / (1 - beta1**t), group["eps"] * root
        largest = state["max_exp_avg_sq"] if group["amsgrad"] else None
        updates.adam(p, g, m, v, (beta1, beta2), rate, eps, keep, largest)
