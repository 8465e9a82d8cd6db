"""Factorizations that NumPy lacks: P L U, L D L^T, and a Cholesky that says where it fails."""

from __future__ import annotations

import math

import numpy as np

from penlight.kernels.products import matmul
from penlight.kernels.triangular import solve_triangular

__all__ = ["cholesky", "first_zero", "inverse_permutation", "ldl", "ldl_parts", "lu", "permutation"]

_PANEL = 16  # columns eliminated one by one; more are cut in halves, joined by products


def _stack(a: np.ndarray) -> np.ndarray:
    """A copy of matrices (..., m, n) as (B, m, n)."""
    return np.array(a.reshape(math.prod(a.shape[:-2]), *a.shape[-2:]), order="C")


def _size(x: np.ndarray) -> np.ndarray:
    """|x|; of complex numbers |re| + |im|, by which LAPACK compares them."""
    return np.abs(x.real) + np.abs(x.imag) if x.dtype.kind == "c" else np.abs(x)


def first_zero(diagonal: np.ndarray) -> np.ndarray:
    """The number (from 1) of the first zero along the last dimension, 0 where there is none: int32."""
    zero = diagonal == 0
    if not zero.shape[-1]:
        return np.zeros(zero.shape[:-1], np.int32)
    return np.where(zero.any(-1), zero.argmax(-1) + 1, 0).astype(np.int32)


# -- P L U -----------------------------------------------------------------------------------


