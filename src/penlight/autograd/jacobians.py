"""Jacobians of a function by central differences and by backward passes, for :mod:`gradcheck`.

A complex number counts as the pair of its parts: its gradient a + ib stands for the derivatives a and
b in the two directions.

Source: Nocedal & Wright, "Numerical Optimization", 2nd ed., Springer 2006, section 8.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.engine import grad
from penlight.autograd.grad_mode import enable_grad

__all__ = [
    "Case", "analytic_jacobian", "as_tuple", "difference", "floating", "gradients", "numerical_jacobians", "reals",
]  # fmt: skip

Arrays = list[np.ndarray]


@dataclass
class Case:
    """A function, its arguments, which of them are checked, and the tolerances."""

    func: Callable[..., Any]
    arguments: tuple[Any, ...]
    checked: list[int]
    eps: float
    atol: float
    rtol: float

    def outputs(self) -> list[TensorBase]:
        """The differentiable outputs at the arguments."""
        with enable_grad():
            return [y for y in floating(self.func(*self.arguments)) if y.requires_grad]

    def inputs(self) -> list[TensorBase]:
        return [self.arguments[i] for i in self.checked]

    def fits(self, analytic: Any, numerical: Any, atol: float) -> Any:
        return np.abs(analytic - numerical) <= atol + self.rtol * np.abs(numerical)


def as_tuple(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, TensorBase) else tuple(value)


def floating(result: Any) -> list[TensorBase]:
    return [
        y for y in as_tuple(result) if isinstance(y, TensorBase) and y._array.dtype.kind in "fc"
    ]


def reals(array: np.ndarray) -> np.ndarray:
    """All numbers of an array in a row, complex ones as two."""
    flat = np.array(array).reshape(-1)
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat


def unit(like: np.ndarray, index: int) -> np.ndarray:
    """Zeros but for a one (or an imaginary one) where ``reals`` has element ``index``."""
    unit = np.zeros(like.size, like.dtype)
    unit.view(unit.real.dtype)[index] = 1
    return unit.reshape(like.shape)


def difference(case: Case, x: TensorBase, direction: np.ndarray) -> Arrays:
    """(f(x + h v) - f(x - h v)) / 2h of all outputs."""
    original = x._array.copy()
    sides = []
    try:
        for step in (case.eps, -case.eps):
            x._array[...] = original + step * direction
            with enable_grad():
                sides.append([reals(y._array) for y in floating(case.func(*case.arguments))])
    finally:
        x._array[...] = original
    return [(a - b) / (2 * case.eps) for a, b in zip(*sides, strict=True)]


def numerical_jacobians(case: Case, x: TensorBase) -> Arrays:
    """For each output the matrix dy/dx, (numbers in y, numbers in x)."""
    columns = [difference(case, x, unit(x._array, j)) for j in range(reals(x._array).size)]
    with enable_grad():
        sizes = [reals(y._array).size for y in floating(case.func(*case.arguments))]
    return [
        np.stack([c[k] for c in columns], 1) if columns else np.zeros((size, 0))
        for k, size in enumerate(sizes)
    ]


def analytic_jacobian(y: TensorBase, x: TensorBase) -> np.ndarray:
    """dy/dx, (numbers in y, numbers in x), by one backward pass for each row."""
    rows = []
    for i in range(reals(y._array).size):
        (g,) = gradients([y], [x], [unit(y._array, i)])
        rows.append(reals(g))
    return np.stack(rows) if rows else np.zeros((0, reals(x._array).size))


def gradients(
    outputs: Sequence[TensorBase], inputs: Sequence[TensorBase], seeds: Sequence[np.ndarray]
) -> Arrays:
    """The gradients of the inputs, zeros for those that were not used."""
    kind = TensorBase._result_type
    found = grad(
        outputs, inputs, [wrap(kind, s) for s in seeds], retain_graph=True, allow_unused=True
    )
    return [
        np.zeros_like(x._array) if g is None else g._array
        for x, g in zip(inputs, found, strict=True)
    ]
