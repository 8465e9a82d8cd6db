"""Ops over or along axes: those of a sample are one further in the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight.autograd.primitives import SumTo
from penlight.ops import (
    extrema,
    fourier,
    norms,
    reduction,
    repeating,
    running,
    softmax,
    statistics,
    strides,
)
from penlight.ops.batching.common import expanded, moved, rank, reshaped, rule, shape
from penlight.ops.batching.loop import loop

__all__: list[str] = []


def _with_axes_at(place: int) -> Callable[..., Any]:
    """The rule of ops of one tensor whose axes are argument ``place``."""

    def of_axes(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
        if not batched[0] or any(batched[1:]):
            return loop(op, size, values, batched)
        x, arguments = values[0], list(values[1:])
        arguments[place - 1] = moved(arguments[place - 1], rank(x, True))
        return op.apply(x, *arguments)

    return of_axes


rule(
    reduction.Sum, reduction.Mean, norms.LogSumExp, norms.Norm2, norms.Norm0, extrema.Extremum,
    statistics.Var, statistics.Std, statistics.Prod, statistics.OthersProduct,
    running.CumSum, running.CumProd, running.LogCumSumExp, softmax.Softmax, softmax.LogSoftmax,
    repeating.Flip, strides.Unfold, fourier.FFT, fourier.RFFT, fourier.IRFFT,
)(_with_axes_at(1))  # fmt: skip
rule(norms.NormP, repeating.Roll)(_with_axes_at(2))


@rule(extrema.Pick)
def _pick(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, index, axis, label = values
    both = [expanded(v, b, size) for v, b in zip((x, index), batched, strict=False)]
    return op.apply(*both, axis + 1, label)


@rule(strides.Diagonal)
def _diagonal(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, offset, a, b = values
    return op.apply(x, offset, moved(a, rank(x, True)), moved(b, rank(x, True)))


@rule(strides.PlaceDiagonal)
def _place_diagonal(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, sizes, offset, a, b = values
    return op.apply(x, (size, *sizes), offset, *(moved(axis, len(sizes)) for axis in (a, b)))


@rule(strides.AsStrided)
def _as_strided(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, sizes, steps, offset = values
    flat = reshaped(x, (size, -1)) if size else x
    elements = shape(flat)[1]
    last = offset + sum((n - 1) * s for n, s in zip(sizes, steps, strict=True))
    if all(sizes) and last >= elements:
        raise RuntimeError(
            f"as_strided: sizes {list(sizes)}, strides {list(steps)}, storage offset {offset} reach "
            f"element {last} of a sample of {elements} elements"
        )
    return op.apply(flat, (size, *sizes), (elements, *steps), offset)


@rule(strides.FoldAlong)
def _fold_along(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, sizes, axis, *others = values
    return op.apply(x, (size, *sizes), axis + 1, *others)


@rule(SumTo)
def _sum_to(op: Any, size: int, values: list[Any], batched: list[bool]) -> Any:
    x, sizes = values
    extra = rank(x, True) - len(sizes)
    return reshaped(op.apply(x, (size, *(1,) * extra, *sizes)), (size, *sizes))
