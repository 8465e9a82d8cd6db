"""Factorizations into triangles: Cholesky, Q R, P L U."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight._core.errors import LinAlgError
from penlight.autograd.op import Op
from penlight.kernels import factorization as kernels
from penlight.kernels.stacks import over_stack
from penlight.ops.joining import cat
from penlight.ops.matrices import (
    adjoint,
    as_matrices,
    as_tensor,
    batch_element,
    check_equation,
    eye,
    fails_at,
    matmul,
    same_dtype,
)
from penlight.ops.scatter import take_along_dim
from penlight.ops.solving import SolveTriangular, over_triangular
from penlight.ops.triangles import tril, triu

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "cholesky", "cholesky_ex", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "lu_unpack", "qr",
]  # fmt: skip


def _half_diagonal(x: Any) -> np.ndarray:
    """Ones with 1/2 on the diagonal."""
    return 1 - np.eye(x.shape[-1], dtype=x.dtype if type(x) is np.ndarray else x._array.dtype) / 2


# -- Cholesky --------------------------------------------------------------------------------


class Cholesky(Op):
    """A = L L^H, from A's lower triangle.

    L^-1 A' L^-H = L^-1 L' + its adjoint, so that L' = L phi(L^-1 A' L^-H), where phi takes the lower
    triangle with half the diagonal. Hence dA = L^-H phi(L^H dL) L^-1, made Hermitian.

    Source: Murray, "Differentiation of the Cholesky Decomposition", 2016.
    """

    label, materialize = "LinalgCholeskyExBackward0", False

    @staticmethod
    def forward(ctx: Any, a: np.ndarray) -> Any:
        y, info = over_stack(kernels.cholesky, 0.5, a)
        ctx.save(y)
        return y, info

    @staticmethod
    def backward(ctx: Any, dy: Any, _: Any) -> Any:
        if dy is None:
            return None
        (y,) = ctx.saved
        h = adjoint(y)
        inner = np.tril(matmul(h, dy)) * _half_diagonal(y)
        half = SolveTriangular.apply(h, inner, True)
        da = over_triangular(half, h, True)
        return (da + adjoint(da)) / 2


def cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """As :func:`cholesky`, with an int32 for each matrix: 0, or the order of the first leading minor
    that is not positive; the factor is then not to be used."""
    A: Any = as_matrices("linalg.cholesky", input, square=True)
    factor, info = Cholesky.apply(A.mH if upper else A)
    if check_errors and info._array.any():
        raise _not_positive("linalg.cholesky_ex", info._array)
    return return_types.linalg_cholesky_ex(factor.mH if upper else factor, info)


def _not_positive(name: str, info: np.ndarray) -> LinAlgError:
    return LinAlgError(
        f"{name}: {batch_element(info)}The factorization could not be completed because the input is "
        f"not positive-definite (the leading minor of order {fails_at(info)} is not positive-definite)."
    )


def cholesky(input: Tensor, *, upper: bool = False) -> Tensor:
    """L with A = L L^H, or U with A = U^H U, of Hermitian positive-definite matrices.

    Only the lower (``upper``: upper) triangle of A is read; the gradient is Hermitian.

    Raises:
        LinAlgError: if a matrix is not positive-definite.
    """
    factor, info = cholesky_ex(input, upper=upper)
    if info._array.any():
        raise _not_positive("linalg.cholesky", info._array)
    return factor


# -- Q R -------------------------------------------------------------------------------------


class QR(Op):
    """A = Q R with Q^H Q = I and R upper triangular, for matrices with at least as many rows as columns.

    dA = (dQ + Q M) R^-H, where M is Hermitian, with the upper triangle of dR R^H - Q^H dQ.

    Source: Walter & Lehmann, "Algorithmic Differentiation of Linear Algebra Functions", 2010.
    """

    label, materialize = "LinalgQrBackward0", False

    @staticmethod
    def forward(ctx: Any, a: np.ndarray, mode: str) -> Any:
        ctx.mode, ctx.square = mode, a.shape[-1] == a.shape[-2]
        if mode == "r":
            return np.zeros(0, a.dtype), np.linalg.qr(a, "r")
        q, r = over_stack(functools.partial(np.linalg.qr, mode=mode), 4, a)
        ctx.save(q, r)
        return q, r

    @staticmethod
    def backward(ctx: Any, dq: Any, dr: Any) -> Any:
        if ctx.mode == "r":
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please "
                "use linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
            )
        if ctx.mode == "complete" and not ctx.square:
            raise RuntimeError(
                "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
            )
        q, r = ctx.saved
        if dq is None and dr is None:
            return None
        m = 0 if dr is None else matmul(dr, adjoint(r))
        if dq is not None:
            m = m - matmul(adjoint(q), dq)
        m = np.triu(m)
        m = (m + adjoint(m)) * _half_diagonal(r)
        sum = matmul(q, m) if dq is None else dq + matmul(q, m)
        return over_triangular(sum, r, True)


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """Q with orthonormal columns and upper triangular R, so that A = Q R.

    Args:
        mode: ``"reduced"``: Q (..., m, k), R (..., k, n) with k = min(m, n); ``"complete"``: Q
            (..., m, m), R (..., m, n); ``"r"``: R alone, Q is empty.

    The gradient exists where the first k columns are independent, not for ``"r"``, and for
    ``"complete"`` only if there are no more rows than columns.
    """
    as_matrices("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or "
            "'complete'"
        )
    m, n = A._array.shape[-2:]
    if m >= n or mode == "r":
        return return_types.linalg_qr(*QR.apply(A, mode))
    # the first columns decide Q, which then turns the others
    q, r = QR.apply(A[..., :m], mode)
    return return_types.linalg_qr(q, cat([r, q.mH.matmul(A[..., m:])], -1))


# -- P L U -----------------------------------------------------------------------------------


class LU(Op):
    """P^T A = L U, packed: L below its diagonal of ones, U on and above.

    For square matrices L^-1 P^T A' U^-1 = L^-1 L' + U' U^-1, a strictly lower and an upper triangle, so
    dA = P L^-H (tril(L^H dL) + triu(dU U^H)) U^-H. Further rows are L2 = A2 U^-1, further columns
    U2 = L^-1 A2, and give dA2 = dL2 U^-H, dU -= L2^H dA2 or dA2 = L^-H dU2, dL -= dA2 U2^H.

    Source: Walter & Lehmann, "Algorithmic Differentiation of Linear Algebra Functions", 2010.
    """

    label, materialize = "LinalgLuFactorExBackward0", False

    @staticmethod
    def forward(ctx: Any, a: np.ndarray) -> Any:
        packed, pivots = kernels.lu(a)
        order = kernels.permutation(pivots, a.shape[-2])
        ctx.save(packed, kernels.inverse_permutation(order)[..., None])
        return packed, pivots, kernels.first_zero(np.diagonal(packed, 0, -2, -1))

    @staticmethod
    def backward(ctx: Any, dy: Any, _: Any, __: Any) -> Any:
        if dy is None:
            return None
        packed, order = ctx.saved
        m, n = packed.shape[-2:]
        k = min(m, n)
        square = packed[..., :k, :k]
        lower, u = np.tril(square, -1) + eye(square), np.triu(square)
        dl, du = np.tril(dy[..., :k, :k], -1), np.triu(dy[..., :k, :k])
        lh = adjoint(lower)
        if m > k:
            more = over_triangular(dy[..., k:, :], u, True)
            du = du - matmul(adjoint(packed[..., k:, :]), more)
        if n > k:
            more = SolveTriangular.apply(lh, dy[..., k:], True, True)
            dl = dl - matmul(more, adjoint(packed[..., k:]))
        inner = np.tril(matmul(lh, dl), -1) + np.triu(matmul(du, adjoint(u)))
        da = over_triangular(SolveTriangular.apply(lh, inner, True, True), u, True)
        if m != n:
            da = np.concatenate([da, more], axis=-2 if m > k else -1)
        return np.take_along_axis(da, order, axis=-2)


def _pivoted(A: Any, pivot: bool) -> Any:
    as_matrices("linalg.lu_factor", A)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    return LU.apply(A)


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """As :func:`lu_factor`, with an int32 for each matrix: 0, or the number of U's first zero."""
    packed, pivots, info = _pivoted(A, pivot)
    if check_errors:
        _refuse_zero("torch.linalg.lu_factor_ex", info)
    return return_types.linalg_lu_factor_ex(packed, pivots, info)


