"""Numerical against analytic gradients: the check that every derivative here has to pass.

The numerical derivative of f in direction v is the central difference (f(x + h v) - f(x - h v)) / 2h,
whose error is O(h^2) from the formula and O(eps / h) from rounding; in float64, h = 1e-6 leaves about
nine digits.

Source: Nocedal & Wright, "Numerical Optimization", 2nd ed., Springer 2006, section 8.1.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.engine import grad
from penlight.autograd.grad_mode import enable_grad
from penlight.autograd.jacobians import (
    Case,
    analytic_jacobian,
    as_tuple,
    difference,
    floating,
    gradients,
    numerical_jacobians,
    reals,
)
from penlight.autograd.op import Op

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A gradient is not what it should be."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Check the gradients of ``func`` at ``inputs`` against central differences.

    Args:
        func: takes ``inputs``, returns a tensor or a sequence of tensors.
        inputs: tensors (float64 or complex128, for the differences need their precision) and other
            arguments; those that require gradients are checked.
        eps: the step h of the difference.
        atol, rtol: tolerance: abs(analytic - numerical) <= atol + rtol * abs(numerical).
        raise_exception: raise, rather than return False, on disagreement.
        nondet_tol: how far the results of two backward passes over one graph may differ.
        check_undefined_grad: check that ``backward`` works where an output has no gradient.
        fast_mode: compare u^T J v for random u and v instead of the whole Jacobian J.
        check_grad_dtypes, check_batched_grad, masked: accepted; gradients always have their input's
            dtype, batches are passes one by one, and no tensor is sparse.
        check_forward_ad, check_batched_forward_grad: must be off: there is no forward mode.
        check_backward_ad: must be on.

    Returns:
        True; or, with ``raise_exception`` off, whether the gradients are right.

    Raises:
        GradcheckError: naming input, output and the worst element.
        ValueError: if no input requires gradients, or forward mode is asked for.
        RuntimeError: if elements of an input share memory.
    """
    if check_forward_ad or check_batched_forward_grad:
        raise ValueError("gradcheck: check_forward_ad: there is no forward mode to be checked")
    if not check_backward_ad:
        raise AssertionError("gradcheck: check_backward_ad=False leaves nothing to be checked")
    arguments = as_tuple(inputs)
    case = Case(func, arguments, _checked_inputs(arguments), eps, atol, rtol)
    try:
        outputs = case.outputs()
        if not outputs:
            _check_constant(case)
            return True
        (_check_projected if fast_mode else _check_jacobians)(case, outputs)
        _check_repeatable(case, outputs, nondet_tol)
        _check_proportional(case, outputs)
        if check_undefined_grad:
            _check_undefined(case, outputs)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Check second derivatives: :func:`gradcheck` of the backward pass of ``func``.

    The backward pass is a function of the inputs and of the outputs' gradients; both are checked.

    Args:
        grad_outputs: the outputs' gradients. Default: drawn at random, with a fixed seed.
        gen_non_contig_grad_outputs: draw them with gaps in memory.
        check_fwd_over_rev: must be off: there is no forward mode.
        check_rev_over_rev: must be on.
        func, inputs and the others: as for :func:`gradcheck`.
    """
    arguments = as_tuple(inputs)
    outputs = Case(func, arguments, [], eps, atol, rtol).outputs()
    seeds = (
        tuple(_random_seeds(outputs, gaps=gen_non_contig_grad_outputs))
        if grad_outputs is None
        else as_tuple(grad_outputs)
    )
    n = len(arguments)

    def backward_pass(*both: Any) -> tuple[Any, ...]:
        xs, dys = both[:n], both[n:]
        ys = [y for y in floating(func(*xs)) if y.requires_grad]
        wanted = [x for x in xs if isinstance(x, TensorBase) and x.requires_grad]
        found = grad(ys, wanted, dys, create_graph=True, allow_unused=True) if wanted else ()
        return tuple(g for g in found if g is not None)

    _checked_inputs(arguments)  # the seeds, which are inputs too, would hide that there are none
    return gradcheck(
        backward_pass,
        (*arguments, *seeds),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )


# -- arguments -------------------------------------------------------------------------------


def _checked_inputs(arguments: tuple[Any, ...]) -> list[int]:
    """The indices of the inputs to be checked."""
    checked = []
    for i, x in enumerate(arguments):
        if not isinstance(x, TensorBase) or not x.requires_grad:
            continue
        if x._array.dtype not in (np.float64, np.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or "
                "complex. This check will likely fail if all the inputs are not of double "
                "precision floating point or complex: call .double().",
                stacklevel=3,
            )
        strides = zip(x._array.strides, x._array.shape, strict=True)
        if x._array.size and any(s == 0 and m > 1 for s, m in strides):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0: its elements share memory and "
                "can't be changed one by one. Call .clone() on the input before passing it."
            )
        checked.append(i)
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have "
            "requires_grad=True."
        )
    return checked


def _random_seeds(outputs: Sequence[TensorBase], gaps: bool = False) -> list[Any]:
    """Gradients for the outputs that require gradients themselves."""
    rng = np.random.default_rng(0)
    seeds = []
    for y in outputs:
        shape = (*y._array.shape, 2) if gaps else y._array.shape
        values = rng.standard_normal(shape)
        if y._array.dtype.kind == "c":
            values = values + 1j * rng.standard_normal(shape)
        array = np.asarray(values, y._array.dtype)
        seed = wrap(TensorBase._result_type, array[..., 0] if gaps else array)
        seed._array = np.asarray(seed._array)
        seed.requires_grad = True
        seeds.append(seed)
    return seeds


# -- checks ----------------------------------------------------------------------------------


def _check_constant(case: Case) -> None:
    """Without differentiable outputs, the numerical gradient must be zero."""
    for i, x in zip(case.checked, case.inputs(), strict=True):
        for k, jacobian in enumerate(numerical_jacobians(case, x)):
            if not case.fits(0, jacobian, case.atol).all():
                raise GradcheckError(
                    f"Numerical gradient for function expected to be zero: output {k} does not "
                    f"require gradients, but depends on input {i}"
                )


def _check_jacobians(case: Case, outputs: list[TensorBase]) -> None:
    for i, x in zip(case.checked, case.inputs(), strict=True):
        numerical = numerical_jacobians(case, x)
        with enable_grad():
            all_outputs = floating(case.func(*case.arguments))
        for k, (y, n) in enumerate(zip(all_outputs, numerical, strict=True)):
            a = analytic_jacobian(y, x) if y.requires_grad else np.zeros_like(n)
            good = case.fits(a, n, case.atol)
            if not good.all():
                raise GradcheckError(_mismatch(case, k, i, a, n, good))


def _mismatch(case: Case, k: int, i: int, a: np.ndarray, n: np.ndarray, good: np.ndarray) -> str:
    """What is wrong with a Jacobian, and where most."""
    row, column = np.unravel_index(np.argmax(np.where(good, -1, np.abs(a - n))), a.shape)
    return (
        f"Jacobian mismatch for output {k} with respect to input {i}: worst at output element {row}, "
        f"input element {column}: numerical {n[row, column]:.8g}, analytic {a[row, column]:.8g}; "
        f"{int((~good).sum())} of {good.size} entries differ by more than atol={case.atol} + "
        f"rtol={case.rtol} * |numerical|\nnumerical:\n{n}\nanalytical:\n{a}"
    )


def _check_projected(case: Case, outputs: list[TensorBase]) -> None:
    """u^T J v by both ways; where they differ, the whole Jacobian says where."""
    rng = np.random.default_rng(0)
    for i, x in zip(case.checked, case.inputs(), strict=True):
        v = _random_direction(rng, x._array)
        differences = difference(case, x, v)
        with enable_grad():
            all_outputs = floating(case.func(*case.arguments))
        for k, (y, along) in enumerate(zip(all_outputs, differences, strict=True)):
            u = _random_direction(rng, y._array)
            (g,) = gradients([y], [x], [u]) if y.requires_grad else (np.zeros_like(x._array),)
            analytic, numerical = reals(g) @ reals(v), reals(u) @ along
            atol = case.atol * float(np.abs(reals(u)).sum() * np.abs(reals(v)).sum())
            if not case.fits(analytic, numerical, atol):
                _check_jacobians(case, outputs)
                raise GradcheckError(
                    f"Jacobian mismatch for output {k} with respect to input {i} along random "
                    f"directions: numerical {numerical:.8g}, analytic {analytic:.8g}; each entry by "
                    "itself is within the tolerance: run with fast_mode=False, or raise atol"
                )


def _random_direction(rng: np.random.Generator, like: np.ndarray) -> np.ndarray:
    """A random vector of length one in ``like``'s shape."""
    numbers = rng.standard_normal(reals(like).size)
    numbers /= max(float(np.linalg.norm(numbers)), 1e-12)
    return numbers.view(like.dtype if like.dtype.kind == "c" else np.float64).reshape(like.shape)


