"""Factorizations and triangular equations of arrays, against their definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from penlight.kernels import factorization
from penlight.kernels.matrix_exp import matrix_exp
from penlight.kernels.triangular import solve_triangular

DTYPES = ["f", "d", "F", "D"]
TOLERANCE = {"f": 1e-4, "F": 1e-4, "d": 1e-11, "D": 1e-11}
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def random(dtype: str, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(sum(shape) + ord(dtype))
    x = rng.standard_normal(shape)
    return np.asarray(x + 1j * rng.standard_normal(shape) if dtype in "FD" else x, dtype)


def near(a: Any, b: Any, dtype: str, scale: float = 1) -> None:
    np.testing.assert_allclose(a, b, rtol=TOLERANCE[dtype] * scale, atol=TOLERANCE[dtype] * scale)


@each_dtype
@pytest.mark.parametrize(
    "shape", [(1, 1), (5, 5), (2, 3, 7, 4), (40, 70), (90, 40), (130, 130), (0, 3, 3), (3, 0)]
)
def test_lu(shape: tuple[int, ...], dtype: str) -> None:
    a = random(dtype, *shape)
    packed, pivots = factorization.lu(a)
    m, n = shape[-2:]
    k = min(m, n)
    lower, upper = np.tril(packed[..., :k], -1) + np.eye(m, k), np.triu(packed[..., :k, :])
    order = factorization.permutation(pivots, m)
    near(lower @ upper, np.take_along_axis(a, order[..., None], -2), dtype)
    assert packed.dtype == a.dtype
    assert pivots.dtype == np.int32
    assert pivots.shape == (*shape[:-2], k)
    assert (
        dtype in "FD" or np.abs(lower).max(initial=0) <= 1 + 1e-6
    )  # of each column the largest was taken
    back = factorization.inverse_permutation(order)
    np.testing.assert_array_equal(
        np.take_along_axis(order, back, -1), np.broadcast_to(np.arange(m), order.shape)
    )


def test_lu_passes_over_columns_of_zeros() -> None:
    packed, pivots = factorization.lu(np.array([[0.0, 1, 2], [0, 3, 4], [0, 6, 9]]))
    np.testing.assert_array_equal(packed[:, 0], 0)
    np.testing.assert_array_equal(pivots, [1, 3, 3])
    np.testing.assert_array_equal(factorization.first_zero(np.diagonal(packed)), 1)


@each_dtype
@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 1, 6, 6), (65, 65), (200, 200)])
def test_triangular_equations(shape: tuple[int, ...], upper: bool, unit: bool, dtype: str) -> None:
    n = shape[-1]
    a = random(dtype, *shape) / n
    a += np.eye(n, dtype=dtype) * 2
    b = random(dtype, 3, n, 2)
    triangle = (np.triu if upper else np.tril)(a, (1 if upper else -1) if unit else 0)
    x = solve_triangular(a, b, upper, unit)
    near((triangle + (np.eye(n) if unit else 0)) @ x, np.broadcast_to(b, x.shape), dtype)
    assert x.dtype == a.dtype


@pytest.mark.parametrize("upper", [True, False])
def test_triangular_equations_without_a_solution(upper: bool) -> None:
    """Zeros on the diagonal divide; infinities do not spread beyond where substitution takes them."""
    a = np.array([[2.0, 1, 0], [0, 0, 3], [0, 0, 4]])
    x = solve_triangular(a if upper else a.T, np.array([[1.0], [2], [4]]), upper)
    assert not np.isfinite(x).all()
    a = np.array([[1.0, np.inf], [0, 2]])
    np.testing.assert_array_equal(
        solve_triangular(a, np.array([[1.0], [2]]), True), [[-np.inf], [1]]
    )


def slow_cholesky_info(a: np.ndarray) -> int:
    """The order of the first leading minor that is not positive, by determinants."""
    minors = [np.linalg.det(a[:k, :k]) for k in range(1, len(a) + 1)]
    return next((k for k, d in enumerate(minors, 1) if not d.real > 0), 0)


@each_dtype
def test_cholesky_tells_where_it_fails(dtype: str) -> None:
    good = random(dtype, 4, 4)
    good = good @ good.conj().T + np.eye(4, dtype=dtype)
    broken = [good - np.diag([20.0 * (i == k) for i in range(4)]).astype(dtype) for k in range(4)]
    y, info = factorization.cholesky(np.stack([good, *broken, good]))
    assert info.tolist() == [slow_cholesky_info(m) for m in [good, *broken, good]]
    assert info.tolist() == [0, 1, 2, 3, 4, 0]
    for i in (0, 5):
        near(y[i] @ y[i].conj().T, good, dtype)
    _, info = factorization.cholesky(np.stack([good, good * np.nan]))
    assert info.tolist() == [0, 1]


@each_dtype
@pytest.mark.parametrize("hermitian", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (6, 6), (3, 9, 9), (0, 2, 2)])
def test_ldl(shape: tuple[int, ...], hermitian: bool, dtype: str) -> None:
    x = random(dtype, *shape)
    xt = np.swapaxes(x, -1, -2)
    a = x + (xt.conj() if hermitian else xt)
    packed, pivots, info = factorization.ldl(np.tril(a), hermitian)
    order, lower, blocks = factorization.ldl_parts(packed, pivots, hermitian)
    turned = np.swapaxes(lower.conj() if hermitian else lower, -1, -2)
    rows = np.take_along_axis(a, order[..., None], -2)
    near(lower @ blocks @ turned, np.take_along_axis(rows, order[..., None, :], -1), dtype, 10)
    assert not info.any()
    assert packed.dtype == a.dtype


def test_ldl_of_zeros() -> None:
    packed, _, info = factorization.ldl(np.zeros((3, 3)), False)
    assert info == 1
    assert not packed.any()


def slow_exponential(a: np.ndarray) -> np.ndarray:
    """The series, in double precision, of a small part of A, squared back."""
    x = a.astype(np.complex128) / 1024
    term = total = np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    for k in range(1, 20):
        term = term @ x / k
        total = total + term
    for _ in range(10):
        total = total @ total
    return total


@each_dtype
@pytest.mark.parametrize("scale", [0.01, 1, 20])
def test_matrix_exp(scale: float, dtype: str) -> None:
    a = random(dtype, 2, 5, 5)
    a[1] *= scale  # each matrix is scaled by itself
    a = (a - np.swapaxes(a, -1, -2).conj()) / 2  # so that the exponential keeps its size
    near(matrix_exp(a), slow_exponential(a), dtype, max(scale, 1))
    assert matrix_exp(a).dtype == a.dtype


def test_matrix_exp_of_numbers_that_are_not_finite() -> None:
    a = np.stack([np.eye(2), np.eye(2) * np.inf, np.eye(2) * np.nan])
    y = matrix_exp(a)
    np.testing.assert_allclose(y[0], np.eye(2) * math.e)
    assert np.isnan(y[1:]).any((1, 2)).all()
