"""Jacobians, Hessians and their products with vectors: ``torch.autograd.functional``'s names.

There is one mode, reverse: a pass gives v^T J. J v comes from two of them: v^T J is linear in v, so its
derivative along u is J u.

Source: Pearlmutter, "Fast Exact Multiplication by the Hessian", 1994; for the double-backward trick,
Griewank & Walther, "Evaluating Derivatives", 2nd ed., SIAM 2008, section 3.7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.engine import grad
from penlight.autograd.grad_mode import enable_grad
from penlight.autograd.op import Alias

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = tuple[Any, ...]
Function = Callable[..., Any]


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs), and v^T J: the gradients of the inputs for the outputs' gradients ``v``.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: a tensor or a tuple of them.
        v: of the outputs' shapes; may be left out for a single output of one element.
        create_graph: results can be differentiated.
        strict: raise where an output does not depend on an input, instead of giving zeros.

    Raises:
        RuntimeError: if ``v`` does not fit, or ``strict`` finds a pair that is independent.
        TypeError: if inputs or outputs are no tensors.
    """
    with enable_grad():
        xs, many = _prepared(inputs, create_graph)
        ys, many_out = _outputs_of(func, xs, "vjp")
        vs = _vectors("v", v, ys, "the user-provided function's output")
        found = _gradients(ys, xs, vs, create_graph, strict, "vjp")
        if strict and create_graph:
            _require_histories(found, "vjp")
    return _given_back(ys, many_out, create_graph), _given_back(found, many, create_graph)


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs), and J v: how the outputs change when the inputs move along ``v``.

    Args:
        v: of the inputs' shapes; may be left out for a single input of one element.
        others: as for :func:`vjp`.
    """
    with enable_grad():
        xs, _ = _prepared(inputs, create_graph)
        vs = _vectors("v", v, xs, "the input")
        ys, many_out = _outputs_of(func, xs, "jvp")
        us = tuple(_leaf(np.zeros_like(y._array)) for y in ys)
        products = _gradients(ys, xs, us, True, strict, "jvp")  # u^T J
        found = _gradients(products, us, vs, create_graph, strict, "jvp")
    return _given_back(ys, many_out, create_graph), _given_back(found, many_out, create_graph)


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivative of each output element with respect to each input element.

    Args:
        vectorize: make all passes at once, as one batch: faster, for more memory. Default: False, one
            by one.
        strategy: with ``vectorize`` "forward-mode" computes columns instead of rows, best where the
            outputs have more elements than the inputs. Default: "reverse-mode".
        others: as for :func:`vjp`.

    Returns:
        For one input and one output a tensor, (*output shape, *input shape); for several inputs or
        outputs a tuple over them, for several of both a tuple over outputs of tuples over inputs.

    Raises:
        RuntimeError: if ``strict`` finds a pair that is independent, or meets ``vectorize``.
        AssertionError: for another ``strategy``.
    """
    _check_strategy("jacobian", "strategy", strategy, strict, vectorize)
    with enable_grad():
        xs, many_in = _prepared(inputs, create_graph)
        ys, many_out = _outputs_of(func, xs, "jacobian")
        if vectorize and strategy == "forward-mode":
            table = _by_columns(ys, xs, create_graph)
        elif vectorize:
            table = tuple(_by_rows(y, xs, create_graph) for y in ys)
        else:
            table = tuple(_jacobian_of(y, k, xs, create_graph, strict) for k, y in enumerate(ys))
    rows = [_given_back(row, many_in, create_graph) for row in table]
    return tuple(rows) if many_out else rows[0]


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a scalar function.

    Args:
        vectorize, outer_jacobian_strategy: as ``vectorize`` and ``strategy`` of :func:`jacobian`, which
            differentiates the gradient.
        others: as for :func:`vjp`; ``func`` returns a tensor of one element.

    Returns:
        For one input a tensor, (*input shape, *input shape); else a tuple of tuples over the inputs.
    """
    _check_strategy(
        "hessian", "outer_jacobian_strategy", outer_jacobian_strategy, strict, vectorize
    )
    many = not isinstance(inputs, TensorBase)

    def gradient(*xs: Any) -> Any:
        found = jacobian(lambda *x: _scalar_of(func, x, "hessian"), xs, True, strict)
        return found if many else found[0]

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs), and v^T H for the Hessian H of a scalar function, by two passes.

    The arguments are those of :func:`jvp`.
    """
    with enable_grad():
        xs, many = _prepared(inputs, create_graph)
        vs = _vectors("v", v, xs, "the input")
        y = _scalar_of(func, xs, "vhp")
        first = _gradients((y,), xs, (None,), True, strict, "vhp")
        found = _gradients(first, xs, vs, create_graph, strict, "vhp")
    return _given_back((y,), False, create_graph), _given_back(found, many, create_graph)


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs), and H v; equal to :func:`vhp`, since H is symmetric, where second derivatives are
    continuous. This one differentiates u^T H by u, as PyTorch does, at the price of a third pass.
    """
    with enable_grad():
        xs, many = _prepared(inputs, create_graph)
        vs = _vectors("v", v, xs, "the input")
        y = _scalar_of(func, xs, "hvp")
        first = _gradients((y,), xs, (None,), True, strict, "hvp")
        us = tuple(_leaf(np.zeros_like(x._array)) for x in xs)
        second = _gradients(first, xs, us, True, strict, "hvp")
        found = _gradients(second, us, vs, create_graph, strict, "hvp")
    return _given_back((y,), False, create_graph), _given_back(found, many, create_graph)


# -- arguments and results -------------------------------------------------------------------


def _as_tuple(value: Any, what: str) -> tuple[Tensors, bool]:
    """A tensor or tuple of tensors as a tuple, and whether it was one."""
    many = isinstance(value, tuple)
    values = value if many else (value,)
    for i, x in enumerate(values):
        if not isinstance(x, TensorBase):
            where = f"The value at index {i} of {what}" if many else what[0].upper() + what[1:]
            raise TypeError(
                f"{where} must be a Tensor (or a tuple of Tensors), got {type(x).__name__}"
            )
    return values, many


def _leaf(array: np.ndarray) -> Any:
    leaf = wrap(TensorBase._result_type, array)
    leaf.requires_grad = True
    return leaf


def _prepared(inputs: Any, create_graph: bool) -> tuple[Tensors, bool]:
    """The inputs as tensors of our own: part of the user's graph if one is to be made, else leaves."""
    values, many = _as_tuple(inputs, "the inputs given to the function")
    if create_graph:
        return tuple(Alias.apply(x) if x.requires_grad else _leaf(x._array) for x in values), many
    return tuple(_leaf(x._array) for x in values), many


