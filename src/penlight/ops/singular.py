"""Singular values, and what is computed from them: pseudo-inverse, rank, least squares."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight._core.errors import LinAlgError
from penlight.autograd.grad_mode import mode
from penlight.autograd.op import Op
from penlight.kernels.stacks import over_stack
from penlight.kernels.triangular import solve_triangular
from penlight.ops.eigen import Eigh, differences, eigvalsh
from penlight.ops.matrices import (
    adjoint,
    as_matrices,
    as_tensor,
    is_vector,
    matmul,
    raise_unless_finite,
    raw,
    refuse_gauge,
)
from penlight.ops.strides import Diagonal

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["lstsq", "matrix_rank", "pinv", "pinverse", "svd", "svdvals"]


class SVD(Op):
    """A = U diag(s) V^H, with orthonormal columns of U and V and s descending; V^H is returned.

    With skew(X) = X - X^H and E_ij = s_j^2 - s_i^2,
    dA = U ((skew(U^H dU) / E) S + S (skew(V^H dV) / E) + diag(ds)) V^H, and for tall (wide) matrices
    the part of dU (dV) outside U's (V's) columns, (I - U U^H) dU S^-1 V^H. For complex matrices
    the diagonal gains i Im(U^H dU)_jj / s_j.

    Source: Townsend, "Differentiating the Singular Value Decomposition", 2016; Wan & Zhang, "Automatic
    Differentiation for Complex Valued SVD", 2019.
    """

    label, materialize = "LinalgSvdBackward0", False

    @staticmethod
    def forward(ctx: Any, a: np.ndarray, full_matrices: bool) -> Any:
        u, s, vh = _decomposed(a, full_matrices)
        ctx.save(u, s, vh)
        ctx.k = s.shape[-1]
        return u, s, vh

    @staticmethod
    def backward(ctx: Any, du: Any, ds: Any, dvh: Any) -> Any:
        u, s, vh = ctx.saved
        k = ctx.k
        u, vh = u[..., :k], vh[..., :k, :]
        du = None if du is None else du[..., :k]
        dv = None if dvh is None else adjoint(dvh[..., :k, :])
        if du is None and dv is None:
            return None if ds is None else matmul(u * ds[..., None, :], vh)
        uh, v = adjoint(u), adjoint(vh)
        row, column = s[..., None, :], s[..., :, None]
        e = differences(s) * (row + column)
        inner_u = None if du is None else matmul(uh, du)
        inner_v = None if dv is None else matmul(vh, dv)
        inner = _middle(inner_u, inner_v, e, row, column)
        one = np.eye(k, dtype=bool)
        diagonal = 0 if ds is None else ds[..., None, :]
        if raw(vh).dtype.kind == "c":
            diagonal = diagonal + _phases(inner_u, inner_v)[..., None, :] * 1j / row
        da = matmul(u, matmul(np.where(one, diagonal, inner), vh))
        if du is not None and u.shape[-2] > k:
            da = da + matmul((du - matmul(u, inner_u)) / row, vh)
        if dv is not None and vh.shape[-1] > k:
            da = da + matmul(u, adjoint((dv - matmul(v, inner_v)) / row))
        return da


def _middle(inner_u: Any, inner_v: Any, e: Any, row: Any, column: Any) -> Any:
    """skew(U^H dU) / E S + S skew(V^H dV) / E."""
    parts = []
    if inner_u is not None:
        parts.append((inner_u - adjoint(inner_u)) / e * row)
    if inner_v is not None:
        parts.append(column * ((inner_v - adjoint(inner_v)) / e))
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _phases(inner_u: Any, inner_v: Any) -> Any:
    """Im(U^H dU)_jj, which a loss that ignores common phases of U and V makes -Im(V^H dV)_jj."""
    turns = [
        None if x is None else np.imag(Diagonal.apply(x, 0, -2, -1)) for x in (inner_u, inner_v)
    ]
    of_u, of_v = (0 if x is None else x for x in turns)
    refuse_gauge("svd_backward", of_u + of_v, "singular vectors")
    return (of_u - of_v) / 2


def _decomposed(a: np.ndarray, full_matrices: bool) -> Any:
    raise_unless_finite("linalg.svd", a)
    try:
        return over_stack(functools.partial(np.linalg.svd, full_matrices=full_matrices), 20, a)
    except np.linalg.LinAlgError:
        raise LinAlgError(
            "linalg.svd: The algorithm failed to converge because the input matrix is ill-conditioned "
            "or has too many repeated singular values."
        ) from None


def _refuse_driver(driver: Any) -> None:
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs, got "
            f"{driver!r}"
        )


def svd(A: Tensor, full_matrices: bool = True, *, driver: Any = None) -> Any:
    """A = U diag(S) Vh with S descending.

    Args:
        A: (..., m, n), k = min(m, n).
        full_matrices: U (..., m, m) and Vh (..., n, n), else (..., m, k) and (..., k, n). What is beyond
            the first k vectors is an arbitrary basis; its gradient is ignored.

    The gradient by the vectors exists where the singular values differ and (for other than square
    matrices) are not 0; for complex matrices the loss must not depend on the vectors' phases.

    Raises:
        LinAlgError: for infinite numbers and NaN.
    """
    _refuse_driver(driver)
    return return_types.linalg_svd(*SVD.apply(as_matrices("linalg.svd", A), full_matrices))


def svdvals(A: Tensor, *, driver: Any = None) -> Tensor:
    """The singular values, descending."""
    _refuse_driver(driver)
    as_matrices("linalg.svd", A)
    if mode.recording and A.requires_grad:
        return svd(A, False).S
    raise_unless_finite("linalg.svd", A._array)
    return as_tensor(np.linalg.svd(A._array, compute_uv=False))


# -- pseudo-inverse and rank -----------------------------------------------------------------


def _threshold(a: np.ndarray, sizes: np.ndarray, atol: Any, rtol: Any) -> np.ndarray:
    """max(atol, rtol * the largest), for each matrix; rtol's default is 0 beside an atol."""
    if rtol is None:
        none = np.finfo(a.dtype).eps * max(a.shape[-2:])
        rtol = none if atol is None else np.where(np.asarray(atol) > 0, 0, none)
    largest = sizes.max(-1, initial=0)
    limit = np.maximum(0 if atol is None else atol, np.multiply(rtol, largest))
    return np.asarray(limit).astype(sizes.dtype, copy=False)


