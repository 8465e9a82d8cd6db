"""Jacobians and Hessians of functions: a derivative for each unit vector, all in one batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.func.transforms import Arguments, Linearized, _outputs_of, vjp
from penlight.func.trees import flatten
from penlight.func.vmap import vmap
from penlight.ops.splitting import split
from penlight.tensor import Tensor
from penlight.tensor.creation import tensor

__all__ = ["hessian", "jacfwd", "jacrev"]

Function = Callable[..., Any]


def _basis(tensors: list[Any]) -> tuple[list[Any], list[int]]:
    """For each tensor the unit vectors of all of them together, (n, *shape), and their sizes."""
    sizes = [x.numel() for x in tensors]
    n, start, parts = sum(sizes), 0, []
    for x, size in zip(tensors, sizes, strict=True):
        units = np.zeros((n, size), x._array.dtype)
        units[np.arange(start, start + size), np.arange(size)] = 1
        parts.append(tensor(units.reshape((n, *x.shape))))
        start += size
    return parts, sizes


class _Chosen:
    """A function of the arguments ``argnums`` alone, and those arguments."""

    def __init__(self, func: Function, args: Any, kwargs: Any, argnums: Any, owner: str) -> None:
        self.many = isinstance(argnums, tuple)
        numbers = argnums if self.many else (argnums,)
        Arguments(owner, args, argnums)  # the checks
        self.numbers = [n % len(args) for n in numbers]
        self.primals = tuple(args[n] for n in self.numbers)

        def chosen(*values: Any) -> Any:
            replaced = dict(zip(self.numbers, values, strict=True))
            return func(*(replaced.get(i, x) for i, x in enumerate(args)), **kwargs)

        self.func = chosen


def jacrev(
    func: Function,
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Function:
    """The function that computes the Jacobian of ``func`` row by row, by backward passes.

    Best where the result has fewer elements than the argument.

    Args:
        func: takes and returns tensors, which may be nested.
        argnums: which arguments to differentiate by, a number or a tuple of numbers. Default: 0.
        has_aux: ``func`` returns a pair of which the second is handed on. Default: False.
        chunk_size: compute so many rows at a time, to save memory. Default: all.

    Returns:
        A function whose result is nested as that of ``func``, and inside as the argument is (a tuple of
        those for a tuple of ``argnums``), of tensors (*result shape, *argument shape).
    """
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen = _Chosen(func, args, kwargs, argnums, "jacrev")
        result = vjp(chosen.func, *chosen.primals, has_aux=has_aux)
        ys, structure = _outputs_of("jacrev", result[0])
        basis, sizes = _basis(ys)

        def rows_for(*seeds: Any) -> Any:
            found = result[1](structure.fill(seeds))
            return found if len(chosen.primals) > 1 else (found,)

        rows = vmap(rows_for, chunk_size=chunk_size)(*basis)  # (outputs' elements, *argument)
        flat, inputs = flatten(rows)
        columns = [split(block, sizes, 0) for block in flat]
        tables = []
        for k, y in enumerate(ys):
            blocks = (parts[k].reshape((*y.shape, *parts[k].shape[1:])) for parts in columns)
            table = inputs.fill(blocks)
            tables.append(table if chosen.many else table[0])
        jacobian = structure.fill(tables)
        return (jacobian, result[2]) if has_aux else jacobian

    return wrapped


def jacfwd(
    func: Function, argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Function:
    """The function that computes the Jacobian of ``func`` column by column, by products J v.

    Args:
        func: takes and returns tensors, which may be nested.
        argnums: which arguments to differentiate by, a number or a tuple of numbers. Default: 0.
        has_aux: ``func`` returns a pair of which the second is handed on. Default: False.
        randomness: accepted; the function is called once, for all columns.

    Returns:
        As :func:`jacrev`.
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen = _Chosen(func, args, kwargs, argnums, "jacfwd")
        linear = Linearized("jacfwd", chosen.func, chosen.primals, has_aux)
        basis, sizes = _basis(linear.xs)
        columns = vmap(lambda *vs: linear.along(linear.inside.fill(vs)))(*basis)
        flat, structure = flatten(columns)  # (arguments' elements, *result)
        tables = []
        for block in flat:
            parts = split(block, sizes, 0)
            blocks = (_last_first(part, x) for part, x in zip(parts, linear.xs, strict=True))
            table = linear.inside.fill(blocks)
            tables.append(table if chosen.many else table[0])
        jacobian = structure.fill(tables)
        return (jacobian, linear.aux) if has_aux else jacobian

    return wrapped


def _last_first(columns: Tensor, x: Tensor) -> Tensor:
    """(elements of x, *result) as (*result, *shape of x)."""
    return columns.movedim(0, -1).reshape((*columns.shape[1:], *x.shape))


def hessian(func: Function, argnums: Any = 0) -> Function:
    """The function that computes the second derivatives of ``func``: ``jacfwd(jacrev(func))``.

    Args:
        func: takes and returns tensors; its result usually has one element.
        argnums: which arguments to differentiate by, a number or a tuple of numbers. Default: 0.
    """
    return jacfwd(jacrev(func, argnums), argnums)
