"""RMSprop: steps scaled by the root of the mean square of recent gradients."""

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

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """p <- p - lr g / (sqrt(v) + eps), with v <- alpha v + (1 - alpha) g^2.

    Centered, the variance v - a^2 stands in v's place, with a <- alpha a + (1 - alpha) g. With
    momentum mu: b <- mu b + g / (sqrt(v) + eps), p <- p - lr b.

    Args:
        params: the parameters, or groups of them.
        lr: learning rate. Default: 1e-2.
        alpha: how slowly the average forgets. Default: 0.99.
        eps: keeps the divisor off zero. Default: 1e-8.
        weight_decay: lambda of the penalty lambda/2 |p|^2, whose gradient lambda p is added to g.
        momentum: mu. Default: 0.
        centered: divide by the root of the variance.
        maximize: go up instead of down.
        foreach: accepted for PyTorch's sake.
        capturable: refused by ``step``, as PyTorch does on a CPU.
        differentiable: record the steps, so that gradients flow through them.

    State:
        step; square_avg: v; momentum_buffer: b, with momentum; grad_avg: a, if centered.

    Source: Tieleman & Hinton, "Neural Networks for Machine Learning", lecture 6.5, Coursera 2012;
    Graves, "Generating sequences with recurrent neural networks", 2013, equations 38-41 (centered).
    """

    elementwise = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr("RMSprop", lr)
        check_not_negative(
            "RMSprop", eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha
        )
        check_implementation("RMSprop", foreach, None, differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        state = {"step": new_step(), "square_avg": zeros_for(parameter)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros_for(parameter)
        if group["centered"]:
            state["grad_avg"] = zeros_for(parameter)
        return state

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        g = objective_gradient(p, g, group)
        alpha = group["alpha"]
        v = state["square_avg"]
        v *= alpha
        v += (1 - alpha) * g * g
        if group["centered"]:
            a = state["grad_avg"]
            a *= alpha
            a += (1 - alpha) * g
            v = v - a * a
        divisor = np.sqrt(v)
        divisor += group["eps"]
        step = np.divide(g, divisor, out=divisor)
        if group["momentum"] > 0:
            b = state["momentum_buffer"]
            b *= group["momentum"]
            b += step
            step = b
        p -= group["lr"] * step