def pinv_gradient(a: Any, p: Any, dp: Any) -> Any:
    """dA from dP for P = A^+: -P^H dP P^H + (I - A P) dP^H P P^H + P^H P dP^H (I - P A).

    Source: Golub & Pereyra, "The Differentiation of Pseudo-Inverses and Nonlinear Least Squares
    Problems Whose Variables Separate", 1973.
    """
    ph, dh = adjoint(p), adjoint(dp)
    left = matmul(dh, matmul(p, ph))
    right = matmul(matmul(ph, p), dh)
    da = left - matmul(a, matmul(p, left)) + right - matmul(matmul(right, p), a)
    return da - matmul(ph, matmul(dp, ph))


class Pinv(Op):
    """P = A^+ = V diag(1/s) U^H over the singular values above the threshold; :func:`pinv_gradient`."""

    label = "LinalgPinvBackward0"

    @staticmethod
    def forward(ctx: Any, a: np.ndarray, atol: Any, rtol: Any, hermitian: bool) -> Any:
        if hermitian:
            s, u = Eigh.apply(a, "L")
            vh, sizes = adjoint(u), np.abs(s)
        else:
            u, s, vh = _decomposed(a, False)
            sizes = s
        kept = sizes > _threshold(a, sizes, atol, rtol)[..., None]
        inverse = np.where(kept, 1 / np.where(kept, s, 1), 0)
        p = matmul(adjoint(vh) * inverse[..., None, :], adjoint(u))
        ctx.save(a, p)
        return p

    @staticmethod
    def backward(ctx: Any, dp: Any) -> Any:
        a, p = ctx.saved
        return pinv_gradient(a, p, dp)


def _tolerance(value: Any) -> Any:
    return value._array if hasattr(value, "_array") else value


