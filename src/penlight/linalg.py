"""``penlight.linalg``: norms and products of matrices."""

from __future__ import annotations

import math
from typing import Any

from penlight._core.arguments import normalize_axis
from penlight._core.dtypes import as_dtype
from penlight.ops.matmul import chain_matmul as _chain_matmul, matmul, matrix_power
from penlight.ops.norms import vector_norm as _vector_norm
from penlight.ops.products import cross as _cross
from penlight.ops.promotion import cast as _cast
from penlight.ops.strides import diagonal as _diagonal
from penlight.tensor import Tensor
from penlight.tensor.ranges import arange as _arange

__all__ = [
    "cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "multi_dot", "norm", "vander", "vecdot",
    "vector_norm",
]  # fmt: skip


def vector_norm(
    x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """(sum |x|^ord)^(1/ord) over ``dim`` (default: of all elements as one vector)."""
    return _vector_norm("linalg.vector_norm", x, ord, dim, keepdim, dtype)


def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """A norm of the matrices in two dimensions.

    Args:
        ord: ``"fro"``, the root of the sum of squares; 1 (-1), the largest (smallest) sum of a
            column's absolute values; inf (-inf), of a row's.
    """
    if A._array.ndim < 2:
        raise RuntimeError(
            f"linalg.matrix_norm: The input tensor A must have at least 2 dimensions, got {A.ndim}"
        )
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple of ints, got {dim}")
    if dtype is not None:
        A = _cast(A, as_dtype(dtype, "linalg.matrix_norm"))
    rows, columns = (normalize_axis(d, A._array.ndim) for d in dim)
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different, got {dim}")
    if ord == "fro":
        return _vector_norm("linalg.matrix_norm", A, 2, (rows, columns), keepdim)
    if isinstance(ord, str) or abs(ord) not in (1, math.inf):
        raise RuntimeError(
            f"linalg.matrix_norm: ord must be 'fro', 1, -1, inf or -inf (others need singular "
            f"values), got {ord!r}"
        )
    summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = A.abs().sum(summed, keepdim=True)
    y = (sums.amax if ord > 0 else sums.amin)(other, keepdim=True)
    return y if keepdim else y.squeeze((rows, columns))


def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """A vector or matrix norm: by ``dim``, else by the number of dimensions; without ``ord`` the
    2-norm of all elements."""
    dims = (dim,) if isinstance(dim, int) else dim
    if ord is None:
        return vector_norm(A, 2, dims, keepdim, dtype=dtype)
    if dims is None:
        if A._array.ndim not in (1, 2):
            raise RuntimeError(
                f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                f"{A._array.ndim}D."
            )
        dims = tuple(range(A._array.ndim))
    if len(dims) == 1:
        return vector_norm(A, ord, dims, keepdim, dtype=dtype)
    return matrix_norm(A, ord, dims, keepdim, dtype=dtype)


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product of 3-vectors along ``dim``."""
    return _cross(input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices: a view."""
    return _diagonal(A, offset, dim1, dim2)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers x^0 ... x^(N-1) along a new last dimension (default: as many as the last has)."""
    n = x._array.shape[-1] if N is None else N
    return x.unsqueeze(-1) ** _arange(n)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """sum conj(x) y along ``dim``."""
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
