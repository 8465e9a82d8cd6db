"""Products of matrices, and the linear layer's product with its bias."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels import products
from penlight.kernels.affine import affine, affine_gradients
from penlight.ops.complex import conj, conjugate

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "Linear", "bmm", "chain_matmul", "dot", "matmul", "mm", "mv", "vdot",
]  # fmt: skip


def _t(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


class MatMul(Op):
    """Y = A B for each matrix of the (broadcast) batch; dA = dY B^T, dB = A^T dY."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        need_a, need_b = ctx.edges
        ctx.save(a if need_b else None, b if need_a else None)
        return products.matmul(a, b)  # (..., n, k) @ (..., k, m) -> (..., n, m)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved
        need_a, need_b = ctx.edges
        if dy.dtype.kind == "c":
            a, b = conjugate(a), conjugate(b)
        # (..., n, m) @ (..., m, k) -> (..., n, k); (..., k, n) @ (..., n, m) -> (..., k, m)
        da = products.matmul(dy, _t(b)) if need_a else None
        db = products.matmul(_t(a), dy) if need_b else None
        return da, db

    def name(self) -> str:
        ndim = len(self._metas[0][0])
        return {2: "MmBackward0", 3: "BmmBackward0"}.get(ndim, "UnsafeViewBackward0")


class Mv(Op):
    """y = A v; dA = dy v^T, dv = A^T dy."""

    @staticmethod
    def forward(ctx: Any, a: Any, v: Any) -> Any:
        need_a, need_v = ctx.edges
        ctx.save(a if need_v else None, v if need_a else None)
        return a @ v  # (n, k) @ (k,) -> (n,)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, v = ctx.saved
        need_a, need_v = ctx.edges
        if dy.dtype.kind == "c":
            a, v = conjugate(a), conjugate(v)
        da = dy.reshape(-1, 1) * v if need_a else None
        return da, (_t(a) @ dy if need_v else None)


class Dot(Op):
    """y = sum_i a_i b_i; da = dy b, db = dy a."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        need_a, need_b = ctx.edges
        ctx.save(b if need_a else None, a if need_b else None)
        return a @ b

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        b, a = ctx.saved
        need_a, need_b = ctx.edges
        if dy.dtype.kind == "c":
            b, a = conjugate(b), conjugate(a)
        return dy * b if need_a else None, dy * a if need_b else None


def _check_pair(name: str, a: Any, b: Any) -> None:
    for which, x in (("input", a), ("other", b)):
        if not hasattr(x, "_array"):
            raise TypeError(f"{name}(): argument '{which}' must be Tensor, not {type(x).__name__}")
    if a._array.dtype.kind == "b":
        raise NotImplementedError(f"{name}: not implemented for bool")
    if a._array.dtype != b._array.dtype:
        raise RuntimeError(
            f"{name}: expected both tensors to have the same dtype, got input {a.dtype} and other "
            f"{b.dtype}; convert one with .to(dtype)"
        )


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product, with PyTorch's rules for vectors and batches.

    Two vectors give their scalar product; a vector on the left (right) is a row (column) that
    disappears from the result; leading dimensions broadcast.

    Raises:
        RuntimeError: if the inner sizes or dtypes differ, or an operand is 0-d.
    """
    _check_pair("matmul", input, other)
    a, b = input._array.shape, other._array.shape
    if not a or not b:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {len(a)}D and {len(b)}D"
        )
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] != inner:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({_as_matrix(a)} and {_as_matrix(b, True)}): "
            f"the last size of input {list(a)} must equal size {-2 if len(b) > 1 else 0} of other "
            f"{list(b)}"
        )
    if len(b) == 1 and len(a) < 3:
        return (Dot if len(a) == 1 else Mv).apply(input, other)
    left = input.unsqueeze(0) if len(a) == 1 else input
    right = other.unsqueeze(1) if len(b) == 1 else other
    y: Tensor = MatMul.apply(left, right)
    if len(b) == 1:
        y = y.squeeze(-1)
    return y.squeeze(-1 if len(b) == 1 else -2) if len(a) == 1 else y


