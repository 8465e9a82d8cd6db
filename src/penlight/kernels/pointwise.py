"""Elementwise arithmetic in the form that runs fastest, for ndarrays and (in backward) Tensors.

A formula of five operations makes five passes over its arrays. :func:`blockwise` makes them a block at
a time, so that what is made on the way stays in the cache; :func:`filled` does without temporaries.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib import introspect

from penlight.kernels.chunks import ranges, run

__all__ = [
    "blockwise", "clip", "exponential", "filled", "filled_two", "gated", "leaky", "logistic",
    "negative_part", "positive_part", "signs", "squared_distance",
]  # fmt: skip

_LARGE = 4096  # from this size on np.clip, three times as fast per element, makes up for its start
_BLOCK = 1 << 20  # bytes of a block; in shorter ones threads wait for the interpreter's lock
_SHARED = 1 << 22  # bytes of an array from which on two threads are faster than one
_PIECE = 1024  # elements whose squares are summed one after the other
_INTEGERS: dict[int, Any] = {2: np.int16, 4: np.int32, 8: np.int64}  # by size in bytes

# where NumPy has a vector form of exp2 for this processor, it is twice as fast as exp
_EXP2 = introspect.opt_func_info("^exp2$", "float32").get("exp2", {}).get("ff", {})
_FAST_EXP2 = "baseline" not in _EXP2.get("current", "baseline")


def _blocks(xs: tuple[Any, ...]) -> list[tuple[int, int]]:
    """The parts of large arrays, one after the other in memory; none if they are not large or not so."""
    x = xs[0]
    if type(x) is not np.ndarray or x.nbytes < _SHARED:
        return []
    for a in xs:
        if type(a) is not np.ndarray or a.shape != x.shape or not a.flags.c_contiguous:
            return []
        if a.dtype is not x.dtype and a.dtype.kind != "b":
            return []
    return ranges(x.size, _BLOCK // x.itemsize)


def blockwise(formula: Callable[..., Any], *xs: Any) -> Any:
    """``formula(*xs)``, elementwise in arrays of one shape; the result has the first one's dtype.

    Tensors, and arrays that are small or do not fit together, reach ``formula`` whole.
    """
    blocks = _blocks(xs)
    if not blocks:
        return formula(*xs)

    def kernel(y: np.ndarray, *parts: np.ndarray) -> None:
        y[...] = formula(*parts)

    y = np.empty_like(xs[0])
    _fill(blocks, kernel, (y, *xs))
    return y


def filled(kernel: Callable[..., Any], *xs: Any) -> Any:
    """A new array like the first of ``xs``, which ``kernel(y, *xs)`` fills element by element."""
    y = np.empty_like(xs[0])
    _fill(_blocks(xs), kernel, (y, *xs))
    return y


def filled_two(kernel: Callable[..., Any], *xs: Any) -> tuple[Any, Any]:
    """Two new arrays like the first of ``xs``, which ``kernel(y, z, *xs)`` fills."""
    y, z = np.empty_like(xs[0]), np.empty_like(xs[0])
    _fill(_blocks(xs), kernel, (y, z, *xs))
    return y, z


def _fill(blocks: list[tuple[int, int]], kernel: Callable[..., Any], arrays: Any) -> None:
    if not blocks:
        kernel(*arrays)
        return
    flat = [a.reshape(-1) for a in arrays]

    def task(i: int) -> None:
        start, stop = blocks[i]
        kernel(*[a[start:stop] for a in flat])

    run(task, len(blocks))


def squared_distance(x: np.ndarray, t: np.ndarray) -> Any:
    """sum (x - t)^2, in float32 for halves: dot products of pieces that are short enough to be exact."""
    if x.dtype.char == "e":
        return np.add.reduce(np.square(x - t), axis=None, dtype=np.float32)
    if x.size <= _PIECE:
        error = (x - t).reshape(-1)
        return error.dot(error)
    blocks = _blocks((x, t)) or [(0, x.size)]
    sums = np.empty(len(blocks), x.dtype)
    flat_x, flat_t = x.reshape(-1), t.reshape(-1)

    def task(i: int) -> None:
        start, stop = blocks[i]
        error = flat_x[start:stop] - flat_t[start:stop]
        whole = error.size - error.size % _PIECE
        pieces = error[:whole].reshape(-1, _PIECE)
        rest = error[whole:]
        sums[i] = np.add.reduce(np.vecdot(pieces, pieces)) + np.dot(rest, rest)

    run(task, len(blocks))
    return np.add.reduce(sums)


# -- pieces ----------------------------------------------------------------------------------


def _is_large(x: Any) -> bool:
    return type(x) is np.ndarray and x.size > _LARGE and x.dtype.kind == "f"


def positive_part(x: Any) -> Any:
    """max(x, 0), elementwise."""
    return clip(x, 0, math.inf) if _is_large(x) else np.maximum(x, 0)


def negative_part(x: Any) -> Any:
    """min(x, 0), elementwise."""
    return clip(x, -math.inf, 0) if _is_large(x) else np.minimum(x, 0)


def signs(x: Any) -> Any:
    """1, 0 or -1 by the sign of x, for ndarrays as small integers; 0 for NaN, which has none."""
    if type(x) is not np.ndarray or x.dtype.kind != "f":
        return np.sign(x)
    return (x > 0).view(np.int8) - (x < 0).view(np.int8)


def clip(x: Any, low: float, high: float) -> Any:
    """x held between two numbers, elementwise."""
    if _is_large(x):
        if x.nbytes < _SHARED:
            return x.clip(low, high)
        return filled(lambda y, x: x.clip(low, high, out=y), x)
    return np.minimum(np.maximum(x, low), high)


def gated(dy: Any, keep: Any) -> Any:
    """dy where ``keep`` is not 0, and 0 elsewhere, even where dy is infinite or NaN.

    An array's bits are multiplied by 0 or 1 as integers: ``np.where`` has the processor guess at every
    element whether it is kept, which takes ten times as long where the guesses fail.

    Args:
        keep: booleans, or numbers.
    """
    if type(dy) is np.ndarray and type(keep) is np.ndarray and dy.dtype.kind == "f" and dy.ndim:
        return filled(_gate, dy, keep)
    return np.where(keep if keep.dtype.kind == "b" else keep != 0, dy, 0)


def _gate(y: np.ndarray, dy: np.ndarray, keep: np.ndarray) -> None:
    mask = keep if keep.dtype.kind == "b" else keep != 0
    integers = _INTEGERS[dy.itemsize]
    np.multiply(dy.view(integers), mask.view(np.int8), out=y.view(integers))


def leaky(x: Any, by: Any, slope: Any) -> Any:
    """x where ``by`` is positive, and ``slope`` times x elsewhere."""
    if type(slope) is float and 0 < slope <= 1 and type(x) is np.ndarray:
        return filled(lambda y, x, by: _leak(y, x, by, slope), x, by)
    positive = by > 0
    return gated(x, positive) + gated(x * slope, ~positive)


def _leak(y: np.ndarray, x: np.ndarray, by: np.ndarray, slope: float) -> None:
    if x is by:
        np.multiply(x, slope, out=y)
        np.maximum(x, y, out=y)
    else:
        y[...] = by > 0
        y.clip(slope, 1, out=y)
        y *= x


# -- exponentials ----------------------------------------------------------------------------


def exponential(y: np.ndarray, x: np.ndarray, factor: float = 1.0) -> None:
    """y = e^(factor x), into y, which may be x; as 2^(factor x / ln 2) where that is faster.

    The exponent is then rounded, as if x were rounded once more: a relative error of 8e-8 |x|.
    """
    if _FAST_EXP2 and y.dtype.char == "f":
        np.multiply(x, factor / math.log(2), out=y)
        np.exp2(y, out=y)
    else:
        np.multiply(x, factor, out=y)
        np.exp(y, out=y)


def logistic(y: np.ndarray, x: np.ndarray, factor: float = 1.0) -> None:
    """y = 1 / (1 + e^-(factor x)), into y. Where the exponential overflows, y is 0, as it should be."""
    exponential(y, x, -factor)
    y += 1
    np.reciprocal(y, out=y)