def _refuse_zero(name: str, info: Any) -> None:
    if info._array.any():
        i = fails_at(info._array)
        raise RuntimeError(
            f"{name}: {batch_element(info._array)}U[{i},{i}] is zero and using it on lu_solve would "
            "result in a division by zero. If you still want to perform the factorization, consider "
            "calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )


def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """The factors of A = P L U in one (..., m, n): L below its diagonal of ones, U on and above.

    Returns:
        ``LU`` and ``pivots``, int32 (..., min(m, n)): the row (from 1) that each was interchanged with.

    Raises:
        RuntimeError: if U has a zero on its diagonal.
    """
    packed, pivots, info = _pivoted(A, pivot)
    _refuse_zero("torch.linalg.lu_factor", info)
    return return_types.linalg_lu_factor(packed, pivots)


def lu(A: Tensor, *, pivot: bool = True) -> Any:
    """A = P L U: a permutation, a unit lower and an upper triangle (trapezium for other than square A)."""
    packed, pivots, _ = _pivoted(A, pivot)
    return return_types.linalg_lu(*lu_unpack(packed, pivots))


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> Any:
    """P, L and U from what :func:`penlight.linalg.lu_factor` returns; empty where not wanted."""
    as_matrices("lu_unpack", LU_data, which="LU_data")
    x, p = LU_data._array, LU_pivots._array
    m, n = x.shape[-2:]
    none: Any = as_tensor(np.zeros(0, x.dtype))
    P = L = U = none
    if unpack_pivots:
        order = _order_of("torch.lu_unpack: LU_pivots", p, m)
        P = as_tensor(np.swapaxes(np.eye(m, dtype=x.dtype)[order], -1, -2))
    if unpack_data:
        k = min(m, n)
        lower: Any = LU_data[..., :k]
        L, U = tril(lower, -1) + np.eye(m, k, dtype=x.dtype), triu(LU_data[..., :k, :])
    return return_types.lu_unpack(P, L, U)


def _order_of(name: str, pivots: np.ndarray, m: int) -> np.ndarray:
    if pivots.dtype != np.int32:
        raise RuntimeError(
            f"{name} should be a Tensor of dtype torch.int32, as linalg.lu_factor returns, got "
            f"{pivots.dtype}"
        )
    if pivots.size and not (pivots.min() >= 1 and pivots.max() <= m):
        raise RuntimeError(f"{name} must be between 1 and LU.size(-2) (={m}) inclusive")
    return kernels.permutation(pivots, m)


def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """X with A X = B (``left=False``: X A = B) from :func:`lu_factor` of A; ``adjoint``: with A^H for A."""
    name = "linalg.lu_solve"
    as_matrices(name, LU, square=True, which="LU")
    as_matrices(name, B, which="B")
    same_dtype(name, LU=LU, B=B)
    check_equation(name, LU, B, left)
    n = LU._array.shape[-1]
    if pivots._array.shape != LU._array.shape[:-1]:
        raise RuntimeError(
            f"{name}: pivots should have LU's shape {list(LU._array.shape[:-1])} without the last "
            f"dimension, got {list(pivots._array.shape)}"
        )
    order = _order_of(f"{name}: pivots", pivots._array, n)
    if not left:
        return _lu_solved(LU, order, B.mH, not adjoint).mH
    return _lu_solved(LU, order, B, adjoint)


def _lu_solved(packed: Tensor, order: np.ndarray, b: Tensor, of_adjoint: bool) -> Tensor:
    """U^-1 L^-1 P^T B, or P L^-H U^-H B."""
    if of_adjoint:
        h = packed.mH
        half = SolveTriangular.apply(h, b, False)
        x = SolveTriangular.apply(h, half, True, True)
        return reordered(x, kernels.inverse_permutation(order))
    half = SolveTriangular.apply(packed, reordered(b, order), False, True)
    return SolveTriangular.apply(packed, half, True)


def reordered(x: Tensor, order: np.ndarray) -> Tensor:
    """The rows of matrices (..., n, k) in an order (..., n), whose leading sizes broadcast with theirs."""
    lead = np.broadcast_shapes(x._array.shape[:-2], order.shape[:-1])
    index = np.broadcast_to(order[..., None], (*lead, order.shape[-1], 1))
    return take_along_dim(x.expand(*lead, *x._array.shape[-2:]), as_tensor(index), -2)
