"""Orthogonal polynomials. PyTorch, and so Penlight, has no derivatives of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.kernels.polynomials import polynomial
from penlight.ops.special import real_pair

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v",
    "chebyshev_polynomial_w", "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l",
    "legendre_polynomial_p", "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w",
]  # fmt: skip


def _evaluated(name: str, family: str, x: Any, n: Any, shifted: bool = False) -> Tensor:
    """p_n(x), or p_n(2 x - 1), elementwise, without a gradient.

    Degrees are cut to integers; below 0 the value is 0.
    """
    pair = real_pair(name, x, n, halves=False)
    points, degrees = (a._array if isinstance(a, TensorBase) else a for a in pair)
    at = np.asarray(points, np.float64)
    values = polynomial(family, 2 * at - 1 if shifted else at, degrees)
    return wrap(TensorBase._result_type, values.astype(np.result_type(points, degrees)))


def chebyshev_polynomial_t(x: Any, n: Any) -> Tensor:
    """Chebyshev's polynomial of the first kind: T_n(cos t) = cos n t."""
    return _evaluated("chebyshev_polynomial_t", "chebyshev_t", x, n)


def chebyshev_polynomial_u(x: Any, n: Any) -> Tensor:
    """Chebyshev's polynomial of the second kind: U_n(cos t) = sin (n + 1) t / sin t."""
    return _evaluated("chebyshev_polynomial_u", "chebyshev_u", x, n)


def chebyshev_polynomial_v(x: Any, n: Any) -> Tensor:
    """Chebyshev's polynomial of the third kind: V_n(cos t) = cos (n + 1/2) t / cos t/2."""
    return _evaluated("chebyshev_polynomial_v", "chebyshev_v", x, n)


def chebyshev_polynomial_w(x: Any, n: Any) -> Tensor:
    """Chebyshev's polynomial of the fourth kind: W_n(cos t) = sin (n + 1/2) t / sin t/2."""
    return _evaluated("chebyshev_polynomial_w", "chebyshev_w", x, n)


def shifted_chebyshev_polynomial_t(x: Any, n: Any) -> Tensor:
    """T_n(2 x - 1), orthogonal on [0, 1]: see :func:`chebyshev_polynomial_t`."""
    return _evaluated("shifted_chebyshev_polynomial_t", "chebyshev_t", x, n, shifted=True)


def shifted_chebyshev_polynomial_u(x: Any, n: Any) -> Tensor:
    """U_n(2 x - 1), orthogonal on [0, 1]: see :func:`chebyshev_polynomial_u`."""
    return _evaluated("shifted_chebyshev_polynomial_u", "chebyshev_u", x, n, shifted=True)


def shifted_chebyshev_polynomial_v(x: Any, n: Any) -> Tensor:
    """V_n(2 x - 1), orthogonal on [0, 1]: see :func:`chebyshev_polynomial_v`."""
    return _evaluated("shifted_chebyshev_polynomial_v", "chebyshev_v", x, n, shifted=True)


def shifted_chebyshev_polynomial_w(x: Any, n: Any) -> Tensor:
    """W_n(2 x - 1), orthogonal on [0, 1]: see :func:`chebyshev_polynomial_w`."""
    return _evaluated("shifted_chebyshev_polynomial_w", "chebyshev_w", x, n, shifted=True)


def hermite_polynomial_h(x: Any, n: Any) -> Tensor:
    """The physicists' Hermite polynomial: H_(n + 1) = 2 x H_n - 2 n H_(n - 1)."""
    return _evaluated("hermite_polynomial_h", "hermite_h", x, n)


def hermite_polynomial_he(x: Any, n: Any) -> Tensor:
    """The probabilists' Hermite polynomial: He_(n + 1) = x He_n - n He_(n - 1)."""
    return _evaluated("hermite_polynomial_he", "hermite_he", x, n)


def laguerre_polynomial_l(x: Any, n: Any) -> Tensor:
    """Laguerre's polynomial: (n + 1) L_(n + 1) = (2 n + 1 - x) L_n - n L_(n - 1)."""
    return _evaluated("laguerre_polynomial_l", "laguerre", x, n)


def legendre_polynomial_p(x: Any, n: Any) -> Tensor:
    """Legendre's polynomial: (n + 1) P_(n + 1) = (2 n + 1) x P_n - n P_(n - 1)."""
    return _evaluated("legendre_polynomial_p", "legendre", x, n)
