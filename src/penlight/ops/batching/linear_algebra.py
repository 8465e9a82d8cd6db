"""Factorisations, inverses and functions of matrices, which take stacks of matrices anyway."""

from __future__ import annotations

from typing import Any

from penlight.ops import (
    determinant,
    eigen,
    factorization,
    matrix_functions,
    reflections,
    singular,
    solving,
)
from penlight.ops.batching.common import aligned, expanded, rank, reshaped, rule, shape
from penlight.ops.batching.loop import loop

__all__: list[str] = []


@rule(
    determinant.Det, determinant.SlogDet, eigen.Eig, eigen.Eigh, factorization.Cholesky,
    factorization.LU, factorization.QR, matrix_functions.MatrixExp, reflections.Geqrf, singular.SVD,
    solving.Inv,
)  # fmt: skip
def _of_stack(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    if any(batched[1:]):
        return loop(op, size, values, batched)
    result = op.apply(*values)
    if not isinstance(result, tuple):
        return result
    return tuple(y if shape(y)[:1] == (size,) else expanded(y, False, size) for y in result)


@rule(solving.Solve, solving.SolveTriangular)
def _solve(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    a, b, *options = values
    pair = [expanded(x, given, size) for x, given in zip((a, b), batched, strict=False)]
    if min(rank(x, True) for x in pair) < 2:
        return loop(op, size, values, batched)
    result = op.apply(*aligned(pair, (True, True)), *options)
    if not isinstance(result, tuple):
        return result
    x, info = result
    return x, reshaped(info, shape(pair[0])[:-2])
