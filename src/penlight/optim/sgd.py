"""Gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.grad_mode import set_grad_enabled
from penlight.kernels import updates
from penlight.optim.arguments import check_implementation, check_lr, check_not_negative
from penlight.optim.optimizer import Group, Optimizer, ParamsT, objective_gradient, zeros_for
from penlight.tensor import Tensor

__all__ = ["SGD"]


class SGD(Optimizer):
    """p <- p - lr b, where b is the gradient g or, with momentum mu, its decaying sum.

    b <- mu b + (1 - dampening) g, starting from b = g. Nesterov's variant looks one step ahead:
    p <- p - lr (g + mu b).

    Args:
        params: the parameters, or groups of them.
        lr: learning rate. Default: 1e-3.
        momentum: mu. Default: 0.
        dampening: how much less than a whole gradient enters b. Default: 0.
        weight_decay: lambda of the penalty lambda/2 |p|^2, whose gradient lambda p is added to g.
        nesterov: Nesterov's variant; needs momentum and no dampening.
        maximize: go up instead of down.
        foreach, fused: accepted for PyTorch's sake.
        differentiable: record the steps, so that gradients flow through them.

    State:
        momentum_buffer: b, with momentum.

    Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964;
    Sutskever, Martens, Dahl & Hinton, "On the importance of initialization and momentum in deep
    learning", 2013, section 2 (with lr inside b).
    """

    elementwise = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr("SGD", lr)
        check_not_negative("SGD", momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError(
                "SGD: nesterov requires a momentum and zero dampening, got "
                f"momentum={momentum}, dampening={dampening}"
            )
        check_implementation("SGD", foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for known in self.state.values():  # older versions saved a buffer that was not there
            if "momentum_buffer" in known and known["momentum_buffer"] is None:
                del known["momentum_buffer"]

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        """The b that becomes g in the first update: (dampening / mu) g."""
        if group["momentum"] == 0:
            return {}
        b = zeros_for(parameter)
        if group["dampening"] != 0:
            share = group["dampening"] / group["momentum"]
            with set_grad_enabled(group["differentiable"]):
                b.copy_(share * objective_gradient(parameter.clone(), parameter.grad, group))
        return {"momentum_buffer": b}

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        g = objective_gradient(p, g, group)
        lr, momentum = group["lr"], group["momentum"]
        if momentum == 0:
            p -= lr * g
            return
        if group["dampening"] != 0:
            g = (1 - group["dampening"]) * g
        updates.momentum(p, g, state["momentum_buffer"], momentum, lr, group["nesterov"])
