"""Elementwise functions, comparisons and products as methods, and their in-place variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penlight.ops import (
    activation,
    arithmetic,
    bessel,
    bits,
    comparison,
    complex,
    exponential,
    incomplete_gamma,
    matmul as matrix,
    piecewise,
    products,
    rounding,
    selection,
    softmax,
    special,
    triangles,
    trigonometry as trig,
)
from penlight.tensor.inplace import inplace
from penlight.tensor.older_calls import older_order

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["PointwiseMethods"]


class PointwiseMethods:
    """Most are the functions themselves, which take the tensor first."""

    __slots__ = ()

    # -- arithmetic --------------------------------------------------------------------------

    add, mul, rsub = older_order(arithmetic.add), arithmetic.mul, arithmetic.rsub
    multiply = mul
    sub = subtract = older_order(arithmetic.sub)
    div = divide = true_divide = arithmetic.div
    pow, float_power = arithmetic.pow, arithmetic.float_power
    neg = negative = arithmetic.neg
    positive = arithmetic.positive
    reciprocal, square = arithmetic.reciprocal, arithmetic.square
    add_, mul_ = inplace(arithmetic.add), inplace(arithmetic.mul)
    multiply_ = mul_
    sub_ = subtract_ = inplace(arithmetic.sub)
    div_ = divide_ = true_divide_ = inplace(arithmetic.div)
    pow_, float_power_ = inplace(arithmetic.pow), inplace(arithmetic.float_power)
    neg_ = negative_ = inplace(arithmetic.neg)
    reciprocal_, square_ = inplace(arithmetic.reciprocal), inplace(arithmetic.square)

    # -- exponentials and trigonometry -------------------------------------------------------

    exp, exp2, expm1 = exponential.exp, exponential.exp2, exponential.expm1
    log, log2, log10 = exponential.log, exponential.log2, exponential.log10
    log1p, sqrt, rsqrt = exponential.log1p, exponential.sqrt, exponential.rsqrt
    logaddexp, logaddexp2 = exponential.logaddexp, exponential.logaddexp2
    exp_, exp2_ = inplace(exponential.exp), inplace(exponential.exp2)
    expm1_, log_ = inplace(exponential.expm1), inplace(exponential.log)
    log2_, log10_ = inplace(exponential.log2), inplace(exponential.log10)
    log1p_, sqrt_ = inplace(exponential.log1p), inplace(exponential.sqrt)
    rsqrt_ = inplace(exponential.rsqrt)

    sin, cos, tan, hypot, sinc = trig.sin, trig.cos, trig.tan, trig.hypot, trig.sinc
    asin = arcsin = trig.asin
    acos = arccos = trig.acos
    atan = arctan = trig.atan
    sinh, cosh = trig.sinh, trig.cosh
    asinh = arcsinh = trig.asinh
    acosh = arccosh = trig.acosh
    atanh = arctanh = trig.atanh
    atan2 = arctan2 = trig.atan2
    deg2rad, rad2deg = trig.deg2rad, trig.rad2deg
    sin_, cos_, tan_ = inplace(trig.sin), inplace(trig.cos), inplace(trig.tan)
    asin_ = arcsin_ = inplace(trig.asin)
    acos_ = arccos_ = inplace(trig.acos)
    atan_ = arctan_ = inplace(trig.atan)
    sinh_, cosh_, sinc_ = inplace(trig.sinh), inplace(trig.cosh), inplace(trig.sinc)
    asinh_ = arcsinh_ = inplace(trig.asinh)
    acosh_ = arccosh_ = inplace(trig.acosh)
    atanh_ = arctanh_ = inplace(trig.atanh)
    atan2_ = arctan2_ = inplace(trig.atan2)
    hypot_, deg2rad_, rad2deg_ = inplace(trig.hypot), inplace(trig.deg2rad), inplace(trig.rad2deg)

    relu, sigmoid, tanh = activation.relu, activation.sigmoid, activation.tanh
    erf, erfc = activation.erf, activation.erfc
    softmax, log_softmax = softmax.softmax, softmax.log_softmax
    relu_, sigmoid_ = inplace(activation.relu), inplace(activation.sigmoid)
    tanh_, erf_, erfc_ = inplace(activation.tanh), inplace(activation.erf), inplace(activation.erfc)

    # -- special -----------------------------------------------------------------------------

    lgamma, digamma, mvlgamma = special.lgamma, special.digamma, special.mvlgamma
    erfinv, logit, xlogy = special.erfinv, special.logit, special.xlogy
    copysign, ldexp, frexp = special.copysign, special.ldexp, special.frexp
    signbit, nextafter = special.signbit, special.nextafter
    isposinf, isneginf = special.isposinf, special.isneginf
    lgamma_, digamma_ = inplace(special.lgamma), inplace(special.digamma)
    mvlgamma_, erfinv_ = inplace(special.mvlgamma), inplace(special.erfinv)
    logit_, xlogy_ = inplace(special.logit), inplace(special.xlogy)
    copysign_, ldexp_ = inplace(special.copysign), inplace(special.ldexp)
    nextafter_ = inplace(special.nextafter)
    i0, i0_ = bessel.i0, inplace(bessel.i0)

    def polygamma(self: Any, n: int) -> Tensor:
        """The n-th derivative of :meth:`digamma`."""
        return special.polygamma(n, self)

    polygamma_ = inplace(polygamma)

    # -- rounding and choosing ---------------------------------------------------------------

    abs = absolute = rounding.abs
    sign, sgn = rounding.sign, rounding.sgn
    floor, ceil, round, frac = rounding.floor, rounding.ceil, rounding.round, rounding.frac
    trunc = fix = rounding.trunc
    fmod, remainder = rounding.fmod, rounding.remainder
    floor_divide, nan_to_num = rounding.floor_divide, rounding.nan_to_num
    clamp = clip = rounding.clamp
    clamp_min, clamp_max = rounding.clamp_min, rounding.clamp_max
    abs_ = absolute_ = inplace(rounding.abs)
    sign_, sgn_ = inplace(rounding.sign), inplace(rounding.sgn)
    floor_, ceil_, round_ = inplace(rounding.floor), inplace(rounding.ceil), inplace(rounding.round)
    trunc_ = fix_ = inplace(rounding.trunc)
    frac_, fmod_ = inplace(rounding.frac), inplace(rounding.fmod)
    remainder_, nan_to_num_ = inplace(rounding.remainder), inplace(rounding.nan_to_num)
    floor_divide_ = inplace(rounding.floor_divide)
    clamp_ = clip_ = inplace(rounding.clamp)
    clamp_min_, clamp_max_ = inplace(rounding.clamp_min), inplace(rounding.clamp_max)

    maximum, minimum = selection.maximum, selection.minimum
    fmax, fmin, heaviside = selection.fmax, selection.fmin, selection.heaviside
    heaviside_ = inplace(selection.heaviside)

    # -- comparison, logic, bits -------------------------------------------------------------

    eq, lt, le, gt, ge = (
        comparison.eq, comparison.lt, comparison.le, comparison.gt, comparison.ge,
    )  # fmt: skip
    ne = not_equal = comparison.ne
    less, less_equal, greater, greater_equal = lt, le, gt, ge
    logical_and, logical_or = comparison.logical_and, comparison.logical_or
    logical_xor, logical_not = comparison.logical_xor, comparison.logical_not
    isnan, isinf, isfinite = comparison.isnan, comparison.isinf, comparison.isfinite
    isclose, allclose, equal = comparison.isclose, comparison.allclose, comparison.equal
    bitwise_and, bitwise_or = bits.bitwise_and, bits.bitwise_or
    bitwise_xor, bitwise_not = bits.bitwise_xor, bits.bitwise_not
    bitwise_left_shift, bitwise_right_shift = bits.bitwise_left_shift, bits.bitwise_right_shift
    gcd, lcm = bits.gcd, bits.lcm
    hardshrink, prelu = piecewise.hardshrink, piecewise.prelu
    igamma, igammac = incomplete_gamma.igamma, incomplete_gamma.igammac
    eq_, ne_ = inplace(comparison.eq), inplace(comparison.ne)
    not_equal_ = ne_
    lt_ = less_ = inplace(comparison.lt)
    le_ = less_equal_ = inplace(comparison.le)
    gt_ = greater_ = inplace(comparison.gt)
    ge_ = greater_equal_ = inplace(comparison.ge)
    logical_and_, logical_or_ = inplace(comparison.logical_and), inplace(comparison.logical_or)
    logical_xor_, logical_not_ = inplace(comparison.logical_xor), inplace(comparison.logical_not)
    bitwise_and_, bitwise_or_ = inplace(bits.bitwise_and), inplace(bits.bitwise_or)
    bitwise_xor_, bitwise_not_ = inplace(bits.bitwise_xor), inplace(bits.bitwise_not)
    bitwise_left_shift_ = inplace(bits.bitwise_left_shift)
    bitwise_right_shift_ = inplace(bits.bitwise_right_shift)
    igamma_, igammac_ = inplace(incomplete_gamma.igamma), inplace(incomplete_gamma.igammac)
    gcd_, lcm_ = inplace(bits.gcd), inplace(bits.lcm)

    # -- complex numbers ---------------------------------------------------------------------

    angle, conj, conj_physical = complex.angle, complex.conj, complex.conj_physical
    resolve_conj, resolve_neg = complex.resolve_conj, complex.resolve_neg
    isreal = complex.isreal
    conj_physical_ = inplace(complex.conj_physical)

    @property
    def real(self: Any) -> Tensor:
        """The real part: a view."""
        return complex.real(self)

    @real.setter
    def real(self: Any, value: Any) -> None:
        complex.real(self).copy_(value)

    @property
    def imag(self: Any) -> Tensor:
        """The imaginary part: a view."""
        return complex.imag(self)

    @imag.setter
    def imag(self: Any, value: Any) -> None:
        complex.imag(self).copy_(value)

    # -- products ----------------------------------------------------------------------------

    matmul, mm, bmm, mv, dot = matrix.matmul, matrix.mm, matrix.bmm, matrix.mv, matrix.dot
    vdot = matrix.vdot
    addmm, addmv = older_order(products.addmm), older_order(products.addmv)
    addr, lerp = older_order(products.addr), products.lerp
    baddbmm, addbmm = older_order(products.baddbmm), older_order(products.addbmm)
    addcmul, addcdiv = older_order(products.addcmul), older_order(products.addcdiv)
    outer = ger = products.outer
    inner, cross, kron, trace = products.inner, products.cross, products.kron, products.trace
    tril, triu = triangles.tril, triangles.triu
    addmm_, addmv_, addr_ = inplace(products.addmm), inplace(products.addmv), inplace(products.addr)
    baddbmm_, addbmm_ = inplace(products.baddbmm), inplace(products.addbmm)
    lerp_, addcmul_ = inplace(products.lerp), inplace(products.addcmul)
    addcdiv_ = inplace(products.addcdiv)
    tril_, triu_ = inplace(triangles.tril), inplace(triangles.triu)
