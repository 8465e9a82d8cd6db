"""Functions of matrices that power series define."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels.matrix_exp import matrix_exp as _matrix_exp
from penlight.ops.matrices import adjoint, as_matrices

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["matrix_exp"]


class MatrixExp(Op):
    """Y = e^A; dA is the upper right block of e^M for M = [[A^H, dY], [0, A^H]].

    For Y' the same holds with A and A' (the blocks multiply as derivatives do), and the adjoint of that
    map of A' is the map for A^H.

    Source: Najfeld & Havel, "Derivatives of the Matrix Exponential and Their Computation", 1995.
    """

    label = "LinalgMatrixExpBackward0"

    @staticmethod
    def forward(ctx: Any, a: np.ndarray) -> Any:
        ctx.save(a)
        return _matrix_exp(a)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (a,) = ctx.saved
        h, n = adjoint(a), a.shape[-1]
        upper = np.concatenate([h, dy], axis=-1)
        lower = np.concatenate([h * 0, h], axis=-1)
        return MatrixExp.apply(np.concatenate([upper, lower], axis=-2))[..., :n, n:]


def matrix_exp(input: Tensor) -> Tensor:
    """e^A = I + A + A^2 / 2! + ... of square matrices."""
    return MatrixExp.apply(as_matrices("linalg.matrix_exp", input, square=True))
