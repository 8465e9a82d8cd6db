"""``penlight.linalg``: factorizations, equations, eigenvalues, norms and products of matrices.

The formulas of all and their derivatives stand in the files of ``penlight.ops`` named here.
"""

from __future__ import annotations

from typing import Any

from penlight._core.errors import LinAlgError
from penlight.ops.determinant import det, slogdet
from penlight.ops.eigen import eig, eigh, eigvals, eigvalsh
from penlight.ops.factorization import (
    cholesky,
    cholesky_ex,
    lu,
    lu_factor,
    lu_factor_ex,
    lu_solve,
    qr,
)  # fmt: skip
from penlight.ops.matmul import chain_matmul as _chain_matmul, matmul
from penlight.ops.matrices import same_dtype as _same_dtype
from penlight.ops.matrix_functions import matrix_exp
from penlight.ops.matrix_norms import cond, matrix_norm, norm
from penlight.ops.norms import vector_norm as _vector_norm
from penlight.ops.products import cross as _cross
from penlight.ops.reflections import householder_product
from penlight.ops.singular import lstsq, matrix_rank, pinv, svd, svdvals
from penlight.ops.solving import (
    inv,
    inv_ex,
    matrix_power,
    solve,
    solve_ex,
    solve_triangular,
    tensorinv,
    tensorsolve,
)  # fmt: skip
from penlight.ops.strides import diagonal as _diagonal
from penlight.ops.symmetric_factorization import ldl_factor, ldl_factor_ex, ldl_solve
from penlight.tensor import Tensor
from penlight.tensor.out import accept_out
from penlight.tensor.ranges import arange as _arange

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals",
    "eigvalsh", "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lstsq",
    "lu", "lu_factor", "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power",
    "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve", "solve_ex", "solve_triangular",
    "svd", "svdvals", "tensorinv", "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip


def vector_norm(
    x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """(sum |x|^ord)^(1/ord) over ``dim`` (default: of all elements as one vector)."""
    return _vector_norm("linalg.vector_norm", x, ord, dim, keepdim, dtype)


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product of 3-vectors along ``dim``."""
    return _cross(input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices: a view."""
    return _diagonal(A, offset, dim1, dim2)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """The powers x^0 ... x^(N-1) along a new last dimension (default: as many as the last has)."""
    n = (x._array.shape[-1] if x._array.ndim else 1) if N is None else N
    if n <= 1:
        raise RuntimeError(f"linalg.vander: N must be greater than 1, got {n}")
    return x.unsqueeze(-1) ** _arange(n)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """sum conj(x) y along ``dim``."""
    if x._array.dtype.kind not in "fc":
        raise RuntimeError(
            f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {x.dtype}"
        )
    _same_dtype("linalg.vecdot", x=x, y=y)
    return (x.conj() * y).sum(dim)


def multi_dot(tensors: Any) -> Tensor:
    """The product of several matrices (the first and last may be vectors), in the cheapest order."""
    matrices = list(tensors)
    if len(matrices) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(matrices)}")
    row, column = matrices[0]._array.ndim == 1, matrices[-1]._array.ndim == 1
    if row:
        matrices[0] = matrices[0].unsqueeze(0)
    if column:
        matrices[-1] = matrices[-1].unsqueeze(1)
    y = _chain_matmul(*matrices)
    y = y.squeeze(-1) if column else y
    return y.squeeze(0) if row else y


accept_out(
    globals(),
    """
    cholesky cholesky_ex cond cross det eig eigh eigvals eigvalsh householder_product inv inv_ex ldl_factor
    ldl_factor_ex ldl_solve lu lu_factor lu_factor_ex lu_solve matmul matrix_norm matrix_power matrix_rank
    multi_dot norm pinv qr slogdet solve solve_ex solve_triangular svd svdvals tensorinv tensorsolve vecdot
    vector_norm
    """,
)
