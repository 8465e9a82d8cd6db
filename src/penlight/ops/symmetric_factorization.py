"""Factorizations of symmetric matrices that need not be positive: L D L^T."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight.autograd.op import Op
from penlight.kernels import factorization as kernels
from penlight.ops.factorization import reordered
from penlight.ops.matrices import (
    as_matrices,
    as_tensor,
    batch_element,
    check_equation,
    fails_at,
    same_dtype,
)
from penlight.ops.solving import Solve, SolveTriangular

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["ldl_factor", "ldl_factor_ex", "ldl_solve"]


class LDL(Op):
    """A = P L D L^H P^T, packed; PyTorch has no derivative, nor is there one here."""

    label, materialize = "NotImplemented", False

    @staticmethod
    def forward(ctx: Any, a: np.ndarray, hermitian: bool) -> Any:
        return kernels.ldl(a, hermitian)

    @staticmethod
    def backward(ctx: Any, *dy: Any) -> Any:
        raise RuntimeError(
            "derivative for linalg.ldl_factor_ex is not implemented; linalg.cholesky, linalg.lu and "
            "linalg.solve have one"
        )


def ldl_factor_ex(input: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> Any:
    """As :func:`ldl_factor`, with an int32 for each matrix: 0, or the number of D's first zero."""
    name = "torch.linalg.ldl_factor_ex"
    packed, pivots, info = LDL.apply(as_matrices(name, input, square=True), hermitian)
    if check_errors:
        _refuse_zero_block(name, info)
    return return_types.linalg_ldl_factor_ex(packed, pivots, info)


def _refuse_zero_block(name: str, info: Any) -> None:
    if info._array.any():
        i = fails_at(info._array)
        raise RuntimeError(
            f"{name}: {batch_element(info._array)}D[{i},{i}] is zero: the matrix is singular"
        )


def ldl_factor(input: Tensor, *, hermitian: bool = False) -> Any:
    """Symmetric matrices as P L D L^T P^T, in one: L below its diagonal of ones, and the blocks of D.

    Args:
        input: (..., n, n), of which the lower triangle is read.
        hermitian: take complex matrices for Hermitian, with L^H.

    Returns:
        ``LD`` and ``pivots``, int32 (..., n): see :func:`penlight.kernels.factorization.ldl`.

    Raises:
        RuntimeError: if a matrix is singular.
    """
    packed, pivots, info = ldl_factor_ex(input, hermitian=hermitian)
    _refuse_zero_block("torch.linalg.ldl_factor", info)
    return return_types.linalg_ldl_factor(packed, pivots)


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """X with A X = B from :func:`ldl_factor` of A; differentiable by B.

    Raises:
        RuntimeError: if LD requires a gradient, among the usual.
    """
    name = "torch.linalg.ldl_solve"
    as_matrices(name, LD, square=True, which="LD")
    if B._array.ndim < 2:
        raise IndexError(f"{name}: B must have at least 2 dimensions, got {B._array.ndim}")
    as_matrices(name, B, which="B")
    same_dtype(name, B=B, LD=LD)
    check_equation(name, LD, B)
    if pivots._array.shape != LD._array.shape[:-1]:
        raise RuntimeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots._array.shape)} instead"
        )
    if LD.requires_grad:
        raise RuntimeError(f"{name}: there is no derivative by LD; pass LD.detach()")
    order, lower, blocks = kernels.ldl_parts(LD._array, pivots._array, hermitian)
    L = as_tensor(lower)
    half = SolveTriangular.apply(L, reordered(B, order), False, True)
    middle, _ = Solve.apply(as_tensor(blocks), half)
    x = SolveTriangular.apply(L.mH if hermitian else L.mT, middle, True, True)
    return reordered(x, kernels.inverse_permutation(order))
