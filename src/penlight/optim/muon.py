"""Muon: momentum whose matrix is replaced by the nearest one with orthogonal rows or columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.kernels.chunks import run
from penlight.kernels.products import product
from penlight.optim.arguments import check_lr, check_not_negative
from penlight.optim.optimizer import Group, Optimizer, ParamsT, zeros_for
from penlight.tensor import Tensor

__all__ = ["Muon"]


class Muon(Optimizer):
    """p <- (1 - lr lambda) p - lr s O, where O is about U V^T, for b = U S V^T the averaged gradient.

    b <- mu b + (1 - mu) g; by Nesterov's variant mu b + (1 - mu) g takes its place once more. All
    singular values of O are near 1, so a step changes p in all directions alike, also in those that
    gradients rarely have. The factor s depends on p's shape (A, B): sqrt(max(1, A / B)) by Jordan,
    "original"; 0.2 sqrt(max(A, B)), which gives the steps the size of AdamW's, "match_rms_adamw".

    It is for the weights of hidden layers, which are matrices. Give biases, norms, embeddings and
    the last layer to another optimizer, such as AdamW.

    Args:
        params: the parameters, or groups of them; real matrices.
        lr: learning rate. Default: 1e-3.
        weight_decay: lambda. Default: 0.1.
        momentum: mu. Default: 0.95.
        nesterov: Nesterov's variant. Default: True.
        ns_coefficients: a, b, c of the iteration (:func:`orthogonal`).
        eps: keeps the norm that b is divided by off zero. Default: 1e-7.
        ns_steps: the number of iterations, below 100. Default: 5.
        adjust_lr_fn: "original" (None) or "match_rms_adamw". Default: None.

    State:
        momentum_buffer: b.

    PyTorch iterates in bfloat16, here it is the parameter's own precision: after five iterations
    PyTorch's O has errors of 1 %.

    Source: Jordan, Jin, Boza, You, Cesista, Newhouse & Bernstein, "Muon: an optimizer for hidden
    layers in neural networks", 2024; Liu et al., "Muon is scalable for LLM training", 2025, section
    2.2 (0.2 sqrt(max(A, B))).
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_lr("Muon", lr)
        check_not_negative("Muon", momentum=momentum, weight_decay=weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                "Muon: adjust_lr_fn must be 'original', 'match_rms_adamw' or None, got "
                f"{adjust_lr_fn!r}"
            )
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: Group) -> None:
        super().add_param_group(param_group)
        for p in param_group["params"]:
            if p.ndim != 2:
                self.param_groups.pop()
                raise ValueError(
                    f"Muon: only supports matrices, got a parameter of shape {list(p.shape)}; give "
                    "vectors and kernels to another optimizer, or reshape them"
                )

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        if parameter.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        return {"momentum_buffer": zeros_for(parameter)}

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        lr, mu, b = group["lr"], group["momentum"], state["momentum_buffer"]
        b *= mu
        b += (1 - mu) * g
        if group["nesterov"]:
            b = mu * b + (1 - mu) * g
        o = orthogonal(b, group["ns_coefficients"], group["ns_steps"], group["eps"])
        p *= 1 - lr * group["weight_decay"]
        p -= lr * _factor(p.shape, group["adjust_lr_fn"]) * o


def orthogonal(
    b: np.ndarray, coefficients: tuple[float, float, float], steps: int, eps: float
) -> np.ndarray:
    """About U V^T for b = U S V^T, by x <- a x + b (x x^T) x + c (x x^T)^2 x, starting from b / |b|.

    Each iteration turns every singular value s of x into a s + b s^3 + c s^5 and leaves U and V. With
    the usual coefficients small values grow more than threefold, and all end between 0.7 and 1.2.
    """
    if not 0 <= steps < 100:
        raise ValueError(f"Muon: ns_steps must be less than 100, got {steps}")
    if len(coefficients) != 3:
        raise ValueError(f"Muon: ns_coefficients must be 3 numbers, got {coefficients}")
    first, third, fifth = coefficients
    x = b.astype(np.result_type(b, np.float32))  # products of float16 would be slow
    wide = x.T if len(x) > x.shape[1] else x
    wide = wide / max(math.sqrt(np.square(wide).sum()), eps)
    for _ in range(steps):
        square = _gram(wide)  # (A, B) (B, A) -> (A, A), with A the smaller
        polynomial = _gram(square)
        polynomial *= fifth
        square *= third
        polynomial += square
        following = product(polynomial, wide)
        wide *= first
        wide += following
    return wide.T if len(x) > x.shape[1] else wide


def _gram(x: np.ndarray) -> np.ndarray:
    """x x^T, which is symmetric: the BLAS computes half of it, where the two are one array."""
    if x.size * len(x) < 12_000_000:  # too little to wake a thread for
        return product(x, x.T)
    y = np.empty((len(x), len(x)), x.dtype)
    first, second = slice(len(x) // 2), slice(len(x) // 2, None)

    def task(i: int) -> None:
        if i == 0:
            y[first, second] = np.dot(x[first], x[second].T)
            y[second, first] = y[first, second].T
        else:
            for part in (first, second):
                y[part, part] = np.dot(x[part], x[part].T)

    run(task, 2)
    return y


def _factor(shape: tuple[int, ...], name: str | None) -> float:
    """What the learning rate is multiplied by, for a matrix of this shape."""
    rows, columns = shape
    if name == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns)) if columns else 1.0
