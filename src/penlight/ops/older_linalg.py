"""Linear algebra under the names it had before ``linalg``, some with other arguments and results.

Those that PyTorch calls deprecated warn so, once.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight._core.errors import broadcast_error
from penlight.ops import determinant, factorization, singular, solving
from penlight.ops.matrices import as_matrices, as_tensor, same_dtype

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["cholesky", "det", "lu", "lu_solve", "qr", "slogdet", "svd", "triangular_solve"]

_warned: set[str] = set()


def _deprecated(name: str, instead: str) -> None:
    if name not in _warned:
        _warned.add(name)
        warnings.warn(
            f"torch.{name} is deprecated in favor of torch.linalg.{instead} and will be removed in a "
            "future PyTorch release.",
            UserWarning,
            stacklevel=3,
        )


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """As :func:`penlight.linalg.cholesky`."""
    _deprecated("cholesky", "cholesky")
    return factorization.cholesky(input, upper=upper)


def det(input: Tensor) -> Tensor:
    """As :func:`penlight.linalg.det`."""
    return determinant.det(input)


def slogdet(input: Tensor) -> Any:
    """As :func:`penlight.linalg.slogdet`."""
    return return_types.slogdet(*determinant.slogdet(input))


def qr(input: Tensor, some: bool = True) -> Any:
    """As :func:`penlight.linalg.qr`, in mode ``"reduced"`` or (``some=False``) ``"complete"``."""
    _deprecated("qr", "qr")
    return return_types.qr(*factorization.qr(input, "reduced" if some else "complete"))


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """As :func:`penlight.linalg.svd` with ``full_matrices=not some``, but V, not its adjoint.

    Args:
        compute_uv: else U (..., m, m) and V (..., n, n) are zeros.
    """
    if not compute_uv:
        s = singular.svdvals(input)
        *stack, m, n = input._array.shape
        u, v = (as_tensor(np.zeros((*stack, k, k), input._array.dtype)) for k in (m, n))
        return return_types.svd(u, s, v)
    u, s, vh = singular.svd(input, not some)
    return return_types.svd(u, s, vh.mH)


def lu(input: Tensor, pivot: bool = True, get_infos: bool = False) -> Any:
    """As :func:`penlight.linalg.lu_factor`, of singular matrices too; with ``get_infos`` as
    :func:`penlight.linalg.lu_factor_ex`."""
    _deprecated("lu", "lu_factor / torch.linalg.lu_factor_ex")
    packed, pivots, info = factorization.lu_factor_ex(input, pivot=pivot)
    return return_types._lu_with_info(packed, pivots, info) if get_infos else (packed, pivots)


def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """X with A X = B, ``input``, from the factors of A: :func:`penlight.linalg.lu_solve`."""
    _deprecated("lu_solve", "lu_solve")
    return factorization.lu_solve(LU_data, LU_pivots, input)


def triangular_solve(
    input: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> Any:
    """X with A X = B, ``input``, or with A^T (A^H) for A, and a copy of A."""
    _deprecated("triangular_solve", "solve_triangular")
    name = "torch.triangular_solve"
    as_matrices(name, input, which="b")
    as_matrices(name, A, square=True)
    same_dtype(name, b=input, A=A)
    if input._array.shape[-2] != A._array.shape[-1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for triangular_solve: each A matrix is {A._array.shape[-1]} by "
            f"{A._array.shape[-1]} but each b matrix is {input._array.shape[-2]} by "
            f"{input._array.shape[-1]}"
        )
    shapes = A._array.shape[:-2], input._array.shape[:-2]
    try:
        stack = np.broadcast_shapes(*shapes)
    except ValueError:
        raise broadcast_error(name, shapes) from None
    a = A.mH if transpose else A
    x = solving.SolveTriangular.apply(a, input, upper != transpose, unitriangular)
    return return_types.triangular_solve(x, A.expand(*stack, *A._array.shape[-2:]).clone())
