"""Adagrad: steps scaled by the root of the sum of all squared gradients."""

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

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """p <- p - lr_t g / (sqrt(s) + eps), with s <- s + g^2 and lr_t = lr / (1 + (t - 1) lr_decay).

    Args:
        params: the parameters, or groups of them.
        lr: learning rate. Default: 1e-2.
        lr_decay: how fast the learning rate falls with the number t of the step. Default: 0.
        weight_decay: lambda of the penalty lambda/2 |p|^2, whose gradient lambda p is added to g.
        initial_accumulator_value: what s starts from. Default: 0.
        eps: keeps the divisor off zero. Default: 1e-10.
        maximize: go up instead of down.
        foreach, fused: accepted for PyTorch's sake.
        differentiable: record the steps, so that gradients flow through them.

    State:
        step: t; sum: s. They exist from the beginning.

    Source: Duchi, Hazan & Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12, 2011, section 1.1 (diagonal form).
    """

    elementwise = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr("Adagrad", lr)
        check_not_negative(
            "Adagrad",
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        check_implementation("Adagrad", foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: Group) -> None:
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for p in group["params"]:
            self.state[p] = self.init_state(p, group)

    def share_memory(self) -> None:
        """Nothing: memory is shared between processes by the data loader alone."""

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        total = zeros_for(parameter)
        start = group["initial_accumulator_value"]
        total._array[...] = complex(start, start) if total._array.dtype.kind == "c" else start
        return {"step": new_step(), "sum": total}

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        g = objective_gradient(p, g, group)
        s = state["sum"]
        s += g * g
        divisor = np.sqrt(s)
        divisor += group["eps"]
        step = np.divide(g, divisor, out=divisor)
        step *= group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        p -= step
