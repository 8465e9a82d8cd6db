"""What is made of the exponential, float32, in one pass.

With n the whole number nearest to x / ln 2 and r = x - n ln 2, e^x = 2^n e^r; there |r| <= 0.35, and the
Taylor series to r^7 is exact to 5e-9. 2^n is made of its bits, as two factors, so that results may
overflow or be subnormal. Without calls or branches all of it becomes vector instructions.

Source: Muller, "Elementary Functions: Algorithms and Implementation", 2016, chapter 11.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.kernels import pointwise, special
from penlight.kernels.compiled.loops import fit, loops

__all__ = ["logistic", "logistic_of", "normal_cdf", "normal_cdf_of", "vector_exp"]

_plain_logistic = pointwise.logistic
_plain_normal_cdf = special.normal_cdf

_PER_LN2 = np.float32(1 / math.log(2))
_LN2 = np.float32(0.693145752)  # few digits, so that n times it is exact
_LN2_REST = np.float32(math.log(2) - 0.6931457519531250)
_ROUNDING = np.float32(1.5 * 2**23)  # a sum with it has no digits behind the point
_LOW, _HIGH = np.float32(-104), np.float32(89)  # e^x rounds to 0, to infinity
_ONE, _HALF, _ZERO = np.float32(1), np.float32(0.5), np.float32(0)
_C2, _C3, _C4, _C5, _C6, _C7 = (np.float32(1 / math.factorial(k)) for k in range(2, 8))
_L0, _L1, _L2, _L3, _L4, _L5, _L6 = map(np.float32, special._LOG_ODDS)


@loops
def _power_of_two(n: Any) -> Any:
    return np.int32((n + np.int32(127)) << np.int32(23)).view(np.float32)


@loops
def vector_exp(x: Any) -> Any:
    """e^x of one number."""
    x = _LOW if x < _LOW else x
    x = _HIGH if x > _HIGH else x
    n = (x * _PER_LN2 + _ROUNDING) - _ROUNDING
    r = (x - n * _LN2) - n * _LN2_REST
    y = _ONE + r * (_ONE + r * (_C2 + r * (_C3 + r * (_C4 + r * (_C5 + r * (_C6 + r * _C7))))))
    whole = np.int32(n if n == n else _ZERO)  # NaN has no whole number
    half = np.int32(whole >> np.int32(1))
    return y * _power_of_two(half) * _power_of_two(np.int32(whole - half))


@loops
def logistic_of(x: Any) -> Any:
    """1 / (1 + e^-x) of one number."""
    return _ONE / (_ONE + vector_exp(-x))


@loops
def normal_cdf_of(x: Any) -> Any:
    """P(x) of one number, by the same polynomial as NumPy's kernel."""
    t = x * x
    odds = x * ((((((_L0 * t + _L1) * t + _L2) * t + _L3) * t + _L4) * t + _L5) * t + _L6)
    return logistic_of(odds)


@loops
def _logistic(y: Any, x: Any, factor: Any) -> None:
    for i in range(y.size):
        y[i] = logistic_of(factor * x[i])


@loops
def _normal_cdf(y: Any, x: Any) -> None:
    for i in range(y.size):
        y[i] = normal_cdf_of(x[i])


def _fit(y: Any, x: Any) -> bool:
    return type(x) is np.ndarray and y.dtype == np.float32 and fit(y, x) and x.shape == y.shape


def logistic(y: np.ndarray, x: np.ndarray, factor: float = 1.0) -> None:
    """y = 1 / (1 + e^-(factor x)), into y."""
    if _fit(y, x):
        _logistic(y.reshape(-1), x.reshape(-1), np.float32(factor))
    else:
        _plain_logistic(y, x, factor)


def normal_cdf(y: np.ndarray, x: np.ndarray) -> None:
    """y = P(x) = (1 + erf(x / sqrt 2)) / 2, into y."""
    if _fit(y, x):
        _normal_cdf(y.reshape(-1), x.reshape(-1))
    else:
        _plain_normal_cdf(y, x)
