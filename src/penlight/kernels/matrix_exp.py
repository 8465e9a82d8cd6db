"""The exponential of matrices."""

from __future__ import annotations

import math

import numpy as np

from penlight.kernels.products import matmul
from penlight.kernels.stacks import over_stack

__all__ = ["matrix_exp"]

# degree of the approximation, and the largest norm for which it has the precision of the dtype
_DEGREES = {
    np.dtype(np.float32): (7, 3.925724783138660),
    np.dtype(np.float64): (13, 5.371920351148152),
}


def matrix_exp(a: np.ndarray) -> np.ndarray:
    """e^A of (..., n, n) by scaling and squaring: e^A = (e^(A / 2^s))^(2^s), each matrix by its own s.

    e^X is about (V - U)^-1 (V + U), where V and U are the even and odd terms of Padé's polynomial.

    Source: Higham, "The Scaling and Squaring Method for the Matrix Exponential Revisited", 2005.
    """
    if a.size == 0:
        return a.copy()
    degree, limit = _DEGREES[a.real.dtype]
    x = np.array(a.reshape(math.prod(a.shape[:-2]), *a.shape[-2:]))
    norms = np.abs(x).sum(1).max(1)
    with np.errstate(all="ignore"):
        times = np.ceil(np.log2(norms / limit))
    squarings = np.where(np.isfinite(times) & (times > 0), times, 0).astype(np.int32)
    x *= np.ldexp(np.ones_like(norms), -squarings)[:, None, None]
    even, odd = _pade(x, degree)
    y = over_stack(np.linalg.solve, 1, even - odd, even + odd)
    for i in range(int(squarings.max())):
        left = squarings > i
        y[left] = matmul(y[left], y[left])
    return y.reshape(a.shape)


def _pade(x: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Even and odd terms of sum_j b_j X^j, b_j = (2m - j)! m! / ((2m)! (m - j)! j!)."""
    f = math.factorial
    b = [f(2 * m - j) * f(m) / (f(2 * m) * f(m - j) * f(j)) for j in range(m + 1)]
    one = np.eye(x.shape[-1], dtype=x.dtype)
    x2 = matmul(x, x)
    x4 = matmul(x2, x2)
    x6 = matmul(x4, x2)
    even = b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
    odd = b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one
    if m == 13:
        even += matmul(x6, b[12] * x6 + b[10] * x4 + b[8] * x2)
        odd += matmul(x6, b[13] * x6 + b[11] * x4 + b[9] * x2)
    return even, matmul(x, odd)
