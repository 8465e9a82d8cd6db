"""Rprop: steps whose size adapts to the signs of gradients alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.optim.arguments import check_implementation, check_lr
from penlight.optim.optimizer import Group, Optimizer, ParamsT, new_step, zeros_for
from penlight.tensor import Tensor

__all__ = ["Rprop"]


class Rprop(Optimizer):
    """p <- p - s sign(g), where each element's step size s grows while its gradient keeps its sign.

    s <- s etaplus if g has the sign of the gradient before, s etaminus if it has the other one:
    then a minimum was stepped over, and the element stays this once, as if its gradient were 0. For
    whole batches: a batch that is drawn at random changes signs by itself.

    Args:
        params: the parameters, or groups of them.
        lr: the first s. Default: 1e-2.
        etas: etaminus, in (0, 1), and etaplus, above 1. Default: (0.5, 1.2).
        step_sizes: the smallest and largest s. Default: (1e-6, 50).
        maximize: go up instead of down.
        foreach: accepted for PyTorch's sake.
        capturable: refused by ``step``, as PyTorch does on a CPU.
        differentiable: record the steps, so that gradients flow through them.

    State:
        step; prev: the gradient before, 0 where it was taken as 0; step_size: s.

    Source: Riedmiller & Braun, "A direct adaptive method for faster backpropagation learning: the
    RPROP algorithm", 1993, section D; Igel & Husken, "Improving the Rprop learning algorithm", 2000
    (the variant without taking steps back).
    """

    elementwise = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr("Rprop", lr)
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(f"Rprop: etas must be in (0, 1) and above 1, got {etas}")
        check_implementation("Rprop", foreach, None, differentiable)
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        size, lr = zeros_for(parameter), group["lr"]
        size._array[...] = complex(lr, lr) if size._array.dtype.kind == "c" else lr
        return {"step": new_step(), "prev": zeros_for(parameter), "step_size": size}

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        if group["maximize"]:
            g = -g
        before, s = state["prev"], state["step_size"]
        (etaminus, etaplus), (smallest, largest) = group["etas"], group["step_sizes"]
        agreement = g * before
        turned = agreement < 0
        size = np.where(turned, etaminus * s, np.where(agreement > 0, etaplus * s, s))
        s[...] = np.clip(size, smallest, largest)
        g = np.where(turned, 0, g)
        p -= (g > 0) * s
        p += (g < 0) * s
        before[...] = g
