"""Norms of matrices and their condition, some from singular values."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.dtypes import as_dtype
from penlight.ops.matrices import as_matrices, as_tensor
from penlight.ops.norms import spectral_norm, two_dims, vector_norm
from penlight.ops.promotion import cast
from penlight.ops.selection import where
from penlight.ops.singular import svdvals
from penlight.ops.solving import inv_ex

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["frobenius_norm", "nuclear_norm"]

_ORDERS = ("fro", "nuc", 2, -2, 1, -1, math.inf, -math.inf)


def matrix_norm(
    input: Tensor,
    ord: Any = "fro",
    dim: Any = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """A norm of the matrices in two dimensions.

    Args:
        ord: ``"fro"``, the root of the sum of squares; ``"nuc"``, the sum of the singular values; 2
            (-2), the largest (smallest) singular value; 1 (-1), the largest (smallest) sum of a column's
            absolute values; inf (-inf), of a row's.
    """
    name = "linalg.matrix_norm"
    rows, columns = two_dims(name, input, dim)
    A = input if dtype is None else cast(input, as_dtype(dtype, name))
    if ord not in _ORDERS:
        raise RuntimeError(f"{name}: Order {ord} not supported; take one of {_ORDERS}")
    if A._array.dtype.kind not in "fc":
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {A.dtype}"
        )
    if ord == "fro":
        return vector_norm(name, A, 2, (rows, columns), keepdim)
    if ord == "nuc" or abs(ord) == 2:
        return spectral_norm(A, ord, rows, columns, keepdim)
    summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = A.abs().sum(summed, keepdim=True)
    y = (sums.amax if ord > 0 else sums.amin)(other, keepdim=True)
    return y if keepdim else y.squeeze((rows, columns))


def norm(
    input: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """A vector or matrix norm: by ``dim``, else by the number of dimensions; without ``ord`` the
    2-norm of all elements."""
    dims = (dim,) if isinstance(dim, int) else dim
    if ord is None:
        return vector_norm("linalg.norm", input, 2, dims, keepdim, dtype)
    ndim = input._array.ndim
    if dims is None:
        if ndim not in (1, 2):
            raise RuntimeError(
                f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {ndim}D."
            )
        dims = tuple(range(ndim))
    if len(dims) == 1 and not isinstance(ord, str):
        return vector_norm("linalg.norm", input, ord, dims, keepdim, dtype)
    return matrix_norm(input, ord, dims, keepdim, dtype=dtype)


def cond(input: Tensor, p: Any = None) -> Tensor:
    """The condition |A| |A^-1| of matrices in the norm ``p``: of singular ones infinite.

    Args:
        p: an order of :func:`penlight.linalg.matrix_norm`. Default: 2, the ratio of the largest to the
            smallest singular value, also of matrices that are not square; -2 is its inverse.
    """
    A: Any = input
    p = 2 if p is None else p
    if p not in _ORDERS:
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}; take one of {_ORDERS}")
    as_matrices("linalg.cond", A, square=p not in (2, -2))
    x = A._array
    if not x.size:
        return as_tensor(np.zeros(x.shape[:-2], x.real.dtype))
    if p in (2, -2):
        s = svdvals(A)
        return s[..., 0] / s[..., -1] if p == 2 else s[..., -1] / s[..., 0]
    inverse, info = inv_ex(A)
    singular = info != 0
    inverse = where(singular[..., None, None], 0, inverse)
    return where(singular, math.inf, matrix_norm(A, p) * matrix_norm(inverse, p))


# -- names that PyTorch keeps for old programs ------------------------------------------------


def _warn(old: str, new: str) -> None:
    warnings.warn(f"at::{old} is deprecated. Please use `{new}` instead", UserWarning, stacklevel=3)


def nuclear_norm(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The sum of the singular values; use ``linalg.matrix_norm(A, "nuc")``."""
    _warn("nuclear_norm", "linalg.matrix_norm(A, 'nuc', dim, keepdim)")
    if isinstance(dim, bool):
        dim, keepdim = None, dim
    return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)


def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """The root of the sum of squares over up to two dimensions; use ``linalg.vector_norm``."""
    _warn("frobenius_norm", "linalg.vector_norm(A, 2., dim, keepdim)")
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dims) > 2:
        raise RuntimeError(
            f"frobenius_norm: Expected at most 2 dimensions, but got {len(dims)} dimensions instead."
        )
    return vector_norm("frobenius_norm", input, 2, dims, keepdim)
