"""Equations with triangular matrices."""

from __future__ import annotations

import math

import numpy as np

from penlight.kernels.products import matmul
from penlight.kernels.stacks import over_stack

__all__ = ["solve_triangular"]

_WHOLE = 32  # rows that one call solves; larger matrices are cut in halves, joined by products


def solve_triangular(a: np.ndarray, b: np.ndarray, upper: bool, unit: bool = False) -> np.ndarray:
    """X with A X = B for stacks of triangular A (..., n, n) and B (..., n, m), which broadcast.

    In halves, for a lower triangle: X1 = A11^-1 B1 and X2 = A22^-1 (B2 - A21 X1). Only the triangle
    is read; ``unit`` takes its diagonal as ones. A zero on the diagonal gives infinities and NaN.
    """
    n = a.shape[-1]
    if n <= _WHOLE:
        return _solve_whole(a, b, upper, unit)
    h = n // 2
    if upper:
        last = solve_triangular(a[..., h:, h:], b[..., h:, :], upper, unit)
        rest = b[..., :h, :] - matmul(a[..., :h, h:], last)
        first = solve_triangular(a[..., :h, :h], rest, upper, unit)
    else:
        first = solve_triangular(a[..., :h, :h], b[..., :h, :], upper, unit)
        rest = b[..., h:, :] - matmul(a[..., h:, :h], first)
        last = solve_triangular(a[..., h:, h:], rest, upper, unit)
    return np.concatenate(
        [np.broadcast_to(x, (*last.shape[:-2], *x.shape[-2:])) for x in (first, last)], -2
    )


def _solve_whole(a: np.ndarray, b: np.ndarray, upper: bool, unit: bool) -> np.ndarray:
    """By NumPy's general solver: elimination of an upper triangle changes nothing and swaps no rows,
    so what remains is back substitution. A lower triangle is upper when read from its last row."""
    n = a.shape[-1]
    if not upper:
        return _solve_whole(a[..., ::-1, ::-1], b[..., ::-1, :], True, unit)[..., ::-1, :]
    triangle = np.triu(a, 1 if unit else 0)
    diagonal = np.einsum("...ii->...i", triangle)
    if unit:
        diagonal[...] = 1
    many = math.prod(a.shape[:-2]) > 4 * n  # so that a step for all of them at once pays
    if not many and (diagonal != 0).all() and np.isfinite(triangle).all():
        return over_stack(np.linalg.solve, 1, triangle, b)
    return _substitute(triangle, b, n)


def _substitute(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """Back substitution row by row, which divides by zero where it has to."""
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    x = np.array(np.broadcast_to(b, (*stack, *b.shape[-2:])))
    for i in reversed(range(n)):
        done = np.einsum("...k,...km->...m", a[..., i, i + 1 :], x[..., i + 1 :, :])
        x[..., i, :] = (x[..., i, :] - done) / a[..., i, i, None]
    return x
