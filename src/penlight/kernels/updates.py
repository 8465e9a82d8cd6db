"""Updates of flat arrays in place, for the optimizers: the passes over memory that their formulas take."""

from __future__ import annotations

import numpy as np

__all__ = ["adam", "momentum"]


def adam(
    p: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, betas: tuple[float, float],
    lr: float, eps: float, keep: float = 1.0, largest: np.ndarray | None = None,
) -> None:  # fmt: skip
    """m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2, p <- keep p - lr m / (sqrt(v) + eps).

    Args:
        keep: what decay leaves of p.
        largest: the largest v so far, which takes the place of v in the step.
    """
    beta1, beta2 = betas
    if keep != 1:
        p *= keep
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * g * g
    if largest is not None:
        v = np.maximum(largest, v, out=largest)
    divisor = np.sqrt(v)
    divisor += eps
    step = np.divide(m, divisor, out=divisor)
    step *= lr
    p -= step


def momentum(
    p: np.ndarray, g: np.ndarray, b: np.ndarray, mu: float, lr: float, nesterov: bool = False
) -> None:
    """b <- mu b + g, p <- p - lr b, or p <- p - lr (g + mu b) by Nesterov's variant."""
    b *= mu
    b += g
    p -= lr * (g + mu * b if nesterov else b)