def pinv(
    input: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Tensor:
    """The pseudo-inverses (..., n, m) of matrices (..., m, n), from singular values that are not small.

    Args:
        rcond: an older name of ``rtol``.
        hermitian: from eigenvalues, of the lower triangle.
        atol, rtol: numbers, or tensors with one for each matrix; singular values up to
            max(atol, rtol * the largest) count as 0. Default: rtol = eps * max(m, n) without atol.

    The gradient exists where the rank does not change.
    """
    as_matrices("linalg.pinv", input, square=hermitian, which="input")
    rtol = rcond if rtol is None else rtol
    return Pinv.apply(input, _tolerance(atol), _tolerance(rtol), hermitian)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """As :func:`penlight.linalg.pinv` with ``rtol=rcond``."""
    return pinv(input, rtol=rcond)


def matrix_rank(
    input: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    """The number of singular values above max(atol, rtol * the largest): int64, one for each matrix.

    Args:
        tol: an older name of ``atol``, with rtol = 0.
        hermitian: from the lower triangle's eigenvalues.
    """
    A: Any = as_matrices("torch.linalg.matrix_rank", input, square=hermitian, which="input")
    if tol is not None:
        atol, rtol = tol, 0.0
    a = A.detach()
    sizes = np.abs((eigvalsh(a) if hermitian else svdvals(a))._array)
    limit = _threshold(a._array, sizes, _tolerance(atol), _tolerance(rtol))
    return as_tensor((sizes > limit[..., None]).sum(-1))


# -- least squares ---------------------------------------------------------------------------


class Lstsq(Op):
    """X = A^+ B, the shortest of those with the least |A X - B|: dB = P^H dX, dA from dP = dX B^H.

    Full rank: A = Q R gives X = R^-1 Q^H B. Else from the singular values, of R for tall A.

    Returns:
        X, the rank and the singular values.
    """

    label, materialize = "LinalgLstsqBackward0", False

    @staticmethod
    def forward(ctx: Any, a: np.ndarray, b: np.ndarray, rcond: float, full_rank: bool) -> Any:
        m, n = a.shape[-2:]
        ctx.rcond = rcond
        rank, s = np.zeros(0, np.int64), np.zeros(0, a.real.dtype)
        if full_rank:
            x = _full_rank_solution(a, b)
        else:
            raise_unless_finite("linalg.lstsq", a)
            q, r = np.linalg.qr(a) if m > n else (None, a)
            u, s, vh = _decomposed(r, False)
            kept = s > (rcond * s.max(-1, initial=0, keepdims=True)).astype(s.dtype)
            inverse = np.where(kept, 1 / np.where(kept, s, 1), 0)
            rank = np.asarray(kept.sum(-1))
            turned = b if q is None else matmul(adjoint(q), b)
            x = matmul(adjoint(vh), inverse[..., :, None] * matmul(adjoint(u), turned))
        ctx.save(a, b)
        return x, rank, s

    @staticmethod
    def backward(ctx: Any, dx: Any, _: Any, __: Any) -> Any:
        if dx is None:
            return None, None
        a, b = ctx.saved
        p = Pinv.apply(a, None, ctx.rcond, False)
        da = pinv_gradient(a, p, matmul(dx, adjoint(b))) if ctx.edges[0] else None
        return da, matmul(adjoint(p), dx)


def _full_rank_solution(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    m, n = a.shape[-2:]
    if m >= n:
        q, r = np.linalg.qr(a)
        return solve_triangular(r, matmul(adjoint(q), b), True)
    q, r = np.linalg.qr(adjoint(a))
    return matmul(q, solve_triangular(adjoint(r), b, False))


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def _check_lstsq(input: Tensor, b: Tensor, driver: str) -> None:
    name = "torch.linalg.lstsq"
    as_matrices(name, input, which="input")
    x, y = input._array, b._array
    if y.ndim < 1 or not 0 <= x.ndim - y.ndim <= 1:
        raise RuntimeError(
            f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - "
            f"other.dim()) <= 1, got {x.ndim} and {y.ndim}"
        )
    if x.dtype != y.dtype:
        raise RuntimeError(
            f"{name}: Expected input and other to have the same dtype, but got input's dtype "
            f"{input.dtype} and other's dtype {b.dtype}"
        )
    rows = y.shape[-1 if is_vector(x, y) else -2]
    if rows != x.shape[-2]:
        raise RuntimeError(
            f"{name}: input.size(-2) should match other.size(-2), got {x.shape[-2]} and {rows}"
        )
    if driver not in _DRIVERS:
        raise RuntimeError(
            f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got {driver!r}"
        )


def lstsq(
    input: Tensor, b: Tensor, rcond: float | None = None, *, driver: str | None = None
) -> Any:
    """X with the least |A X - B|, the shortest where there are several.

    Args:
        input: A, (..., m, n).
        b: B, (..., m, k), or vectors (m,), (..., m).
        rcond: singular values up to rcond * the largest count as 0. Default: eps * max(m, n).
        driver: LAPACK's names: ``"gels"`` takes A to have full rank, without a check; ``"gelsy"`` (the
            default), ``"gelsd"`` and ``"gelss"`` don't.

    Returns:
        ``solution``; ``residuals``, the squares of |A X - B| for each column where m > n and the rank is
        full, else empty (and for gelsy); ``rank`` (not for gels); ``singular_values`` (for gelsd, gelss).

    Raises:
        LinAlgError: for infinite numbers and NaN.
    """
    driver = "gelsy" if driver is None else driver
    _check_lstsq(input, b, driver)
    m, n = input._array.shape[-2:]
    vector = is_vector(input._array, b._array)
    B = b.unsqueeze(-1) if vector else b
    limit = float(np.finfo(input._array.dtype).eps) * max(m, n) if rcond is None else float(rcond)
    x, rank, s = Lstsq.apply(input, B, limit, driver == "gels")
    none: Any = as_tensor(np.zeros(0, s._array.dtype))
    residuals = none
    if driver != "gelsy" and m > n and bool((rank._array == n).all()):
        error = (input.matmul(x) - B).abs()
        residuals = (error * error).sum(-2)
    values = s if driver in ("gelsd", "gelss") else none
    return return_types.linalg_lstsq(x.squeeze(-1) if vector else x, residuals, rank, values)
