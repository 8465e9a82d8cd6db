"""Adadelta: steps whose size is that of recent steps, so that no learning rate need be chosen."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.optim.arguments import check_implementation, check_lr, check_not_negative
from penlight.optim.optimizer import (
    Group,
    Optimizer,
    ParamsT,
    new_step,
    objective_gradient,
    zeros_for,
)
from penlight.tensor import Tensor

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """p <- p - lr d, with d = g sqrt(u + eps) / sqrt(v + eps).

    v <- rho v + (1 - rho) g^2 averages the squares of gradients, before d is computed;
    u <- rho u + (1 - rho) d^2 those of the steps d, after it. Both start from 0. So d has the unit
    of p, as a step should, not that of 1 / p, as a gradient does.

    Args:
        params: the parameters, or groups of them.
        lr: what the step is multiplied by. Default: 1.
        rho: how slowly the averages forget, in [0, 1]. Default: 0.9.
        eps: keeps the divisor off zero, and lets the first step be more than zero. Default: 1e-6.
        weight_decay: lambda of the penalty lambda/2 |p|^2, whose gradient lambda p is added to g.
        maximize: go up instead of down.
        foreach: accepted for PyTorch's sake.
        capturable: refused by ``step``, as PyTorch does on a CPU.
        differentiable: record the steps, so that gradients flow through them.

    State:
        step; square_avg: v; acc_delta: u.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012, algorithm 1.
    """

    elementwise = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr("Adadelta", lr)
        if not 0 <= rho <= 1:
            raise ValueError(f"Adadelta: rho must be in [0, 1], got {rho}")
        check_not_negative("Adadelta", eps=eps, weight_decay=weight_decay)
        check_implementation("Adadelta", foreach, None, differentiable)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        return {
            "step": new_step(),
            "square_avg": zeros_for(parameter),
            "acc_delta": zeros_for(parameter),
        }

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        g = objective_gradient(p, g, group)
        v, u, rho, eps = state["square_avg"], state["acc_delta"], group["rho"], group["eps"]
        v *= rho
        v += (1 - rho) * g * g
        d = np.sqrt(u + eps)
        d /= np.sqrt(v + eps)
        d *= g
        u *= rho
        u += (1 - rho) * d * d
        p -= group["lr"] * d