def _outputs_of(func: Function, xs: Tensors, owner: str) -> tuple[Tensors, bool]:
    return _as_tuple(func(*xs), f"the outputs of the user-provided function given to {owner}")


def _scalar_of(func: Function, xs: Tensors, owner: str) -> Any:
    ys, many = _outputs_of(func, xs, owner)
    if many or ys[0]._array.size != 1:
        shapes = [list(y._array.shape) for y in ys]
        raise RuntimeError(
            f"{owner}: the function must return a single Tensor with a single element, got shapes "
            f"{shapes}"
        )
    return ys[0].reshape(())


def _vectors(name: str, v: Any, like: Tensors, what: str) -> Tensors:
    """The vectors given, checked; ones for a single element."""
    if v is None:
        if len(like) != 1 or like[0]._array.size != 1:
            raise RuntimeError(
                f"The vector {name} can only be None if {what} is a single Tensor with a single "
                "element"
            )
        return (wrap(TensorBase._result_type, np.ones_like(like[0]._array)),)
    vs, _ = _as_tuple(v, name)
    shapes, expected = [x._array.shape for x in vs], [x._array.shape for x in like]
    if shapes != expected:
        raise RuntimeError(
            f"{name} must have the shapes of {what}: expected {[list(s) for s in expected]}, got "
            f"{[list(s) for s in shapes]}"
        )
    return vs


def _given_back(tensors: Tensors, many: bool, create_graph: bool) -> Any:
    """Results in the form of what they belong to, without history unless one was asked for."""
    if not create_graph:
        tensors = tuple(t.detach() for t in tensors)
    return tensors if many else tensors[0]


def _check_strategy(owner: str, name: str, strategy: str, strict: bool, vectorize: bool) -> None:
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(
            f"{owner}: expected {name} to be 'reverse-mode' or 'forward-mode', got {strategy!r}"
        )
    if strict and vectorize:
        raise RuntimeError(f"{owner}: strict=True and vectorize=True are not supported together")


# -- derivatives -----------------------------------------------------------------------------


