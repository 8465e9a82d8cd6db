"""Numerical against analytic gradients: the check that every derivative here has to pass.

The numerical derivative of a scalar L in direction v is the central difference
(L(x + h v) - L(x - h v)) / 2h, whose error is O(h^2) from the formula and O(eps / h) from rounding;
in float64, h = 1e-6 leaves about nine digits.

Source: Nocedal & Wright, "Numerical Optimization", 2nd ed., Springer 2006, section 8.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penlight.autograd import engine
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.grad_mode import enable_grad
from penlight.tensor import Tensor

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck", "numerical_jacobian", "relative_error"]


class GradcheckError(RuntimeError):
    """A numerical and an analytic gradient disagree."""


def _as_outputs(result: Any) -> list[Tensor]:
    outputs = [result] if isinstance(result, TensorBase) else list(result)
    return [y for y in outputs if isinstance(y, TensorBase) and y._array.dtype.kind == "f"]  # type: ignore[misc]


def numerical_jacobian(
    function: Callable[..., Any], inputs: Sequence[Any], index: int, eps: float = 1e-6
) -> list[np.ndarray]:
    """d(outputs)/d(inputs[index]) by central differences.

    Returns:
        For each floating output a matrix (number of output elements, number of input elements).
    """
    x = inputs[index]._array
    columns: list[list[np.ndarray]] = []
    for i in np.ndindex(x.shape):
        original = x[i]
        sides = []
        for step in (eps, -eps):
            x[i] = original + step
            sides.append([y._array.copy() for y in _as_outputs(function(*inputs))])
        x[i] = original
        columns.append([(a - b).ravel() / (2 * eps) for a, b in zip(*sides, strict=True)])
    outputs = _as_outputs(function(*inputs))
    return [
        np.stack([c[k] for c in columns], axis=1) if columns else np.zeros((y.numel(), 0))
        for k, y in enumerate(outputs)
    ]


def _analytic_jacobian(y: Tensor, x: Tensor) -> np.ndarray:
    """dy/dx, a row per element of y, by one backward pass each; zeros if y has no history."""
    if not y.requires_grad:
        return np.zeros((y.numel(), x.numel()))
    rows = []
    for i in np.ndindex(y._array.shape):
        seed = np.zeros_like(y._array)
        seed[i] = 1
        (g,) = engine.grad(y, x, wrap(Tensor, seed), retain_graph=True, allow_unused=True)
        rows.append(np.zeros(x.numel()) if g is None else g._array.ravel())
    return np.stack(rows) if rows else np.zeros((0, x.numel()))


def relative_error(a: np.ndarray, b: np.ndarray) -> float:
    """max |a - b| / max(1, max |a|, max |b|): relative for large gradients, absolute for small."""
    if not a.size:
        return 0.0
    scale = max(1.0, float(np.abs(a).max()), float(np.abs(b).max()))
    return float(np.abs(a - b).max()) / scale


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
) -> bool:
    """Check the gradients of ``func`` at ``inputs`` against central differences.

    Args:
        func: takes ``inputs``, returns a tensor or a tuple of tensors.
        inputs: tensors (float64, for the differences need its precision) and other arguments;
            those that require gradients are checked.
        eps: the step h of the difference.
        atol, rtol: tolerance: |analytic - numerical| <= atol + rtol * |numerical|.
        raise_exception: raise, rather than return False, on disagreement.
        nondet_tol: how far two analytic results may differ.

    Raises:
        GradcheckError: naming input, output, and the worst element.
        ValueError: if no input requires gradients.
    """
    arguments = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    checked = [i for i, x in enumerate(arguments) if isinstance(x, TensorBase) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck expects at least one input tensor to require gradient")
    try:
        for i in checked:
            _check_input(func, arguments, i, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_input(
    func: Callable[..., Any],
    arguments: tuple[Any, ...],
    index: int,
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
) -> None:
    x = arguments[index]
    if x._array.dtype not in (np.float64, np.complex128):
        raise GradcheckError(
            f"gradcheck: input {index} is {x.dtype}; central differences need float64 (.double())"
        )
    with enable_grad():
        outputs = _as_outputs(func(*arguments))
        analytic = [_analytic_jacobian(y, x) for y in outputs]
        again = [_analytic_jacobian(y, x) for y in _as_outputs(func(*arguments))]
    numerical = numerical_jacobian(func, arguments, index, eps)
    for k, (a, n, b) in enumerate(zip(analytic, numerical, again, strict=True)):
        if a.size and np.abs(a - b).max() > nondet_tol:
            raise GradcheckError(
                f"Backward is not reentrant: two passes differ by {np.abs(a - b).max():.3g} for "
                f"output {k} with respect to input {index}"
            )
        bad = ~(np.abs(a - n) <= atol + rtol * np.abs(n))
        if bad.any():
            row, column = np.unravel_index(np.argmax(np.abs(a - n)), a.shape)
            raise GradcheckError(
                f"Jacobian mismatch for output {k} with respect to input {index}: worst at output "
                f"element {row}, input element {column}: numerical {n[row, column]:.8g}, analytic "
                f"{a[row, column]:.8g}; {int(bad.sum())} of {bad.size} entries differ by more than "
                f"atol={atol} + rtol={rtol} * |numerical|"
            )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
) -> bool:
    """Check second derivatives: :func:`gradcheck` of the backward pass of ``func``.

    The backward pass is a function of the inputs and of the outputs' gradients; both are checked.
    ``grad_outputs`` are drawn at random (with a fixed seed) unless given.
    """
    arguments = (inputs,) if isinstance(inputs, TensorBase) else tuple(inputs)
    outputs = [y for y in _as_outputs(func(*arguments)) if y.requires_grad]
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        seeds = [wrap(Tensor, np.asarray(rng.standard_normal(y._array.shape))) for y in outputs]
        for seed in seeds:
            seed.requires_grad = True
    else:
        seeds = [grad_outputs] if isinstance(grad_outputs, TensorBase) else list(grad_outputs)
    n = len(arguments)

    def backward_pass(*both: Any) -> tuple[Any, ...]:
        xs, dys = both[:n], both[n:]
        ys = [y for y in _as_outputs(func(*xs)) if y.requires_grad]
        wanted = [x for x in xs if isinstance(x, TensorBase) and x.requires_grad]
        found = engine.grad(ys, wanted, dys, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        backward_pass,
        (*arguments, *seeds),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
    )
