"""Inverses, and equations with matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight._core.errors import LinAlgError
from penlight.autograd.op import Op
from penlight.kernels import factorization, triangular
from penlight.kernels.stacks import over_stack
from penlight.ops.matmul import matmul as matmul_of_tensors
from penlight.ops.matrices import (
    adjoint,
    as_matrices,
    as_tensor,
    batch_element,
    check_equation,
    eye,
    fails_at,
    is_vector,
    matmul,
    same_dtype,
)
from penlight.ops.selection import where

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "cholesky_inverse", "cholesky_solve", "inv", "inv_ex", "inverse", "matrix_power", "solve",
    "solve_ex", "solve_triangular", "tensorinv", "tensorsolve",
]  # fmt: skip


def _singular(a: np.ndarray) -> np.ndarray:
    """For each matrix the number (from 1) of elimination's first zero pivot, 0 if there is none."""
    zero = np.linalg.slogdet(a)[0] == 0
    packed, _ = factorization.lu(np.where(zero[..., None, None], a, eye(a)))
    number = factorization.first_zero(np.diagonal(packed, 0, -2, -1))
    return np.where(zero, np.where(number == 0, a.shape[-1], number), 0).astype(np.int32)


def _solved(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A^-1 B and :func:`_singular`; NaN where the matrix is singular."""
    try:
        return over_stack(np.linalg.solve, 1, a, b), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        info = _singular(a)
        bad = (info != 0)[..., None, None]
        return np.where(bad, np.nan, np.linalg.solve(np.where(bad, eye(a), a), b)), info


# -- inverses --------------------------------------------------------------------------------


class Inv(Op):
    """Y = A^-1. From A Y = I, Y' = -Y A' Y, so dA = -Y^H dY Y^H.

    Its second output tells singular matrices apart.
    """

    label, materialize = "LinalgInvExBackward0", False

    @staticmethod
    def forward(ctx: Any, a: np.ndarray) -> Any:
        try:
            y, info = over_stack(np.linalg.inv, 2, a), np.zeros(a.shape[:-2], np.int32)
        except np.linalg.LinAlgError:
            y, info = _solved(a, eye(a))
        ctx.save(y)
        return y, info

    @staticmethod
    def backward(ctx: Any, dy: Any, _: Any) -> Any:
        if dy is None:
            return None
        (y,) = ctx.saved
        h = adjoint(y)
        return -matmul(h, matmul(dy, h))


def _inverse(name: str, A: Tensor) -> tuple[Tensor, Tensor]:
    y, info = Inv.apply(as_matrices(name, A, square=True))
    return y, info


def _refuse_singular(name: str, info: Tensor) -> None:
    if info._array.any():
        raise LinAlgError(
            f"{name}: {batch_element(info._array)}The diagonal element {fails_at(info._array)} is "
            "zero, the inversion could not be completed because the input matrix is singular."
        )


def inv(A: Tensor) -> Tensor:
    """The inverses of square matrices.

    Raises:
        LinAlgError: for a singular one.
    """
    y, info = _inverse("linalg.inv", A)
    _refuse_singular("linalg.inv", info)
    return y


def inverse(input: Tensor) -> Tensor:
    """The inverses of square matrices; as :func:`penlight.linalg.inv`."""
    return inv(input)


def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """The inverses, and an int32 for each: 0, or where elimination met a zero; that inverse is NaN."""
    y, info = _inverse("linalg.inv", A)
    if check_errors:
        _refuse_singular("linalg.inv_ex", info)
    return return_types.linalg_inv_ex(y, info)


def matrix_power(input: Tensor, n: int) -> Tensor:
    """The n-th power of square matrices, by repeated squaring; a negative one is of the inverse.

    Raises:
        RuntimeError: for matrices that are not square.
    """
    shape = input._array.shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise RuntimeError(
            f"matrix_power: input must be batches of square matrices, got {list(shape)}"
        )
    if n < 0:
        return matrix_power(inv(input), -n)
    result: Any = None
    square: Any = input
    while n:
        if n & 1:
            result = square if result is None else matmul_of_tensors(result, square)
        n >>= 1
        square = matmul_of_tensors(square, square) if n else square
    if result is None:
        always = as_tensor(np.ones((), np.bool_))
        return where(always, as_tensor(eye(input)), input)  # a constant, with a gradient of zeros
    return result if result is not input else input.clone()


# -- equations -------------------------------------------------------------------------------


class Solve(Op):
    """X = A^-1 B. From A X = B, X' = A^-1 (B' - A' X), so dB = A^-H dX and dA = -dB X^H.

    Its second output tells singular matrices apart.
    """

    label, materialize = "LinalgSolveExBackward0", False

    @staticmethod
    def forward(ctx: Any, a: np.ndarray, b: np.ndarray) -> Any:
        x, info = _solved(a, b)
        ctx.save(a, x)
        return x, info

    @staticmethod
    def backward(ctx: Any, dx: Any, _: Any) -> Any:
        if dx is None:
            return None, None
        a, x = ctx.saved
        db, _ = Solve.apply(adjoint(a), dx)
        return (-matmul(db, adjoint(x)) if ctx.edges[0] else None), db


def _solution(name: str, A: Tensor, B: Tensor, left: bool) -> tuple[Tensor, Tensor]:
    """X with A X = B, or with X A = B, which is A^T X^T = B^T."""
    as_matrices("linalg.solve", A, square=True)
    vector = is_vector(A._array, B._array)
    if vector:
        B = B.unsqueeze(-1)
    as_matrices("linalg.solve", B, which="B")
    same_dtype("linalg.solve", A=A, B=B)
    check_equation("linalg.solve", A, B, left)
    if left:
        x, info = Solve.apply(A, B)
    else:
        x, info = Solve.apply(A.mT, B.mT)
        x = x.mT
    return (x.squeeze(-1) if vector else x), info


def _refuse_unsolved(name: str, info: Tensor) -> None:
    if info._array.any():
        raise LinAlgError(
            f"torch.{name}: {batch_element(info._array)}The solver failed because the input matrix "
            "is singular."
        )


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with A X = B (``left=False``: X A = B).

    Args:
        A: (..., n, n).
        B: (..., n, k), whose leading sizes broadcast with A's; or vectors, (n,) or (..., n) with as
            many as there are matrices.

    Raises:
        LinAlgError: if a matrix is singular.
    """
    x, info = _solution("linalg.solve", A, B, left)
    _refuse_unsolved("linalg.solve", info)
    return x


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """As :func:`solve`, with an int32 for each matrix: 0, or where it is singular; X is NaN there."""
    x, info = _solution("linalg.solve", A, B, left)
    if check_errors:
        _refuse_unsolved("linalg.solve_ex", info)
    return return_types.linalg_solve_ex(x, info)


class SolveTriangular(Op):
    """X = A^-1 B for triangular A; dB = A^-H dX, and dA = that triangle of -dB X^H."""

    label = "LinalgSolveTriangularBackward0"

    @staticmethod
    def forward(ctx: Any, a: np.ndarray, b: np.ndarray, upper: bool, unit: bool = False) -> Any:
        ctx.upper, ctx.unit = upper, unit
        x = triangular.solve_triangular(a, b, upper, unit)
        ctx.save(a, x if ctx.edges[0] else None)
        return x

    @staticmethod
    def backward(ctx: Any, dx: Any) -> Any:
        a, x = ctx.saved
        db = SolveTriangular.apply(adjoint(a), dx, not ctx.upper, ctx.unit)
        if not ctx.edges[0]:
            return None, db
        da = -matmul(db, adjoint(x))
        inner = 1 if ctx.unit else 0
        return (np.triu(da, inner) if ctx.upper else np.tril(da, -inner)), db


def over_triangular(y: Any, a: Any, upper: bool, unit: bool = False) -> Any:
    """X with X A^H = Y, for triangular A, as A X^H = Y^H; arrays or Tensors."""
    return adjoint(SolveTriangular.apply(a, adjoint(y), upper, unit))


def solve_triangular(
    input: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """X with A X = B (``left=False``: X A = B) for triangular A.

    Args:
        input: A, (..., n, n); only the triangle is read.
        B: (..., n, k), whose leading sizes broadcast with A's.
        upper: which triangle.
        unitriangular: take the diagonal as ones.

    A zero on the diagonal gives infinities or NaN.
    """
    name = "linalg.solve_triangular"
    as_matrices(name, B, which="B")
    as_matrices(name, input, square=True)
    same_dtype(name, A=input, B=B)
    check_equation(name, input, B, left)
    if left:
        return SolveTriangular.apply(input, B, upper, unitriangular)
    x: Tensor = SolveTriangular.apply(input.mT, B.mT, not upper, unitriangular)
    return x.mT


# -- equations with a factor -----------------------------------------------------------------


def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """X with A X = B for A = L L^H, or U^H U for ``upper``: two triangular equations.

    Args:
        input: B, (..., n, k).
        input2: L or U, (..., n, n).
    """
    as_matrices("cholesky_solve", input, which="B")
    as_matrices("cholesky_solve", input2, square=True, which="L")
    same_dtype("cholesky_solve", B=input, L=input2)
    check_equation("cholesky_solve", input2, input)
    outer, inner = (input2.mH, input2) if upper else (input2, input2.mH)
    half = SolveTriangular.apply(outer, input, False)
    return SolveTriangular.apply(inner, half, True)


def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of A = L L^H, or of U^H U for ``upper``, from L or U.

    Raises:
        LinAlgError: if a diagonal element is zero.
    """
    as_matrices("cholesky_inverse", input, square=True)
    info = as_tensor(factorization.first_zero(np.diagonal(input._array, 0, -2, -1)))
    _refuse_singular("cholesky_inverse", info)
    return cholesky_solve(as_tensor(eye(input)), input, upper)


# -- tensors as matrices ---------------------------------------------------------------------


def _refuse_unequal(where: str, shape: tuple[int, ...], at: int) -> None:
    rows, columns = math.prod(shape[:at]), math.prod(shape[at:])
    if rows != columns:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[{where}:]) == "
            f"prod(self.shape[:{where}]), but got {columns} != {rows}"
        )


def tensorinv(input: Tensor, ind: int = 2) -> Tensor:
    """The inverse of the tensor seen as a matrix from its dimensions after ``ind`` to the first ones."""
    if ind <= 0:
        raise RuntimeError(
            f"tensorinv: Expected a strictly positive integer for 'ind', but got {ind}"
        )
    shape = input._array.shape
    _refuse_unequal("ind", shape, ind)
    matrix = input.reshape(math.prod(shape[:ind]), math.prod(shape[ind:]))
    return inv(matrix).reshape(shape[ind:] + shape[:ind])


def tensorsolve(input: Tensor, other: Tensor, dims: Any = None) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B, where A's first dimensions are B's.

    Args:
        dims: dimensions of A to be moved to its end first.
    """
    if dims is not None:
        input = input.movedim(tuple(dims), tuple(range(-len(dims), 0)))
    shape, at = input._array.shape, other._array.ndim
    _refuse_unequal("other.ndim", shape, at)
    matrix = input.reshape(math.prod(shape[:at]), math.prod(shape[at:]))
    return solve(matrix, other.reshape(-1)).reshape(shape[at:])