def _as_matrix(shape: tuple[int, ...], column: bool = False) -> str:
    if len(shape) == 1:
        return f"{shape[0]}x1" if column else f"1x{shape[0]}"
    return f"{shape[-2]}x{shape[-1]}"


def _with_ranks(name: str, input: Tensor, other: Tensor, ranks: tuple[int, int]) -> Tensor:
    _check_pair(name, input, other)
    got = input._array.ndim, other._array.ndim
    if got != ranks:
        raise RuntimeError(f"{name}: expected tensors of {ranks} dimensions, got {got}")
    if name == "bmm" and input._array.shape[0] != other._array.shape[0]:
        raise RuntimeError(
            f"bmm: expected the same batch size, got {list(input._array.shape)} and "
            f"{list(other._array.shape)}"
        )
    return matmul(input, other)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Matrix (n, k) times matrix (k, m)."""
    return _with_ranks("mm", input, mat2, (2, 2))


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Matrices (B, n, k) times matrices (B, k, m), one by one."""
    return _with_ranks("bmm", input, mat2, (3, 3))


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Matrix (n, k) times vector (k,)."""
    return _with_ranks("mv", input, vec, (2, 1))


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The scalar product of two vectors of equal length."""
    return _with_ranks("dot", input, tensor, (1, 1))


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The scalar product of the conjugate of one vector with another."""
    return _with_ranks("vdot", conj(input), other, (1, 1))


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of several matrices, grouped so that it takes the fewest multiplications.

    Source: Cormen, Leiserson, Rivest & Stein, "Introduction to Algorithms", 3rd ed., section 15.2.
    """
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    sizes = [m._array.shape[0] for m in matrices] + [matrices[-1]._array.shape[1]]

    @functools.cache
    def best(i: int, j: int) -> tuple[int, int]:
        """The fewest multiplications for matrices i ... j, and where the last product splits them."""
        if i == j:
            return 0, i
        return min(
            (best(i, k)[0] + best(k + 1, j)[0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
            for k in range(i, j)
        )

    def product(i: int, j: int) -> Tensor:
        if i == j:
            return matrices[i]
        k = best(i, j)[1]
        return mm(product(i, k), product(k + 1, j))

    return product(0, len(matrices) - 1)


def _rows(x: Any) -> Any:
    """All dimensions but the last as one."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


class Linear(Op):
    """y = x W^T + b over the last dimension of x.

    With x and dy seen as matrices of N rows: dx = dy W, dW = dy^T x, db = the sum of dy's rows.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, b: Any) -> Any:
        need_x, need_w, _ = ctx.edges
        ctx.save(x if need_w else None, w if need_x else None)
        ctx.biased = b is not None
        y = affine(_rows(x), w, b)  # (N, I) @ (I, O) -> (N, O)
        return y if x.ndim == 2 else y.reshape(*x.shape[:-1], w.shape[0])

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, w = ctx.saved
        need_x, need_w, need_b = ctx.edges
        if dy.dtype.kind == "c":
            x, w = conjugate(x), conjugate(w)
        rows = _rows(dy)
        dx: Any = None
        dw: Any = None
        db: Any = None
        if type(dy) is np.ndarray:
            dx, dw, db = affine_gradients(rows, _rows(x) if need_w else None, w, bool(need_b))
        else:
            dx = rows @ w if need_x else None  # (N, O) @ (O, I) -> (N, I)
            dw = rows.T @ _rows(x) if need_w else None  # (O, N) @ (N, I) -> (O, I)
            db = np.add.reduce(rows, axis=0) if need_b else None
        if need_x and dy.ndim != 2:
            dx = dx.reshape(*dy.shape[:-1], w.shape[1])
        return dx, dw, db

    def name(self) -> str:
        matrix, biased = len(self._metas[0][0]) == 2, self.__dict__.get("biased")
        if matrix:
            return "AddmmBackward0" if biased else "MmBackward0"
        return "ViewBackward0" if biased else "UnsafeViewBackward0"
