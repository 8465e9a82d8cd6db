"""SparseAdam: Adam that leaves alone what was not used in this step."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.inplace import bump_version
from penlight.optim.arguments import check_betas, check_lr
from penlight.optim.optimizer import Group, Optimizer, ParamsT, zeros_for
from penlight.tensor import Tensor

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """:class:`Adam` in the rows p[i] whose gradient g[i] is not zero; other rows and their averages stay.

    For the table of an embedding, of which a batch uses few rows: Adam would go on moving the
    others by their old averages, and let these fade.

    PyTorch takes sparse gradients alone, which tell the rows in use. Here gradients are dense, and
    rows in use are those with a gradient other than zero: in an embedding's gradient these are the
    same rows, up to gradients that cancel exactly.

    Args:
        params: the parameters, or groups of them; real ones.
        lr: learning rate, above 0. Default: 1e-3.
        betas: beta1 and beta2. Default: (0.9, 0.999).
        eps: keeps the divisor off zero; above 0, and not corrected for the first steps. Default: 1e-8.
        maximize: go up instead of down.

    State:
        step: t, a plain number, counting all steps of the parameter; exp_avg: m; exp_avg_sq: v.

    Source: Kingma & Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
    """

    scalars = ()

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_lr("SparseAdam", lr)
        for name, value in (("lr", lr), ("eps", eps)):
            if not value > 0:
                raise ValueError(f"SparseAdam: {name} must be > 0, got {value}")
        check_betas("SparseAdam", betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        for i, group in enumerate(self.param_groups):
            for j, p in enumerate(group["params"]):
                if p.is_complex():
                    raise ValueError(
                        f"SparseAdam: does not support complex parameters, got one at [{i}, {j}]"
                    )

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        return {"step": 0, "exp_avg": zeros_for(parameter), "exp_avg_sq": zeros_for(parameter)}

    def _update_one(self, p: Any, state: dict[str, Any], options: Group) -> None:
        state["step"] += 1
        bump_version(p)
        averages = {name: state[name]._array for name in ("exp_avg", "exp_avg_sq")}
        self.update(p._array, p._grad._array, {"step": state["step"], **averages}, options)

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        t, m, v = state["step"], state["exp_avg"], state["exp_avg_sq"]
        beta1, beta2 = group["betas"]
        rows = np.flatnonzero((g != 0).any(axis=tuple(range(1, g.ndim)))) if g.ndim else ...
        g = -g[rows] if group["maximize"] else g[rows]
        m[rows] += (1 - beta1) * (g - m[rows])
        v[rows] += (1 - beta2) * (g * g - v[rows])
        rate = group["lr"] * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        p[rows] -= rate * m[rows] / (np.sqrt(v[rows]) + group["eps"])
