"""Views, parts and joins: the batch stays in front."""

from __future__ import annotations

from typing import Any

from penlight.autograd.primitives import BroadcastTo
from penlight.ops.batching.common import expanded, moved, rank, rule, shape
from penlight.ops.complex import ViewAsComplex, ViewAsReal
from penlight.ops.joining import Cat, Stack
from penlight.ops.padding import AddByIndex, ConstantPad, PadByIndex
from penlight.ops.shape import Permute, Reshape
from penlight.ops.splitting import Split, Unbind
from penlight.ops.triangles import Triangle

__all__: list[str] = []


@rule(Triangle, ConstantPad, PadByIndex, AddByIndex, ViewAsReal, ViewAsComplex)
def _leading(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    """Ops that look at the last dimensions alone."""
    return op.apply(*values)


@rule(Reshape)
def _reshape(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, sizes = values
    return op.apply(x, (size, *sizes))


@rule(BroadcastTo)
def _broadcast_to(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, sizes = values
    extra = len(sizes) - rank(x, True)
    if extra:
        x = Reshape.apply(x, (size, *(1,) * extra, *shape(x)[1:]))
    return op.apply(x, (size, *sizes))


@rule(Permute)
def _permute(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, axes = values
    return op.apply(x, (0, *moved(axes, rank(x, True))))


@rule(Split)
def _split(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, sizes, axis = values
    return op.apply(x, sizes, axis + 1)


@rule(Unbind)
def _unbind(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, axis = values
    return op.apply(x, axis + 1)


@rule(Cat, Stack)
def _join(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    axis, *xs = values
    whole = [expanded(x, b, size) for x, b in zip(xs, batched[1:], strict=True)]
    return op.apply(moved(axis, rank(whole[0], True)), *whole)
