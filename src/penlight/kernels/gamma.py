"""The gamma function's logarithm and its derivatives, and the inverse of erf. Computed in float64."""

from __future__ import annotations

import math

import numpy as np

from penlight.kernels.special import erf, erfc

__all__ = ["digamma", "erfinv", "lgamma", "polygamma"]

# B_2k / (2k (2k - 1)) and B_2k / 2k with the Bernoulli numbers B_2, B_4 ...
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)
_LOG_GAMMA = tuple(b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI, 1))
_DIGAMMA = tuple(b / (2 * k) for k, b in enumerate(_BERNOULLI, 1))
_LARGE = 10.0  # where the asymptotic series are exact to float64


def _series(x: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    """sum_k c_k / x^(2k - 2)."""
    t = 1 / (x * x)
    total = np.zeros_like(x)
    for c in reversed(coefficients):
        total = total * t + c
    return total


def _steps(z: np.ndarray) -> list[np.ndarray]:
    """(z + k) (z + 9 - k) = z (z + 9) + k (9 - k), k = 0 ... 4: the way from z to z + 10."""
    ends = z * (z + 9)
    return [ends + k * (9 - k) for k in range(5)]


def lgamma(x: np.ndarray) -> np.ndarray:
    """ln |gamma(x)|: Stirling's series above 10, the recurrence below, reflection for x < 1/2.

    Source: DLMF 5.11.1, 5.5.1, 5.5.3, https://dlmf.nist.gov/5.
    """
    wide = x.astype(np.float64)
    reflected = wide < 0.5
    z = np.where(reflected, 1 - wide, wide)
    below = z < _LARGE
    steps = _steps(
        np.where(below, z, 1)
    )  # z (z + 1) ... (z + 9), the first and last factors as pairs
    z = np.where(below, z + _LARGE, z)
    y = (z - 0.5) * np.log(z) - z + 0.5 * math.log(2 * math.pi)
    y = y + _series(z, _LOG_GAMMA) / z - np.where(below, np.log(math.prod(steps)), 0)
    sine = np.abs(np.sin(math.pi * (wide - np.round(wide))))
    y = np.where(reflected, math.log(math.pi) - np.log(sine) - y, y)
    return np.where(np.isinf(wide), np.inf, y).astype(x.dtype)


def digamma(x: np.ndarray) -> np.ndarray:
    """(ln gamma)'(x): -inf at 0, NaN at negative integers.

    Source: DLMF 5.11.2, 5.5.2, 5.5.4, https://dlmf.nist.gov/5.
    """
    wide = x.astype(np.float64)
    reflected = wide < 0.5
    z = np.where(reflected, 1 - wide, wide)
    below = z < _LARGE
    steps = _steps(
        np.where(below, z, 1)
    )  # 1 / z + 1 / (z + 9) = (2 z + 9) / (z (z + 9)), and so on
    total = np.where(below, (2 * z + 9) * sum(1 / s for s in steps), 0)
    z = np.where(below, z + _LARGE, z)
    y = np.log(z) - 0.5 / z - _series(z, _DIGAMMA) / (z * z) - total
    nearest = np.round(wide)
    pole = (wide == nearest) & (wide <= 0)
    tangent = np.tan(math.pi * np.where(pole, 0.5, wide - nearest))
    y = np.where(reflected, y - math.pi / tangent, y)
    y = np.where(pole, np.where(wide == 0, -np.copysign(np.inf, wide), np.nan), y)
    return y.astype(x.dtype)


def polygamma(n: int, x: np.ndarray) -> np.ndarray:
    """The n-th derivative of digamma: (-1)^(n+1) n! sum_k 1 / (x + k)^(n+1).

    Below 0 the sum over all integers k, which has x's fraction as its only argument, less the terms left of
    x: no more steps are needed there than above.

    Source: DLMF 5.15.1, https://dlmf.nist.gov/5.15.
    """
    if n == 0:
        return digamma(x)
    wide, s = x.astype(np.float64), n + 1
    total = _inverse_powers(s, np.where(wide < 0, 1 - wide, wide))
    negative = wide < 0
    if negative.any():
        sign = (-1) ** s
        fraction = np.where(negative, wide - np.floor(wide), 0.5)
        everywhere = _inverse_powers(s, fraction) + sign * _inverse_powers(s, 1 - fraction)
        total = np.where(negative, everywhere - sign * total, total)
    return ((-1) ** (n + 1) * math.factorial(n) * total).astype(x.dtype)


def _inverse_powers(s: int, x: np.ndarray) -> np.ndarray:
    """sum_k 1 / (x + k)^s for x >= 0: term by term up to 10, by the Euler-Maclaurin formula from there.

    Source: DLMF 25.11.5, 25.11.1, https://dlmf.nist.gov/25.11.
    """
    z, total = x.copy(), np.zeros_like(x)
    for _ in range(max(0, math.ceil(_LARGE - float(z.min(initial=_LARGE, where=~np.isnan(z)))))):
        small = z < _LARGE
        total = np.where(small, total + z**-s, total)
        z = np.where(small, z + 1, z)
    total = total + z ** (1 - s) / (s - 1) + 0.5 * z**-s
    factor, power = float(s), z ** (-s - 1)
    for k, b in enumerate(_BERNOULLI, 1):
        total = total + b / math.factorial(2 * k) * factor * power
        factor *= (s + 2 * k - 1) * (s + 2 * k)
        power = power / (z * z)
    return total


_CENTRE = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
    -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip
_TAIL = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
    0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip


def erfinv(x: np.ndarray) -> np.ndarray:
    """The y with erf(y) = x: a polynomial in ln(1 - x^2), then two steps of Halley's method.

    Source: Giles, "Approximating the erfinv function", GPU Computing Gems, 2011.
    """
    wide = x.astype(np.float64)
    inside = np.where(np.abs(wide) < 1, wide, 0)
    w = -np.log((1 - inside) * (1 + inside))
    central = w < 5
    t = np.where(central, w - 2.5, np.sqrt(np.maximum(w, 5)) - 3)
    y = np.zeros_like(t)
    for centre, tail in zip(_CENTRE, _TAIL, strict=True):
        y = y * t + np.where(central, centre, tail)
    y = np.where(w < 12, y * inside, np.copysign(_far_erfinv(inside), inside))
    for _ in range(2):
        size = np.abs(y)
        error = np.where(
            size < 0.5, erf(y) - inside, np.sign(y) * ((1 - np.abs(inside)) - erfc(size))
        )
        step = error * (math.sqrt(math.pi) / 2) * np.exp(y * y)
        y = y - step / (1 + y * step)
    y = np.where(np.abs(wide) == 1, np.copysign(np.inf, wide), y)
    return np.where(np.abs(wide) > 1, np.nan, np.where(np.isnan(wide), np.nan, y)).astype(x.dtype)


def _far_erfinv(x: np.ndarray) -> np.ndarray:
    """y for |x| near 1: erfc(y) is there about e^(-y^2) / (y sqrt(pi)), solved for y step by step."""
    q = np.maximum(1 - np.abs(x), 1e-300) * math.sqrt(math.pi)
    y = np.sqrt(np.maximum(-np.log(q), 1))
    for _ in range(4):
        y = np.sqrt(np.maximum(-np.log(q * y), 1))
    return y
