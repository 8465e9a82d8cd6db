"""Arithmetic, elementwise functions and comparison: Python's operators and methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penlight.autograd.inplace import apply_inplace
from penlight.ops import (
    activation,
    arithmetic,
    bits,
    comparison,
    exponential,
    rounding,
    selection,
    softmax,
)
from penlight.ops import matmul as matrix
from penlight.ops import products
from penlight.ops import trigonometry as trig
from penlight.tensor.inplace import inplace

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["ArithmeticMethods"]


class ArithmeticMethods:
    """Operators and elementwise methods."""

    __slots__ = ()

    add = __add__ = __radd__ = arithmetic.add
    sub = subtract = __sub__ = arithmetic.sub
    rsub = __rsub__ = arithmetic.rsub
    mul = multiply = __mul__ = __rmul__ = arithmetic.mul
    div = divide = true_divide = __truediv__ = arithmetic.div
    pow = __pow__ = arithmetic.pow
    neg = negative = __neg__ = arithmetic.neg
    reciprocal, square = arithmetic.reciprocal, arithmetic.square
    exp, exp2, expm1 = exponential.exp, exponential.exp2, exponential.expm1
    log, log2, log10, log1p = (
        exponential.log, exponential.log2, exponential.log10, exponential.log1p,
    )  # fmt: skip
    sqrt, rsqrt, logaddexp = exponential.sqrt, exponential.rsqrt, exponential.logaddexp
    maximum, minimum = selection.maximum, selection.minimum
    sin, cos, tan = trig.sin, trig.cos, trig.tan
    asin = arcsin = trig.asin
    acos = arccos = trig.acos
    atan = arctan = trig.atan
    sinh, cosh = trig.sinh, trig.cosh
    asinh = arcsinh = trig.asinh
    acosh = arccosh = trig.acosh
    atanh = arctanh = trig.atanh
    atan2 = arctan2 = trig.atan2
    hypot = trig.hypot
    relu, sigmoid, tanh = activation.relu, activation.sigmoid, activation.tanh
    erf, erfc = activation.erf, activation.erfc
    softmax, log_softmax = softmax.softmax, softmax.log_softmax
    abs = absolute = __abs__ = rounding.abs
    sign, sgn = rounding.sign, rounding.sgn
    floor, ceil, round, frac = rounding.floor, rounding.ceil, rounding.round, rounding.frac
    trunc = fix = rounding.trunc
    fmod = rounding.fmod
    remainder = __mod__ = rounding.remainder
    floor_divide = __floordiv__ = rounding.floor_divide
    clamp = clip = rounding.clamp
    clamp_min, clamp_max = rounding.clamp_min, rounding.clamp_max
    nan_to_num = rounding.nan_to_num
    lerp, addcmul, addcdiv = products.lerp, products.addcmul, products.addcdiv

    add_ = inplace(arithmetic.add)
    sub_ = subtract_ = inplace(arithmetic.sub)
    mul_ = multiply_ = inplace(arithmetic.mul)
    div_ = divide_ = true_divide_ = inplace(arithmetic.div)
    pow_, neg_ = inplace(arithmetic.pow), inplace(arithmetic.neg)
    negative_ = neg_
    reciprocal_, square_ = inplace(arithmetic.reciprocal), inplace(arithmetic.square)
    exp_, exp2_, expm1_ = map(inplace, (exponential.exp, exponential.exp2, exponential.expm1))
    log_, log2_, log10_, log1p_ = map(
        inplace, (exponential.log, exponential.log2, exponential.log10, exponential.log1p)
    )
    sqrt_, rsqrt_ = inplace(exponential.sqrt), inplace(exponential.rsqrt)
    sin_, cos_, tan_ = inplace(trig.sin), inplace(trig.cos), inplace(trig.tan)
    asin_, acos_, atan_ = inplace(trig.asin), inplace(trig.acos), inplace(trig.atan)
    sinh_, cosh_ = inplace(trig.sinh), inplace(trig.cosh)
    asinh_, acosh_, atanh_ = inplace(trig.asinh), inplace(trig.acosh), inplace(trig.atanh)
    atan2_ = inplace(trig.atan2)
    relu_, sigmoid_, tanh_ = map(inplace, (activation.relu, activation.sigmoid, activation.tanh))
    erf_, erfc_ = inplace(activation.erf), inplace(activation.erfc)
    abs_ = absolute_ = inplace(rounding.abs)
    sign_ = sgn_ = inplace(rounding.sign)
    floor_, ceil_, round_ = map(inplace, (rounding.floor, rounding.ceil, rounding.round))
    trunc_, frac_ = inplace(rounding.trunc), inplace(rounding.frac)
    fmod_, remainder_ = inplace(rounding.fmod), inplace(rounding.remainder)
    floor_divide_ = inplace(rounding.floor_divide)
    clamp_ = clip_ = inplace(rounding.clamp)
    clamp_min_, clamp_max_ = inplace(rounding.clamp_min), inplace(rounding.clamp_max)
    nan_to_num_ = inplace(rounding.nan_to_num)
    lerp_, addcmul_, addcdiv_ = map(inplace, (products.lerp, products.addcmul, products.addcdiv))

    def __rtruediv__(self: Tensor, other: Any) -> Tensor:
        return arithmetic.div(other, self)

    def __rpow__(self: Tensor, other: Any) -> Tensor:
        return arithmetic.pow(other, self)

    def __rmod__(self: Tensor, other: Any) -> Tensor:
        return rounding.remainder(other, self)

    def __rfloordiv__(self: Tensor, other: Any) -> Tensor:
        return rounding.floor_divide(other, self)

    def __matmul__(self: Tensor, other: Tensor) -> Tensor:
        return matrix.matmul(self, other)

    def __rmatmul__(self: Tensor, other: Tensor) -> Tensor:
        return matrix.matmul(other, self)

    def __pos__(self: Tensor) -> Tensor:
        return self

    def __iadd__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, arithmetic.add, other)

    def __isub__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, arithmetic.sub, other)

    def __imul__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, arithmetic.mul, other)

    def __itruediv__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, arithmetic.div, other)

    def __ifloordiv__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, rounding.floor_divide, other)

    def __imod__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, rounding.remainder, other)

    def __ipow__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, arithmetic.pow, other)

    eq = comparison.eq
    ne = not_equal = __ne__ = comparison.ne
    lt = less = __lt__ = comparison.lt
    le = less_equal = __le__ = comparison.le
    gt = greater = __gt__ = comparison.gt
    ge = greater_equal = __ge__ = comparison.ge
    logical_and, logical_or = comparison.logical_and, comparison.logical_or
    logical_xor, logical_not = comparison.logical_xor, comparison.logical_not
    bitwise_and = __and__ = __rand__ = bits.bitwise_and
    bitwise_or = __or__ = __ror__ = bits.bitwise_or
    bitwise_xor = __xor__ = __rxor__ = bits.bitwise_xor
    bitwise_not = __invert__ = bits.bitwise_not
    isnan, isinf, isfinite = comparison.isnan, comparison.isinf, comparison.isfinite
    isclose, allclose, equal = comparison.isclose, comparison.allclose, comparison.equal
    logical_and_, logical_or_ = inplace(comparison.logical_and), inplace(comparison.logical_or)
    logical_not_ = inplace(comparison.logical_not)

    def __eq__(self: Any, other: Any) -> Any:
        """Elementwise; ``False`` against what no tensor can equal, so that ``in`` works on lists."""
        try:
            return comparison.eq(self, other)
        except TypeError:
            return NotImplemented

    def __hash__(self) -> int:
        return id(self)

    matmul, mm, bmm, mv, dot = matrix.matmul, matrix.mm, matrix.bmm, matrix.mv, matrix.dot
    addmm, addmv, addr = products.addmm, products.addmv, products.addr
    baddbmm, addbmm = products.baddbmm, products.addbmm
    addmm_, addmv_, baddbmm_ = map(inplace, (products.addmm, products.addmv, products.baddbmm))
    outer = ger = products.outer
    inner, cross, trace = products.inner, products.cross, products.trace
    tril, triu = products.tril, products.triu
    tril_, triu_ = inplace(products.tril), inplace(products.triu)
