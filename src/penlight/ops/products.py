"""Products of vectors and matrices with sums, and interpolations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis, numpy_names
from penlight._core.errors import broadcast_error
from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.ops.complex import conjugate
from penlight.ops.einsum import tensordot
from penlight.ops.promotion import as_operand, as_scalar, result_type
from penlight.ops.strides import Diagonal

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "addbmm", "addcdiv", "addcmul", "addmm", "addmv", "addr", "baddbmm", "cross", "ger", "inner",
    "kron", "lerp", "outer", "trace",
]  # fmt: skip


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The matrix of all products of two vectors' elements."""
    for name, x in (("input", input), ("vec2", vec2)):
        if x._array.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x._array.ndim}-D")
    return input.reshape(-1, 1) * vec2


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Scalar products over the last dimension of both."""
    if not input._array.ndim or not other._array.ndim:
        return input * other
    return tensordot(input, other, dims=([-1], [-1]))


def _combined(input: Any, product: Tensor, beta: Any, alpha: Any) -> Tensor:
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    return (input if beta == 1 else input * beta) + product


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2)."""
    return _combined(input, mat1.mm(mat2), beta, alpha)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * (mat @ vec)."""
    return _combined(input, mat.mv(vec), beta, alpha)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2)."""
    return _combined(input, outer(vec1, vec2), beta, alpha)


def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """beta * input + alpha * (batch1 @ batch2), matrix by matrix."""
    return _combined(input, batch1.bmm(batch2), beta, alpha)


def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """beta * input + alpha * (the sum over the batch of batch1 @ batch2)."""
    return _combined(input, batch1.bmm(batch2).sum(0), beta, alpha)


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """input + value * tensor1 * tensor2."""
    product = tensor1 * tensor2
    if value != 1:
        kind = result_type(input, product)
        product = product * (value if kind.is_floating_point else as_scalar(value, kind, "addcmul"))
    return input + product


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """input + value * tensor1 / tensor2.

    Raises:
        RuntimeError: for the quotient of two integers.
    """
    if tensor1._array.dtype.kind in "biu" and tensor2._array.dtype.kind in "biu":
        raise RuntimeError(
            "addcdiv: integer division is not supported; use input + value * torch.div(tensor1, "
            f"tensor2), got {tensor1.dtype} and {tensor2.dtype}"
        )
    return input + (tensor1 / tensor2 if value == 1 else tensor1 / tensor2 * value)


class Lerp(Op):
    """y = a + w (b - a); da = dy (1 - w), db = dy w, dw = dy (b - a)."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any, w: Any) -> Any:
        need_w = ctx.edges[2]
        ctx.save(a if need_w else None, b if need_w else None, w)
        return a + w * (b - a)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b, w = ctx.saved
        if dy.dtype.kind == "c":
            a, b, w = conjugate(a), conjugate(b), conjugate(w)
        db = dy * w
        return dy - db, db, (dy * (b - a) if ctx.edges[2] else None)

    def name(self) -> str:
        return f"LerpBackward{0 if isinstance(self._saved and self._saved[2], float) else 1}"


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """input + weight * (end - input).

    Raises:
        RuntimeError: if the dtypes differ.
    """
    weight = as_operand(weight, "lerp")
    tensors = [x for x in (input, end, weight) if isinstance(x, TensorBase)]
    if any(x._array.dtype != input._array.dtype for x in tensors):
        raise RuntimeError(
            f"lerp: expected dtype {input.dtype} for `end` and `weight`, got "
            f"{[x.dtype for x in tensors[1:]]}"  # type: ignore[attr-defined]
        )
    if input._array.dtype.kind in "bui":
        raise NotImplementedError(f"lerp: not implemented for {input.dtype}")
    return Lerp.apply(input, end, weight)


def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal."""
    if input._array.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input._array.ndim}")
    return Diagonal.apply(input, 0, 0, 1).sum()


@numpy_names
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product of 3-vectors along ``dim`` (default: the first of size 3)."""
    first, second = input._array.shape, other._array.shape
    if len(first) != len(second):
        raise RuntimeError(
            f"cross: inputs must have the same number of dimensions, got {len(first)} and {len(second)}"
        )
    try:
        shape = np.broadcast_shapes(first, second)
    except ValueError:
        raise broadcast_error("cross", (first, second)) from None
    if dim is None and 3 not in first:
        raise RuntimeError(f"cross: no dimension of size 3 in input, got {list(first)}")
    axis = first.index(3) if dim is None else normalize_axis(dim, len(shape))
    if first[axis] != 3 or second[axis] != 3:
        raise RuntimeError(
            f"cross: inputs dimension {axis} must have length 3, got {first[axis]} and {second[axis]}"
        )
    a, b = input.expand(shape), other.expand(shape)
    return a.roll(-1, axis) * b.roll(-2, axis) - a.roll(-2, axis) * b.roll(-1, axis)


def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every element of ``input`` times the whole of ``other``."""
    ndim = max(input._array.ndim, other._array.ndim)
    a = (1,) * (ndim - input._array.ndim) + input._array.shape
    b = (1,) * (ndim - other._array.ndim) + other._array.shape
    left = input.reshape([n for pair in zip(a, (1,) * ndim, strict=True) for n in pair])
    right = other.reshape([n for pair in zip((1,) * ndim, b, strict=True) for n in pair])
    return (left * right).reshape([n * m for n, m in zip(a, b, strict=True)])


ger = outer
