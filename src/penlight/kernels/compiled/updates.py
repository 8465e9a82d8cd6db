"""Updates of optimizers in one pass: each array is read once, and written once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.kernels import updates
from penlight.kernels.compiled.loops import fit, loops

__all__ = ["adam", "momentum"]

_plain_adam = updates.adam
_plain_momentum = updates.momentum


@loops
def _adam(
    p: Any, g: Any, m: Any, v: Any, beta1: Any, beta2: Any, lr: Any, eps: Any, keep: Any
) -> None:
    real = p.dtype.type
    share1, share2 = real(1 - beta1), real(1 - beta2)
    beta1, beta2, lr, eps, keep = real(beta1), real(beta2), real(lr), real(eps), real(keep)
    for i in range(p.size):
        m[i] = beta1 * m[i] + share1 * g[i]
        v[i] = beta2 * v[i] + share2 * g[i] * g[i]
        p[i] = keep * p[i] - m[i] * lr / (math.sqrt(v[i]) + eps)


def adam(
    p: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, betas: tuple[float, float],
    lr: float, eps: float, keep: float = 1.0, largest: np.ndarray | None = None,
) -> None:  # fmt: skip
    """m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2, p <- keep p - lr m / (sqrt(v) + eps)."""
    if largest is None and _flat(p, g, m, v):
        beta1, beta2 = betas
        _adam(p, g, m, v, float(beta1), float(beta2), float(lr), float(eps), float(keep))
    else:
        _plain_adam(p, g, m, v, betas, lr, eps, keep, largest)


def _flat(p: np.ndarray, *others: np.ndarray) -> bool:
    return p.ndim == 1 and fit(p, *others) and all(a.size == p.size for a in others)


@loops
def _momentum(p: Any, g: Any, b: Any, mu: Any, lr: Any, nesterov: bool) -> None:
    mu, lr = p.dtype.type(mu), p.dtype.type(lr)
    if nesterov:
        for i in range(p.size):
            b[i] = mu * b[i] + g[i]
            p[i] -= lr * (g[i] + mu * b[i])
    else:
        for i in range(p.size):
            b[i] = mu * b[i] + g[i]
            p[i] -= lr * b[i]


def momentum(
    p: np.ndarray, g: np.ndarray, b: np.ndarray, mu: float, lr: float, nesterov: bool = False
) -> None:
    """b <- mu b + g, p <- p - lr b, or p <- p - lr (g + mu b) by Nesterov's variant."""
    if _flat(p, g, b):
        _momentum(p, g, b, float(mu), float(lr), nesterov)
    else:
        _plain_momentum(p, g, b, mu, lr, nesterov)
