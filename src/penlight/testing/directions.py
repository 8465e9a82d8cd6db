"""Gradients checked along random directions: one number for a function of any size.

With L a scalar, v a random direction in the space of all its inputs and h small,

    dL/dv = <grad L, v>  and  (L(x + h v) - L(x - h v)) / 2h

must agree; a wrong entry anywhere in the gradient shows with probability one. The second order is
checked alike, with <grad L, u> in L's place for a fixed random u.

Source: Griewank & Walther, "Evaluating Derivatives", 2nd ed., SIAM 2008, section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penlight.autograd import engine
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.grad_mode import enable_grad
from penlight.tensor import Tensor

__all__ = ["gradient_error"]


def gradient_error(
    function: Callable[[], Any],
    tensors: Sequence[Tensor],
    *,
    order: int = 1,
    eps: float = 1e-6,
    seed: int = 0,
) -> float:
    """The relative error between analytic and numerical derivative of ``function``.

    Args:
        function: computes a tensor, or several, from ``tensors``; they are weighted at random and
            added up to a scalar.
        tensors: float64 leaves that require gradients; changed in place and brought back.
        order: 1 for the gradient, 2 for the gradient of the gradient.
        eps: the step h. Smaller for deep networks, whose kinks (ReLU, max) a step must not cross.
        seed: of the directions and weights.

    Returns:
        |analytic - numerical| / max(1, |analytic|, |numerical|).
    """
    rng = np.random.default_rng(seed)
    direction = [rng.standard_normal(t.shape) for t in tensors]
    other = [rng.standard_normal(t.shape) for t in tensors]
    weights_seed = int(rng.integers(2**32))

    def scalar() -> Tensor:
        with enable_grad():
            value = _weighted_sum(function(), np.random.default_rng(weights_seed))
            if order == 2:
                value = _along(value, tensors, other, create_graph=True)
        return value

    analytic = _along(scalar(), tensors, direction, create_graph=False).item()
    sides = []
    for step in (eps, -eps):
        originals = [t._array.copy() for t in tensors]
        for t, v in zip(tensors, direction, strict=True):
            t._array[...] += step * v
        sides.append(scalar().item())
        for t, original in zip(tensors, originals, strict=True):
            t._array[...] = original
    numerical = (sides[0] - sides[1]) / (2 * eps)
    return float(abs(analytic - numerical) / max(1.0, abs(analytic), abs(numerical)))


def _weighted_sum(result: Any, rng: np.random.Generator) -> Any:
    """<w, y> over all differentiable outputs y, with random w."""
    outputs = [result] if isinstance(result, TensorBase) else list(result)
    total: Any = wrap(Tensor, np.zeros(()))
    for y in outputs:
        if isinstance(y, TensorBase) and y.requires_grad:
            w = wrap(Tensor, np.asarray(rng.standard_normal(y._array.shape)))
            total = total + (y * w).sum()
    return total


def _along(
    value: Tensor, tensors: Sequence[Tensor], direction: Sequence[np.ndarray], create_graph: bool
) -> Any:
    """<grad value, direction>; zero where value does not depend on a tensor."""
    if not value.requires_grad:
        return wrap(Tensor, np.zeros(()))
    grads = engine.grad(value, tensors, create_graph=create_graph, allow_unused=True)
    total: Any = wrap(Tensor, np.zeros(()))
    for g, v in zip(grads, direction, strict=True):
        if g is not None:
            total = total + (g * wrap(Tensor, v)).sum()
    return total
