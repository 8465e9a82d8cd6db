"""Sums of products of two arrays over named indices, by matrix products."""

from __future__ import annotations

import math

import numpy as np

from penlight.kernels.products import matmul

__all__ = ["contract"]


def contract(a: np.ndarray, names_a: str, b: np.ndarray, names_b: str, output: str) -> np.ndarray:
    """out[output] = the sum of a[names_a] b[names_b] over all indices that are not in ``output``.

    Indices are batch (in all three), summed (in both operands alone), or free (in one and in the
    output); (batch, free, summed) times (batch, summed, free) is then a product of matrices.

    Args:
        names_a, names_b: one letter per axis, none twice in one operand.
    """
    a, names_a = _without_lonely(a, names_a, names_b + output)
    b, names_b = _without_lonely(b, names_b, names_a + output)
    batch = [n for n in names_a if n in names_b and n in output]
    summed = [n for n in names_a if n in names_b and n not in output]
    free_a = [n for n in names_a if n not in names_b]
    free_b = [n for n in names_b if n not in names_a]
    sizes = dict(zip(names_a, a.shape, strict=True)) | dict(zip(names_b, b.shape, strict=True))
    left = _as_matrices(a, names_a, batch, free_a, summed, sizes)
    right = _as_matrices(b, names_b, batch, summed, free_b, sizes)
    have = [*batch, *free_a, *free_b]
    y = matmul(left, right).reshape([sizes[n] for n in have])
    return y.transpose([have.index(n) for n in output])


def _without_lonely(x: np.ndarray, names: str, others: str) -> tuple[np.ndarray, str]:
    """Sum over the indices that nothing else has."""
    lonely = tuple(i for i, n in enumerate(names) if n not in others)
    if not lonely:
        return x, names
    return x.sum(axis=lonely, dtype=x.dtype), "".join(n for n in names if n in others)


def _as_matrices(
    x: np.ndarray,
    names: str,
    batch: list[str],
    rows: list[str],
    columns: list[str],
    sizes: dict[str, int],
) -> np.ndarray:
    """x with its axes in order and joined: (batch, rows, columns)."""
    order = [names.index(n) for n in (*batch, *rows, *columns)]
    shape = [math.prod(sizes[n] for n in group) for group in (batch, rows, columns)]
    return x.transpose(order).reshape(shape)
