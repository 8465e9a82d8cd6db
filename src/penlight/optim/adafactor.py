"""Adafactor: steps scaled by averages of squared gradients, of which rows and columns alone are kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.optim.arguments import check_implementation, check_lr, check_not_negative
from penlight.optim.optimizer import Group, Optimizer, ParamsT, new_step, zeros_for
from penlight.tensor import Tensor

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """p <- p - alpha u / max(1, rms(u) / d), with u = g / sqrt(v), alpha = max(eps2, rms(p)) min(lr, 1/sqrt(t)).

    v averages g^2 with a share of t^beta2_decay for the new one. For a matrix it is not stored: of
    the averages of its rows, r, and columns, c, it is taken to be r c / mean(r), the matrix of rank
    one with these. So n + m numbers are kept instead of n m. Further dimensions, in front, count
    matrices; the v of a vector is kept as it is.

    Args:
        params: the parameters, or groups of them; real ones.
        lr: the largest step, relative to rms(p); weight decay is multiplied by it. Default: 1e-2.
        beta2_decay: not above 0. Default: -0.8.
        eps: eps1, below which sqrt(v) and mean(r) do not fall, by default (None) the dtype's
            ``finfo.eps``; and eps2, below which rms(p) does not. Default: (None, 1e-3).
        d: rms(u) above this is reduced to it; at least 1. Default: 1.
        weight_decay: p <- (1 - lr weight_decay) p before the step. Default: 0.
        foreach: accepted for PyTorch's sake.
        maximize: go up instead of down.

    State:
        step: t; row_var, col_var: r, c, with a size of 1 where the mean was taken; variance: v.

    Source: Shazeer & Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018,
    algorithms 4 and 5; as PyTorch has it, with eps1 as a bound instead of a summand, and lr.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_lr("Adafactor", lr)
        if not beta2_decay <= 0:
            raise ValueError(f"Adafactor: beta2_decay must be <= 0, got {beta2_decay}")
        if eps[0] is not None:
            check_not_negative("Adafactor", eps1=eps[0])
        check_not_negative("Adafactor", eps2=eps[1])
        if not d >= 1:
            raise ValueError(f"Adafactor: d must be >= 1, got {d}")
        check_not_negative("Adafactor", weight_decay=weight_decay)
        check_implementation("Adafactor", foreach)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        if parameter.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        if parameter.ndim < 2:
            return {"step": new_step(), "variance": zeros_for(parameter)}
        return {
            "step": new_step(),
            "row_var": zeros_for(parameter[..., :1].detach()),
            "col_var": zeros_for(parameter[..., :1, :].detach()),
        }

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        if not p.size:
            return
        t, lr, (eps1, eps2) = state["step"], group["lr"], group["eps"]
        eps1 = float(np.finfo(p.dtype).eps) if eps1 is None else eps1
        if group["maximize"]:
            g = -g
        alpha = max(eps2, _rms(p)) * min(lr, 1 / math.sqrt(t))
        if group["weight_decay"] != 0:
            p *= 1 - lr * group["weight_decay"]

        share, squares = t ** group["beta2_decay"], np.square(g, dtype=_wide(g))
        if g.ndim < 2:
            v = _average(state["variance"], squares, share).astype(squares.dtype)
        else:
            r = _average(state["row_var"], squares.mean(-1, keepdims=True), share)
            c = _average(state["col_var"], squares.mean(-2, keepdims=True), share)
            r = r / np.maximum(r.mean(-2, keepdims=True), eps1)
            v = np.multiply(r, c, out=squares)
        np.maximum(v, eps1 * eps1, out=v)
        u = np.divide(g, np.sqrt(v, out=v), out=v)
        u *= alpha / max(1.0, _rms(u) / group["d"])
        p -= u


def _average(kept: np.ndarray, new: np.ndarray, share: float) -> np.ndarray:
    """What was kept, moved towards the new value by a share of the way."""
    kept += share * (new - kept)
    return kept


def _rms(x: np.ndarray) -> float:
    """The root of the mean square."""
    return math.sqrt(np.square(x, dtype=_wide(x)).mean())


def _wide(x: np.ndarray) -> np.dtype[Any]:
    """The dtype to take squares in: those of float16 would overflow."""
    return np.result_type(x, np.float32)
