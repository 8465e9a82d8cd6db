"""NumPy's dispatch protocols (NEP 13, NEP 18): ``np.exp(tensor)`` is ``penlight.exp(tensor)``.

This is what lets one ``backward``, written in NumPy functions, run on ndarrays when it only
computes and on Tensors when it records a graph of its own. Functions without an entry here run on
the tensors' arrays, which raises for tensors that require gradients, as ``.numpy()`` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penlight._core.arrays import ArrayLike, as_array
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.primitives import BroadcastTo, Cast
from penlight.ops import (
    activation,
    arithmetic,
    bits,
    comparison,
    complex,
    einsum,
    exponential,
    extrema,
    joining,
    matmul,
    products,
    reduction,
    repeating,
    rounding,
    running,
    scatter,
    selection,
    shape,
    statistics,
    triangles,
    trigonometry as trig,
)
from penlight.ops.promotion import promoted

__all__ = ["array_function", "array_ufunc"]


def _of_promoted(op: Any) -> Callable[..., Any]:
    """A function of two operands, either of which may be a number."""
    return lambda a, b: op.apply(*promoted(a, b))


UFUNCS: dict[Any, Callable[..., Any]] = {
    np.add: arithmetic.add,
    np.subtract: arithmetic.sub,
    np.multiply: arithmetic.mul,
    np.true_divide: arithmetic.div,
    np.power: arithmetic.pow,
    np.negative: arithmetic.neg,
    np.reciprocal: arithmetic.reciprocal,
    np.square: arithmetic.square,
    np.exp: exponential.exp,
    np.log: exponential.log,
    np.sqrt: exponential.sqrt,
    np.maximum: _of_promoted(selection.Maximum),
    np.minimum: _of_promoted(selection.Minimum),
    np.matmul: matmul.matmul,
    np.equal: comparison.eq,
    np.not_equal: comparison.ne,
    np.less: comparison.lt,
    np.less_equal: comparison.le,
    np.greater: comparison.gt,
    np.greater_equal: comparison.ge,
    np.logical_and: comparison.logical_and,
    np.logical_or: comparison.logical_or,
    np.logical_xor: comparison.logical_xor,
    np.logical_not: comparison.logical_not,
    np.bitwise_and: bits.bitwise_and,
    np.bitwise_or: bits.bitwise_or,
    np.bitwise_xor: bits.bitwise_xor,
    np.invert: bits.bitwise_not,
    np.isnan: comparison.isnan,
    np.isinf: comparison.isinf,
    np.isfinite: comparison.isfinite,
    np.exp2: exponential.exp2,
    np.expm1: exponential.expm1,
    np.log2: exponential.log2,
    np.log10: exponential.log10,
    np.log1p: exponential.log1p,
    np.logaddexp: exponential.logaddexp,
    np.sin: trig.sin,
    np.cos: trig.cos,
    np.tan: trig.tan,
    np.arcsin: trig.asin,
    np.arccos: trig.acos,
    np.arctan: trig.atan,
    np.arctan2: trig.atan2,
    np.sinh: trig.sinh,
    np.cosh: trig.cosh,
    np.tanh: activation.tanh,
    np.arcsinh: trig.asinh,
    np.arccosh: trig.acosh,
    np.arctanh: trig.atanh,
    np.hypot: trig.hypot,
    np.absolute: rounding.abs,
    np.sign: rounding.sgn,
    np.floor: rounding.floor,
    np.ceil: rounding.ceil,
    np.trunc: rounding.trunc,
    np.rint: rounding.round,
    np.fmod: rounding.fmod,
    np.remainder: rounding.remainder,
    np.floor_divide: rounding.floor_divide,
    np.conjugate: complex.conj,
}


def _axis_form(function: Callable[..., Any]) -> Callable[..., Any]:
    """Accept NumPy's ``axis`` and ``keepdims`` for PyTorch's ``dim`` and ``keepdim``."""

    def with_axis(x: Any, axis: Any = None, keepdims: bool = False, **unused: Any) -> Any:
        return function(x, axis, keepdims)

    return with_axis


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: _axis_form(reduction.sum),
    np.mean: _axis_form(reduction.mean),
    np.where: selection.where,
    np.real: complex.real,
    np.imag: complex.imag,
    np.reshape: shape.reshape,
    np.transpose: lambda x, axes=None: x.permute(axes or tuple(range(x.ndim))[::-1]),
    np.swapaxes: shape.transpose,
    np.expand_dims: shape.unsqueeze,
    np.squeeze: lambda x, axis=None: shape.squeeze(x, axis),
    np.broadcast_to: lambda x, shape: BroadcastTo.apply(x, tuple(shape)),
    np.moveaxis: shape.movedim,
    np.concatenate: lambda xs, axis=0: joining.cat(_tensors_of(xs), axis),
    np.stack: lambda xs, axis=0: joining.stack(_tensors_of(xs), axis),
    np.flip: lambda x, axis=None: repeating.flip(x, tuple(range(x.ndim)) if axis is None else axis),
    np.roll: repeating.roll,
    np.tile: repeating.tile,
    np.take_along_axis: lambda x, indices, axis: scatter.take_along_dim(x, indices, axis),
    np.clip: rounding.clamp,
    np.cumsum: lambda x, axis: running.cumsum(x, axis),
    np.cumprod: lambda x, axis: running.cumprod(x, axis),
    np.prod: _axis_form(statistics.prod),
    np.amax: _axis_form(lambda x, axis, keepdims: extrema.amax(x, axis, keepdims)),
    np.amin: _axis_form(lambda x, axis, keepdims: extrema.amin(x, axis, keepdims)),
    np.einsum: lambda equation, *xs, **unused: einsum.einsum(equation, *_tensors_of(xs)),
    np.outer: products.outer,
    np.trace: products.trace,
    np.tril: triangles.tril,
    np.triu: triangles.triu,
    np.astype: lambda x, dtype, copy=True: Cast.apply(x, np.dtype(dtype)),
}


def _tensors_of(args: Any) -> Any:
    """ndarrays (and 0-d masks, which NumPy gives as scalars) as tensors, so that ops take them."""
    return tuple(
        wrap(TensorBase._result_type, as_array(a))
        if isinstance(a, (np.ndarray, np.bool_, ArrayLike))
        else a
        for a in args
    )


def _arrays_of(value: Any) -> Any:
    if isinstance(value, TensorBase):
        return np.asarray(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_arrays_of(v) for v in value)
    return value


def array_ufunc(ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """``Tensor.__array_ufunc__``."""
    function = UFUNCS.get(ufunc) if method == "__call__" and not kwargs else None
    if function is not None:
        return function(*_tensors_of(inputs))
    if method == "reduce" and ufunc is np.add and set(kwargs) <= {"axis", "keepdims"}:
        return FUNCTIONS[np.sum](*inputs, **kwargs)
    into: Any = kwargs.get("out") or ()
    result = getattr(ufunc, method)(
        *map(_arrays_of, inputs), **{k: _arrays_of(v) for k, v in kwargs.items()}
    )
    if into or not isinstance(result, (np.ndarray, np.generic)):
        return into[0] if len(into) == 1 else result
    return wrap(TensorBase._result_type, np.asarray(result))


def array_function(function: Any, args: Any, kwargs: Any) -> Any:
    """``Tensor.__array_function__``."""
    ours = FUNCTIONS.get(function)
    if ours is not None:
        return ours(*_tensors_of(args), **kwargs)
    return function(*_arrays_of(list(args)), **{k: _arrays_of(v) for k, v in kwargs.items()})
