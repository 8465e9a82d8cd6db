"""Derivatives of functions: ``grad``, ``vjp``, ``jvp``, ``linearize``.

There is one mode, reverse: a backward pass gives v^T J. J v comes from two: v^T J is linear in v, so its
derivative along u is J u. Transforms nest, and combine with ``vmap``.

Source: Griewank & Walther, "Evaluating Derivatives", 2nd ed., SIAM 2008, section 3.7, for the two passes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from penlight.autograd.grad_mode import enable_grad
from penlight.func.trees import Structure, flatten, map_tensors
from penlight.func.variables import Outer, derivatives, given_back, variable, zeros_like
from penlight.tensor import Tensor

__all__ = ["functionalize", "grad", "grad_and_value", "jvp", "linearize", "vjp"]

Function = Callable[..., Any]


# -- of scalar functions ---------------------------------------------------------------------------


def grad(func: Function, argnums: Any = 0, has_aux: bool = False) -> Function:
    """The function that computes the gradient of ``func``.

    Args:
        func: returns a tensor of one element, or with ``has_aux`` that and something else.
        argnums: which arguments to differentiate by, a number or a tuple of numbers; they may be nested
            tuples, lists and dictionaries of tensors. Default: 0.
        has_aux: return the something else too. Default: False.

    Returns:
        A function whose result is nested as that argument is; a tuple for a tuple of ``argnums``. With
        ``has_aux``: (gradient, aux).

    Raises:
        RuntimeError: if the result is no tensor or has more than one element.

    Example:
        >>> grad(torch.sin)(torch.tensor(0.0))
        tensor(1.)
    """
    compute = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        gradient, value = compute(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def grad_and_value(func: Function, argnums: Any = 0, has_aux: bool = False) -> Function:
    """As :func:`grad`, for (gradient, value), or with ``has_aux`` (gradient, (value, aux))."""

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        outer = Outer()
        chosen = Arguments("grad", args, argnums)
        with enable_grad():
            value, aux = _with_aux("grad_and_value", func(*chosen.args, **kwargs), has_aux)
            _check_scalar(value)
            connected = outer.reached_by([value], chosen.tensors)
            found = derivatives(
                [value], chosen.tensors, [None], create_graph=connected, keep_graph=connected
            )
        gradient = chosen.like_arguments(found)
        value = given_back(value, connected)
        aux = map_tensors(lambda x: given_back(x, connected), aux)
        return gradient, ((value, aux) if has_aux else value)

    return wrapped


def _check_scalar(value: Any) -> None:
    if not isinstance(value, Tensor):
        raise RuntimeError(
            "grad_and_value(f)(*args): Expected f(*args) to return a tensor, got "
            f"{type(value).__name__}"
        )
    if value.ndim:
        raise RuntimeError(
            "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
            f"{value.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
        )


def _with_aux(owner: str, result: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{owner}(f)(*args): output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return result


class Arguments:
    """Arguments of a function, those to differentiate by replaced by variables."""

    def __init__(self, owner: str, args: tuple[Any, ...], argnums: Any) -> None:
        self.many = isinstance(argnums, tuple)
        numbers = argnums if self.many else (argnums,)
        if not numbers or not all(isinstance(n, int) for n in numbers):
            raise RuntimeError(
                f"{owner}: argnums must be an int or a non-empty tuple of ints, got {argnums!r}"
            )
        for n in numbers:
            if not -len(args) <= n < len(args):
                raise RuntimeError(f"Got argnum={n}, but only {len(args)} positional inputs")
        numbers = tuple(n % len(args) for n in numbers)
        if len(set(numbers)) < len(numbers):
            raise RuntimeError(f"argnums elements must be unique, got {argnums}")
        chosen = tuple(args[n] for n in numbers)
        self.tensors, self.structure = variables_of(owner, chosen if self.many else chosen[0])
        filled = self.structure.fill(self.tensors)
        replaced = dict(zip(numbers, filled if self.many else (filled,), strict=True))
        self.args = tuple(replaced.get(i, x) for i, x in enumerate(args))

    def like_arguments(self, tensors: list[Any]) -> Any:
        """Tensors nested as the arguments are."""
        return self.structure.fill(tensors)


def variables_of(owner: str, tree: Any) -> tuple[list[Any], Structure]:
    """A variable for each tensor of a tree, and its structure."""
    leaves, structure = flatten(tree)
    for x in leaves:
        if not isinstance(x, Tensor):
            raise RuntimeError(
                f"{owner}: Expected all inputs to be Tensors, but received object of type "
                f"{type(x).__name__} at the inputs to differentiate by"
            )
    return [variable(x) for x in leaves], structure


# -- v^T J ---------------------------------------------------------------------------------------


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """func(*primals), and the function v -> v^T J.

    Args:
        func: takes and returns tensors, which may be nested; with ``has_aux`` a pair of such and aux.
        primals: its arguments.
        has_aux: return aux too, third. Default: False.

    Returns:
        The result, and a function that takes cotangents nested as the result is and returns a tuple of
        derivatives, nested as the primals are. It may be called many times.

    Raises:
        RuntimeError: if cotangents don't have the structure or the shapes of the result.
    """
    outer = Outer()
    with enable_grad():
        xs, inside = variables_of("vjp", primals)
        result, aux = _with_aux("vjp", func(*inside.fill(xs)), has_aux)
    ys, structure = _outputs_of("vjp", result)
    connected = outer.reached_by(ys, xs)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        vs = _like(ys, structure, cotangents, "vjp", "cotangents", "output")
        record = connected or any(v.requires_grad for v in vs)
        if create_graph is not None:
            record = create_graph
        found = derivatives(ys, xs, vs, create_graph=record and Outer().recorded)
        result = inside.fill(found)
        return result[0] if len(primals) == 1 else result

    shown = map_tensors(lambda y: given_back(y, connected), result)
    if has_aux:
        return shown, vjp_fn, map_tensors(lambda x: given_back(x, connected), aux)
    return shown, vjp_fn


def _outputs_of(owner: str, result: Any) -> tuple[list[Any], Structure]:
    ys, structure = flatten(result)
    for y in ys:
        if not isinstance(y, Tensor):
            raise RuntimeError(
                f"{owner}(f, *primals): Expected f to be a function that has non-empty output and returns "
                f"only tensors, got {type(y).__name__}"
            )
    if not ys:
        raise RuntimeError(
            f"{owner}(f, *primals): Expected f to be a function that has non-empty output (got output = "
            f"{result})"
        )
    return ys, structure


def _like(
    tensors: list[Any], structure: Structure, given: Any, owner: str, what: str, of: str
) -> list[Any]:
    """Tensors given to go with others, checked."""
    leaves, form = flatten(given)
    if form != structure:
        raise RuntimeError(
            f"{owner}: Expected pytree structure of {what} to be the same as pytree structure of {of}s. "
            f"{what}: {form}, {of}: {structure}"
        )
    for x, v in zip(tensors, leaves, strict=True):
        if not isinstance(v, Tensor):
            raise RuntimeError(f"{owner}: {what} must be Tensors, got {type(v).__name__}")
        if v.shape != x.shape:
            raise RuntimeError(
                f"{owner}: Expected {what} to have the shape of its {of}: {list(x.shape)}, got "
                f"{list(v.shape)}"
            )
    return leaves


# -- J v -----------------------------------------------------------------------------------------


class Linearized:
    """A function at one point, ready for products J v with many tangents v.

    What is kept is u^T J for a variable u, of which J v is the derivative.
    """

    def __init__(self, owner: str, func: Function, primals: tuple[Any, ...], has_aux: bool) -> None:
        self.owner, self.outer = owner, Outer()
        with enable_grad():
            self.xs, self.inside = variables_of(owner, primals)
            result, aux = _with_aux(owner, func(*self.inside.fill(self.xs)), has_aux)
            self.ys, self.structure = _outputs_of(owner, result)
            self.us = [variable(zeros_like(y)) for y in self.ys]
            self.products = derivatives(self.ys, self.xs, self.us, create_graph=True)
        self.connected = self.outer.reached_by(self.ys, self.xs)
        self.result = map_tensors(lambda y: given_back(y, self.connected), result)
        self.aux = map_tensors(lambda x: given_back(x, self.connected), aux)

    def along(self, tangents: Any) -> Any:
        """J v, nested as the result is."""
        vs = _like(self.xs, self.inside, tangents, self.owner, "tangents", "primal")
        record = (self.connected or any(v.requires_grad for v in vs)) and Outer().recorded
        with enable_grad():
            found = derivatives(self.products, self.us, vs, create_graph=record)
        return self.structure.fill(given_back(t, record) for t in found)


def jvp(
    func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> Any:
    """func(*primals), and J v: how the result changes when the primals move along the tangents.

    Args:
        func: takes and returns tensors, which may be nested; with ``has_aux`` a pair of such and aux.
        primals, tangents: tuples of arguments of ``func``, and of their directions.
        strict: raise if a result does not depend on the primals, instead of giving zeros.
        has_aux: return aux too, third. Default: False.

    Raises:
        RuntimeError: if tangents don't have the structure or the shapes of the primals.
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals to be a tuple. E.g. it should be valid to call "
            "f(*primals)."
        )
    if not isinstance(tangents, tuple):
        raise RuntimeError("jvp(f, primals, tangents): Expected tangents to be a tuple.")
    linear = Linearized("jvp", func, primals, has_aux)
    if strict and not all(y.requires_grad for y in linear.ys):
        raise RuntimeError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This "
            "is not allowed with strict=True."
        )
    products = linear.along(tangents)
    return (linear.result, products, linear.aux) if has_aux else (linear.result, products)


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """func(*primals), and the function of tangents v -> J v, which may be called many times.

    Example:
        >>> value, push = linearize(torch.sin, torch.tensor(0.0))
        >>> push(torch.tensor(2.0))
        tensor(2.)
    """
    linear = Linearized("linearize", func, primals, False)

    def jvp_fn(*tangents: Any) -> Any:
        return linear.along(tangents)

    return linear.result, jvp_fn


def functionalize(func: Function, *, remove: str = "mutations") -> Function:
    """``func`` itself: changes in place need not be removed here, since nothing is traced or compiled.

    Args:
        remove: ``"mutations"`` or ``"mutations_and_views"``, which make no difference.

    Raises:
        RuntimeError: for another ``remove``.
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            "functionalize(f, remove='mutations'): Valid options for removing mutations are: remove = "
            f"'mutations', remove = 'mutations_and_views', got {remove!r}"
        )

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapped
