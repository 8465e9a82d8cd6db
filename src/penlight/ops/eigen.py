"""Eigenvalues and eigenvectors."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight._core.errors import LinAlgError
from penlight.autograd.grad_mode import mode
from penlight.autograd.op import Op
from penlight.kernels.stacks import over_stack
from penlight.ops.complex import conjugate
from penlight.ops.matrices import (
    adjoint,
    as_matrices,
    as_tensor,
    matmul,
    raise_unless_finite,
    refuse_gauge,
)
from penlight.ops.solving import Solve
from penlight.ops.strides import Diagonal

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["eig", "eigh", "eigvals", "eigvalsh"]


def differences(w: Any) -> Any:
    """w_j - w_i, and 1 on the diagonal."""
    return np.where(np.eye(w.shape[-1], dtype=bool), 1, w[..., None, :] - w[..., :, None])


def _with_diagonal(d: Any, x: Any) -> Any:
    """x with the diagonal d, which may be None for zeros."""
    return np.where(np.eye(x.shape[-1], dtype=bool), 0 if d is None else d[..., None, :], x)


def _differentiable(x: Tensor) -> bool:
    return mode.recording and x.requires_grad


class Eigh(Op):
    """A = V diag(w) V^H for Hermitian A.

    V^H A' V = diag(w') + (V^H V') o E with E_ij = w_j - w_i, and V^H V' is skew-Hermitian, so
    dA = V (diag(dw) + skew(V^H dV) / E) V^H with skew(X) = (X - X^H) / 2.
    """

    label, materialize = "LinalgEighBackward0", False

    @staticmethod
    def forward(ctx: Any, a: np.ndarray, uplo: Any) -> Any:
        raise_unless_finite("linalg.eigh", a)
        try:
            w, v = over_stack(functools.partial(np.linalg.eigh, UPLO=uplo), 10, a)
        except np.linalg.LinAlgError:
            raise _no_convergence("linalg.eigh") from None
        ctx.save(w, v)
        return w, v

    @staticmethod
    def backward(ctx: Any, dw: Any, dv: Any) -> Any:
        w, v = ctx.saved
        vh = adjoint(v)
        if dv is None:
            return None if dw is None else matmul(v * dw[..., None, :], vh)
        inner = matmul(vh, dv)
        if inner.dtype.kind == "c":
            phases = np.imag(Diagonal.apply(inner, 0, -2, -1))
            refuse_gauge("linalg_eigh_backward", phases, "eigenvectors")
        inner = (inner - adjoint(inner)) / 2
        return matmul(v, matmul(_with_diagonal(dw, inner / differences(w)), vh))


def _no_convergence(name: str) -> LinAlgError:
    return LinAlgError(
        f"{name}: The algorithm failed to converge because the input matrix is ill-conditioned or has "
        "too many repeated eigenvalues."
    )


def _hermitian(A: Any, UPLO: str) -> Any:
    as_matrices("linalg.eigh", A, square=True)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return A


def eigh(input: Tensor, UPLO: str = "L") -> Any:
    """Eigenvalues, ascending, and orthonormal eigenvectors (columns) of Hermitian matrices.

    Args:
        input: (..., n, n), of which the lower (``UPLO="U"``: upper) triangle is read.

    The gradient by the vectors exists where the eigenvalues differ; for complex matrices the loss must
    not depend on the vectors' phases.

    Raises:
        LinAlgError: for infinite numbers and NaN.
    """
    return return_types.linalg_eigh(*Eigh.apply(_hermitian(input, UPLO), UPLO.upper()))


def eigvalsh(input: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of Hermitian matrices, ascending."""
    A = _hermitian(input, UPLO)
    if _differentiable(A):
        return eigh(A, UPLO).eigenvalues
    raise_unless_finite("linalg.eigh", A._array)
    w = np.linalg.eigvalsh(A._array, UPLO.upper())  # type: ignore[call-overload]
    return as_tensor(w)


class Eig(Op):
    """A V = V diag(w), each column of V of length 1.

    V^-1 A' V = diag(w') + (V^-1 V') o E with E_ij = w_j - w_i, and V' keeps the lengths, so
    dA = V^-H (diag(dw) + (V^H dV - V^H V diag(Re(V^H dV))) / conj(E)) V^H.
    """

    label, materialize = "LinalgEigBackward0", False

    @staticmethod
    def forward(ctx: Any, a: np.ndarray) -> Any:
        w, v = _decomposed(a)
        ctx.save(w, v)
        return w, v

    @staticmethod
    def backward(ctx: Any, dw: Any, dv: Any) -> Any:
        w, v = ctx.saved
        vh = adjoint(v)
        if dv is None:
            if dw is None:
                return None
            da, _ = Solve.apply(vh, dw[..., :, None] * vh)
            return da
        inner = matmul(vh, dv)
        diagonal = Diagonal.apply(inner, 0, -2, -1)
        refuse_gauge("linalg_eig_backward", np.imag(diagonal), "eigenvectors")
        inner = inner - matmul(vh, v) * np.real(diagonal)[..., None, :]
        inner = _with_diagonal(dw, inner / conjugate(differences(w)))
        da, _ = Solve.apply(vh, matmul(inner, vh))
        return da


def _decomposed(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _refuse_infinite("eig", a)
    try:
        w, v = over_stack(np.linalg.eig, 25, a)
    except np.linalg.LinAlgError:
        raise _no_convergence("linalg.eig") from None
    kind = np.result_type(a.dtype, np.complex64)
    return w.astype(kind, copy=False), v.astype(kind, copy=False)


def _refuse_infinite(name: str, a: np.ndarray) -> None:
    if not np.isfinite(a).all():
        raise RuntimeError(f"torch.linalg.{name}: input tensor should not contain infs or NaNs.")


def eig(input: Tensor) -> Any:
    """Eigenvalues, in no order, and eigenvectors (columns of length 1), both complex.

    The gradient by the vectors exists where the eigenvalues differ, for losses that don't depend on the
    vectors' phases.
    """
    return return_types.linalg_eig(*Eig.apply(as_matrices("linalg.eig", input, square=True)))


def eigvals(input: Tensor) -> Tensor:
    """The eigenvalues of square matrices, complex, in no order."""
    A: Any = as_matrices("linalg.eigvals", input, square=True)
    if _differentiable(A):
        return eig(A).eigenvalues
    _refuse_infinite("eigvals", A._array)
    w = np.linalg.eigvals(A._array)
    return as_tensor(w.astype(np.result_type(w.dtype, np.complex64), copy=False))
