"""Products of matrices and vectors, linear layers, contractions."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels import products
from penlight.kernels.outer import outer_products
from penlight.ops.batching.common import (
    aligned,
    expanded,
    folded,
    rank,
    reshaped,
    rule,
    shape,
    shared,
)
from penlight.ops.batching.loop import loop
from penlight.ops.complex import conjugate
from penlight.ops.einsum import Einsum
from penlight.ops.matmul import Dot, Linear, MatMul, Mv

__all__ = ["SharedLinear", "SharedMatMul", "product"]


def _t(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def sum_of_outer(a: Any, b: Any) -> Any:
    """A^T B for stacks (..., n, k) and (..., n, m): the outer products of their rows, summed up."""
    if a.shape[-2] == 1:
        return outer_products(a[..., 0, :], b[..., 0, :])
    return products.matmul(_t(a), b)  # (k, n) @ (n, m) -> (k, m)


def _rows_times(a: Any, b: Any) -> Any:
    """The rows of all samples, (..., B, n, k), times one matrix (..., k, m)."""
    *lead, size, n, k = a.shape
    y = products.matmul(a.reshape(*lead, size * n, k), b)  # (B n, k) @ (k, m) -> (B n, m)
    return y.reshape(*lead, size, n, b.shape[-1])


class SharedMatMul(Op):
    """Y_i = A_i B for all samples i, where B is one for all and comes repeated: one product.

    Each sample's gradient stays its own: dA_i = dY_i B^T, again one product, and dB_i = A_i^T dY_i.

    a is (..., B, n, k), b (..., B, k, m) with a stride of 0 along its third last axis.
    """

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save(a, b)
        return _rows_times(a, b[..., 0, :, :])

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved
        need_a, need_b = ctx.edges
        if dy.dtype.kind == "c":
            a, b = conjugate(a), conjugate(b)
        da = SharedMatMul.apply(dy, _t(b)) if need_a else None
        return da, (sum_of_outer(a, dy) if need_b else None)


class SharedLinear(Op):
    """Y_i = X_i W^T in the same way; dX_i = dY_i W, and dW_i = dY_i^T X_i lies in memory as W does.

    x is (..., B, n, I), w (..., B, O, I) with a stride of 0 along its third last axis.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any) -> Any:
        ctx.save(x, w)
        return _rows_times(x, _t(w[..., 0, :, :]))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, w = ctx.saved
        need_x, need_w = ctx.edges
        if dy.dtype.kind == "c":
            x, w = conjugate(x), conjugate(w)
        dx = SharedMatMul.apply(dy, w) if need_x else None
        return dx, (sum_of_outer(dy, x) if need_w else None)


def product(a: Any, b: Any) -> Any:
    """A_i B_i for batches of matrices, (B, ..., n, k) and (B, ..., k, m)."""
    plain = len(shape(a)) == 3 == len(shape(b))
    if plain and shared(b):
        return SharedMatMul.apply(a, b)
    if plain and shared(a):
        return _t(SharedMatMul.apply(_t(b), _t(a)))
    return MatMul.apply(a, b)


def _times_one(a: Any, b: Any) -> Any:
    """A_i B with a matrix B that is one for all: the rows of all samples in one product."""
    sizes = shape(a)
    rows = reshaped(a, (-1 if np.prod(sizes) else 0, sizes[-1])) if len(sizes) != 2 else a
    return reshaped(MatMul.apply(rows, b), (*sizes[:-1], shape(b)[-1]))


@rule(MatMul)
def _matmul(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    a, b = values
    if not batched[1] and rank(b, False) == 2:
        return _times_one(a, b)
    if not batched[0] and rank(a, False) == 2:
        return _t(_times_one(_t(b), _t(a)))
    return (
        product(*aligned(values, batched)) if all(batched) else op.apply(*aligned(values, batched))
    )


@rule(SharedMatMul, SharedLinear)
def _shared(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    return op.apply(*(expanded(x, b, size) for x, b in zip(values, batched, strict=True)))


@rule(Mv)
def _mv(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    a, v = values
    if not batched[0]:
        return _times_one(v, _t(a))  # (B, k) @ (k, n) -> (B, n)
    if not batched[1]:
        sizes = shape(a)  # (B n, k) @ (k,) -> (B n,)
        return reshaped(op.apply(reshaped(a, (sizes[0] * sizes[1], sizes[2])), v), sizes[:2])
    rows = reshaped(v, (size, 1, shape(v)[1]))
    return reshaped(product(rows, _t(a)), shape(a)[:2])  # (B, 1, k) @ (B, k, n) -> (B, 1, n)


@rule(Dot)
def _dot(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    a, b = values
    if not all(batched):
        return Mv.apply(a, b) if batched[0] else Mv.apply(b, a)  # (B, k) @ (k,) -> (B,)
    n = shape(a)[1]
    return reshaped(product(reshaped(a, (size, 1, n)), reshaped(b, (size, n, 1))), (size,))


@rule(Linear)
def _linear(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, w, b = values
    own_bias = b if not batched[2] else None
    if not batched[1]:
        y = op.apply(expanded(x, batched[0], size), w, own_bias)
    elif not batched[0]:
        y = _of_one_input(x, w, size)
    else:
        *lead, features = shape(x)[1:]
        rows = int(np.prod(lead))
        x = reshaped(x, (size, rows, features))
        # (B, n, I) @ (B, I, O) -> (B, n, O)
        y = SharedLinear.apply(x, w) if shared(w) else MatMul.apply(x, _t(w))
        y = reshaped(y, (size, *lead, shape(w)[1]))
    if b is None or (own_bias is not None and not batched[1]):
        return y
    first, second = aligned((y, b), (True, batched[2]))
    return first + second


def _of_one_input(x: Any, w: Any, size: int) -> Any:
    """x W_i^T for one x, (..., I), and weights (B, O, I): as one layer of B O outputs."""
    y = Linear.apply(x, folded(w), None)
    y = reshaped(y, (*shape(y)[:-1], size, shape(w)[1]))
    return np.moveaxis(y, -2, 0)


@rule(Einsum)
def _einsum(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    inputs, output, *xs = values
    used = set("".join((*inputs, output)))
    letter = next((c for c in string.ascii_letters if c not in used), None)
    if letter is None:
        return loop(op, size, values, batched)
    names = tuple(letter + n if b else n for n, b in zip(inputs, batched[2:], strict=True))
    return op.apply(names, letter + output, *xs)