def _check_repeatable(case: Case, outputs: list[TensorBase], tolerance: float) -> None:
    seeds = [s._array for s in _random_seeds(outputs)]
    first = gradients(outputs, case.inputs(), seeds)
    second = gradients(outputs, case.inputs(), seeds)
    for i, a, b in zip(case.checked, first, second, strict=True):
        if a.size and np.abs(a - b).max() > tolerance:
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output "
                "multiple times gives different values, although analytical gradient matches "
                f"numerical gradient: for input {i} two passes differ by {np.abs(a - b).max():.3g}; "
                f"the tolerance is nondet_tol={tolerance}"
            )


def _check_proportional(case: Case, outputs: list[TensorBase]) -> None:
    """Zero gradients of the outputs must give zero gradients of the inputs."""
    for i, g in zip(
        case.checked,
        gradients(outputs, case.inputs(), [np.zeros_like(y._array) for y in outputs]),
        strict=True,
    ):
        if np.nan_to_num(g).any():  # NaN is what 0 times infinity gives
            raise GradcheckError(f"backward not multiplied by grad_output (for input {i})")


class _Undefined(Op):
    """y = x, but no gradient comes back."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        return x.copy()

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return None


def _check_undefined(case: Case, outputs: list[TensorBase]) -> None:
    """Backward must do without the gradient of any one output, and of all."""
    count = len(outputs)
    for missing in [set(range(count)), *({k} for k in range(count) if count > 1)]:
        ys = [_Undefined.apply(y) if k in missing else y for k, y in enumerate(case.outputs())]
        try:
            found = gradients(ys, case.inputs(), [np.zeros_like(y._array) for y in ys])
        except RuntimeError as error:
            raise GradcheckError(
                f"Expected backward function to handle undefined output grads, but without those of "
                f"outputs {sorted(missing)} it raised: {error}"
            ) from error
        if any(np.nan_to_num(g).any() for g in found):
            raise GradcheckError(
                "Expected backward function to handle undefined output grads, but without those of "
                f"outputs {sorted(missing)} its gradients are not zero"
            )