def lu(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian elimination with row interchanges of (..., m, n), L below U in one array.

    Returns:
        L's part below its diagonal of ones and U, (..., m, n); and for each step the row (from 1)
        that was interchanged with the step's own, (..., min(m, n)), int32.

    Source: Toledo, "Locality of Reference in LU Decomposition with Partial Pivoting", 1997.
    """
    x = _stack(a)
    pivots = _eliminate(x)
    k = min(a.shape[-2:])
    return x.reshape(a.shape), (pivots + 1).astype(np.int32).reshape(*a.shape[:-2], k)


def _eliminate(x: np.ndarray) -> np.ndarray:
    """Factor (B, m, n) in place: the left half of the columns, their effect on the right, the rest."""
    _, m, n = x.shape
    k = min(m, n)
    if k <= _PANEL:
        return _eliminate_columns(x, k)
    h = k // 2
    left, right = x[:, :, :h], x[:, :, h:]
    first = _eliminate(left)
    _interchange(right, first)
    right[:, :h] = solve_triangular(left[:, :h], right[:, :h], upper=False, unit=True)
    right[:, h:] -= matmul(left[:, h:], right[:, :h])
    second = _eliminate(right[:, h:])
    _interchange(left[:, h:], second)
    return np.concatenate([first, second + h], 1)


def _eliminate_columns(x: np.ndarray, k: int) -> np.ndarray:
    each = np.arange(len(x))
    pivots = np.empty((len(x), k), np.int64)
    for j in range(k):
        pivots[:, j] = p = j + _size(x[:, j:, j]).argmax(1)
        row = x[each, p]
        x[each, p] = x[:, j]
        x[:, j] = row
        pivot = row[:, j]
        x[:, j + 1 :, j] /= np.where(pivot == 0, 1, pivot)[:, None]
        x[:, j + 1 :, j + 1 :] -= x[:, j + 1 :, j, None] * x[:, j, None, j + 1 :]
    return pivots


def _interchange(x: np.ndarray, pivots: np.ndarray) -> None:
    order = permutation(pivots + 1, x.shape[1])
    x[...] = np.take_along_axis(x, order[:, :, None], 1)


def permutation(pivots: np.ndarray, m: int) -> np.ndarray:
    """The order of m rows (..., m) after the interchanges (..., k) that :func:`lu` returns."""
    swaps = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1]) - 1
    order = np.tile(np.arange(m), (len(swaps), 1))
    each = np.arange(len(swaps))
    for i, p in enumerate(swaps.T):
        there = order[each, p]
        order[each, p] = order[:, i]
        order[:, i] = there
    return order.reshape(*pivots.shape[:-1], m)


def inverse_permutation(order: np.ndarray) -> np.ndarray:
    """Where each row went."""
    return np.argsort(order, -1)


# -- L L^H -----------------------------------------------------------------------------------


def cholesky(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L (lower) with A = L L^H, from A's lower triangle, and int32 (...): 0, or the order of the first
    leading minor that is not positive; L is then not to be used."""
    if a.size == 0:
        return np.zeros_like(a), np.zeros(a.shape[:-2], np.int32)
    try:
        y = np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        return _cholesky_by_columns(a)
    if np.isnan(np.einsum("...ii->...", y)).any():  # the traces: a few numbers tell of all
        return _cholesky_by_columns(a)
    return y, np.zeros(a.shape[:-2], np.int32)


def _cholesky_by_columns(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, n = _stack(a), a.shape[-1]
    y = np.zeros_like(x)
    info = np.zeros(len(x), np.int32)
    for j in range(n):
        done = np.einsum("bik,bk->bi", y[:, j:, :j], y[:, j, :j].conj())
        rest = x[:, j:, j] - done
        square = rest[:, 0].real
        info[(info == 0) & ~(square > 0)] = j + 1
        y[:, j:, j] = rest / np.sqrt(np.where(square > 0, square, 1))[:, None]
        y[:, j, j] = np.sqrt(np.where(square > 0, square, 0))
    return y.reshape(a.shape), info.reshape(a.shape[:-2])


# -- L D L^T ---------------------------------------------------------------------------------

_ALPHA = (1 + math.sqrt(17)) / 8  # makes growth over one step of two as over two steps of one


def ldl(a: np.ndarray, hermitian: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A = P L D L^T P^T (or L^H) by diagonal pivoting, from the lower triangle of (..., n, n).

    Each matrix chooses its own blocks of one or two rows, so they are taken one by one.

    Returns:
        L below D in one array; interchanges (from 1), negative twice for a block of two rows; the
        number of D's first zero, or 0. All in LAPACK's arrangement.

    Source: Bunch & Kaufman, "Some Stable Methods for Calculating Inertia and Solving Symmetric
    Linear Systems", 1977; Golub & Van Loan, "Matrix Computations", section 4.4.
    """
    x = _stack(a)
    pivots = np.zeros(x.shape[:2], np.int32)
    info = np.zeros(len(x), np.int32)
    for i, matrix in enumerate(x):
        info[i] = _ldl_one(matrix, pivots[i], hermitian)
    stack = a.shape[:-2]
    return x.reshape(a.shape), pivots.reshape(*stack, a.shape[-1]), info.reshape(stack)


def _ldl_one(x: np.ndarray, pivots: np.ndarray, hermitian: bool) -> int:
    """Factor one matrix in place; the working copy ``s`` holds both triangles of what is left."""
    n, info = len(x), 0
    flip = np.conjugate if hermitian else np.positive
    below = np.tril(x, -1)
    s = below + flip(below.T) + np.diag(np.diag(x.real if hermitian else x))
    x[...] = 0
    k = 0
    while k < n:
        column = _size(s[k + 1 :, k])
        r = k + 1 + int(column.argmax()) if k + 1 < n else k
        own, largest = _size(s[k, k]), column.max(initial=0)
        step, p = 1, k
        if not max(own, largest) > 0:
            info = info or k + 1
        elif own < _ALPHA * largest:
            row = np.delete(_size(s[r, k:]), r - k).max()
            if own * row < _ALPHA * largest * largest:
                p, step = r, 1 if _size(s[r, r]) >= _ALPHA * row else 2
        last = k + step - 1
        if p != last:
            s[[last, p]] = s[[p, last]]
            s[:, [last, p]] = s[:, [p, last]]
        pivots[k : k + step] = p + 1 if step == 1 else -(p + 1)
        end = k + step
        block, rest = s[k:end, k:end], s[end:, k:end]
        x[k:end, k:end] = np.tril(block)
        if block.any():
            factor = np.linalg.solve(block.T, rest.T).T if step == 2 else rest / block
            s[end:, end:] -= factor @ flip(rest.T)
            x[end:, k:end] = factor
            if hermitian:
                np.fill_diagonal(s, s.diagonal().real)
        k = end
    return info


def ldl_parts(
    ld: np.ndarray, pivots: np.ndarray, hermitian: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What :func:`ldl` packs: the order of the rows (..., n), L and D (..., n, n).

    A[order][:, order] = L D L^T. Later interchanges reach earlier columns of L.
    """
    n = ld.shape[-1]
    x = _stack(ld)
    swaps = pivots.reshape(len(x), n)
    order = np.tile(np.arange(n), (len(x), 1))
    lower = np.tril(x, -1)
    d = np.zeros_like(x)
    np.einsum("bii->bi", d)[...] = np.einsum("bii->bi", x)
    for i, swap in enumerate(swaps.tolist()):
        k = 0
        while k < n:
            step = 1 if swap[k] > 0 else 2
            last, p = k + step - 1, abs(swap[k]) - 1
            if step == 2:
                off = lower[i, last, k]
                d[i, last, k], d[i, k, last] = off, np.conjugate(off) if hermitian else off
                lower[i, last, k] = 0
            order[i, [last, p]] = order[i, [p, last]]
            lower[i, [last, p], :k] = lower[i, [p, last], :k]
            k += step
    np.einsum("bii->bi", lower)[...] = 1
    return order.reshape(pivots.shape), lower.reshape(ld.shape), d.reshape(ld.shape)
