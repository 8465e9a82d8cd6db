"""Determinants and their logarithms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight.autograd.op import Op
from penlight.ops.complex import conjugate
from penlight.ops.exponential import log
from penlight.ops.matrices import adjoint, as_matrices, eye, matmul, raw
from penlight.ops.selection import where
from penlight.ops.solving import Inv

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["det", "logdet", "slogdet"]


def _spread(x: Any) -> Any:
    """A number for each matrix, to be multiplied with the matrices."""
    return x.reshape((*x.shape, 1, 1))


class Det(Op):
    """y = det A; dA = dy conj(C), where C are the cofactors: det(A) A^-T (Jacobi's formula).

    Cofactors are polynomials, so that the gradient of a singular matrix exists too: from A = U S V^H
    they are det(U V^H) conj(U) diag(the product of the other singular values) V^T. For a second
    derivative they are computed by Faddeev and LeVerrier's recursion, which takes products alone.

    Source: Gantmacher, "The Theory of Matrices", volume 1, chapter IV, 1959.
    """

    label = "LinalgDetBackward0"

    @staticmethod
    def forward(ctx: Any, a: np.ndarray) -> Any:
        y = np.linalg.det(a)
        ctx.save(a, y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, y = ctx.saved
        singular = np.asarray(raw(y) == 0)[..., None, None]
        safe = np.where(singular, eye(a), a) if singular.any() else a
        inverse, _ = Inv.apply(safe)
        cofactors = adjoint(inverse) * conjugate(_spread(y))
        if singular.any():
            others = _cofactors if type(a) is np.ndarray else _adjugate_by_products
            cofactors = np.where(singular, adjoint(others(a)), cofactors)
        return _spread(dy) * cofactors


def _cofactors(a: np.ndarray) -> np.ndarray:
    """The transposed cofactors (the adjugate) from singular values: accurate."""
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    rest = np.broadcast_to(s[..., None, :], (*s.shape, n))
    others = np.where(np.eye(n, dtype=bool), 1, rest).prod(-1).astype(s.dtype, copy=False)
    phase = np.linalg.det(matmul(u, vh))
    return _spread(phase) * matmul(adjoint(vh) * others[..., None, :], adjoint(u))


def _adjugate_by_products(a: Any) -> Any:
    """M <- A M - tr(A M) / k I, from M = I, n - 1 times: (-1)^(n-1) times the adjugate."""
    one, n = eye(a), a.shape[-1]
    m = one + a * 0
    for k in range(1, n):
        product = matmul(a, m)
        trace = np.sum(np.where(np.eye(n, dtype=bool), product, 0), axis=(-2, -1))
        m = product - _spread(trace) * one / k
    return m if n % 2 else -m


def det(A: Tensor) -> Tensor:
    """The determinants of square matrices."""
    return Det.apply(as_matrices("linalg.det", A, square=True))


class SlogDet(Op):
    """s e^l = det A with |s| = 1. (l + i arg s)' = tr(A^-1 A'), so dA = (dl + i Im(conj(s) ds)) A^-H."""

    label, materialize = "LinalgSlogdetBackward0", False

    @staticmethod
    def forward(ctx: Any, a: np.ndarray) -> Any:
        s, logarithm = np.linalg.slogdet(a)
        s = np.asarray(np.where(np.isnan(logarithm), 0, s) if a.dtype.kind == "f" else s, a.dtype)
        ctx.save(a, s)
        return s, logarithm

    @staticmethod
    def backward(ctx: Any, ds: Any, dl: Any) -> Any:
        a, s = ctx.saved
        factor = dl
        if s.dtype.kind == "c" and ds is not None:
            turn = np.imag(conjugate(s) * ds) * 1j
            factor = turn if dl is None else dl + turn
        if factor is None:
            return None
        inverse, _ = Inv.apply(a)  # NaN where A is singular
        return _spread(factor) * adjoint(inverse)


def _slogdet(name: str, A: Tensor) -> Any:
    return SlogDet.apply(as_matrices(name, A, square=True))


def slogdet(A: Tensor) -> Any:
    """Sign (for complex matrices phase) and logarithm of the absolute value of the determinants.

    Singular matrices give 0 and -inf; their gradient is NaN.
    """
    return return_types.linalg_slogdet(*_slogdet("linalg.slogdet", A))


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinants: NaN below 0, -inf at 0."""
    s, logarithm = _slogdet("logdet", input)
    if s._array.dtype.kind == "c":
        return log(s) + logarithm
    return where(s == -1, math.nan, logarithm)
