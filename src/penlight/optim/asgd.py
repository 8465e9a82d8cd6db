"""ASGD: gradient descent with steps that get smaller, and an average of where they lead."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.optim.arguments import check_implementation, check_lr, check_not_negative
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

__all__ = ["ASGD"]


class ASGD(Optimizer):
    """p <- (1 - lambd eta) p - eta g, and a <- a + mu (p - a), in the end the mean of p.

    eta = lr in the first step, then lr / (1 + lambd lr t)^alpha with t the steps already made;
    mu = 1 / max(1, t - t0). The mean a is in the state, for the user to take: training goes on from p.

    Args:
        params: the parameters, or groups of them.
        lr: learning rate. Default: 1e-2.
        lambd: the decay of p, which also shortens the steps. Default: 1e-4.
        alpha: the power with which they get shorter. Default: 0.75.
        t0: the number of steps after which averaging begins; until then a is p. Default: 1e6.
        weight_decay: lambda of the penalty lambda/2 |p|^2, whose gradient lambda p is added to g.
        maximize: go up instead of down.
        foreach: accepted for PyTorch's sake.
        capturable: refused by ``step``, as PyTorch does on a CPU.
        differentiable: record the steps, so that gradients flow through them.

    State:
        step: t; eta, mu: those of the next step; ax: a.

    Source: Polyak & Juditsky, "Acceleration of stochastic approximation by averaging", 1992; Xu,
    "Towards optimal one pass large scale learning with averaged stochastic gradient descent", 2011
    (eta).
    """

    elementwise = True
    scalars = ("step", "eta", "mu")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr("ASGD", lr)
        check_not_negative("ASGD", weight_decay=weight_decay)
        check_implementation("ASGD", foreach, None, differentiable)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
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
            "eta": new_number(group["lr"]),
            "mu": new_number(1),
            "ax": zeros_for(parameter),
        }

    def advance(self, numbers: dict[str, float], group: Group) -> None:
        super().advance(numbers, group)
        t, lr = numbers["step"], group["lr"]
        numbers["present eta"], numbers["present mu"] = numbers["eta"], numbers["mu"]
        numbers["eta"] = lr / (1 + group["lambd"] * lr * t) ** group["alpha"]
        numbers["mu"] = 1 / max(1, t - group["t0"])

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        g = objective_gradient(p, g, group)
        a, eta, mu = state["ax"], state["present eta"], state["present mu"]
        p *= 1 - group["lambd"] * eta
        p -= eta * g
        if mu == 1:
            a[...] = p
        else:
            a += mu * (p - a)