def _gradients(
    ys: Tensors, xs: Tensors, vs: Tensors, create_graph: bool, strict: bool, owner: str
) -> Tensors:
    """v^T J, with zeros (or, if strict, an error) where nothing depends on an input."""
    known = [(y, v) for y, v in zip(ys, vs, strict=True) if y.requires_grad]
    if strict and len(known) < len(ys):
        k = next(k for k, y in enumerate(ys) if not y.requires_grad)
        raise RuntimeError(
            f"Output {k} of the user-provided function is independent of the inputs. This is not "
            f"allowed in strict mode ({owner})."
        )
    found: Tensors = (None,) * len(xs)
    if known:
        outputs, seeds = zip(*known, strict=True)
        found = grad(outputs, xs, seeds, True, create_graph, allow_unused=True)
    return tuple(
        _filled(g, x, i, strict, owner) for i, (g, x) in enumerate(zip(found, xs, strict=True))
    )


def _filled(g: Any, x: TensorBase, i: int, strict: bool, owner: str) -> Any:
    if g is not None:
        return g
    if strict:
        raise RuntimeError(
            f"The output of the user-provided function is independent of input {i}. This is not "
            f"allowed in strict mode ({owner})."
        )
    return wrap(TensorBase._result_type, np.zeros_like(x._array))


def _require_histories(found: Tensors, owner: str) -> None:
    for i, g in enumerate(found):
        if not g.requires_grad:
            raise RuntimeError(
                f"The {owner} of the user-provided function is independent of input {i}. This is "
                "not allowed in strict mode when create_graph=True."
            )


def _jacobian_of(y: Any, k: int, xs: Tensors, create_graph: bool, strict: bool) -> Tensors:
    """The derivatives of output ``k`` with respect to each input."""
    rows = [
        _gradients((element,), xs, (None,), create_graph, strict, "jacobian")
        for element in y.reshape(-1)
    ]
    if strict and create_graph:
        for row in rows:
            _require_histories(row, "jacobian")
    shape = y._array.shape
    if not rows:
        return tuple(
            wrap(x._result_type, np.zeros((*shape, *x._array.shape), x._array.dtype)) for x in xs
        )
    return tuple(
        np.stack([row[i] for row in rows]).reshape((*shape, *x._array.shape))
        for i, x in enumerate(xs)
    )


def _units(x: TensorBase) -> Any:
    """All unit vectors of x's shape, (n, *shape)."""
    shape, n = x._array.shape, x._array.size
    return wrap(TensorBase._result_type, np.eye(n, dtype=x._array.dtype).reshape((n, *shape)))


def _by_rows(y: Any, xs: Tensors, create_graph: bool) -> Tensors:
    """The derivatives of an output with respect to each input, all rows in one batch."""
    found: Tensors = (None,) * len(xs)
    if y.requires_grad:
        found = grad(y, xs, _units(y), True, create_graph, allow_unused=True, is_grads_batched=True)
    shape = y._array.shape
    return tuple(
        wrap(x._result_type, np.zeros((*shape, *x._array.shape), x._array.dtype))
        if g is None
        else g.reshape((*shape, *x._array.shape))
        for g, x in zip(found, xs, strict=True)
    )


def _by_columns(ys: Tensors, xs: Tensors, create_graph: bool) -> tuple[Tensors, ...]:
    """For each output its derivatives with respect to each input, all columns in one batch.

    u^T J is linear in u: its derivative along u is J.
    """
    us = tuple(_leaf(np.zeros_like(y._array)) for y in ys)
    products = _gradients(ys, xs, us, True, False, "jacobian")
    columns = []
    for x, product in zip(xs, products, strict=True):
        found: Tensors = (None,) * len(us)
        if product.requires_grad:
            found = grad(
                product, us, _units(x), True, create_graph, allow_unused=True, is_grads_batched=True
            )
        columns.append(found)
    return tuple(
        tuple(_as_block(columns[i][k], y, x) for i, x in enumerate(xs)) for k, y in enumerate(ys)
    )


def _as_block(columns: Any, y: TensorBase, x: TensorBase) -> Any:
    """(elements of x, *shape of y) as (*shape of y, *shape of x)."""
    shape = (*y._array.shape, *x._array.shape)
    if columns is None:
        return wrap(x._result_type, np.zeros(shape, x._array.dtype))
    return np.moveaxis(columns, 0, -1).reshape(shape)
