"""Orthogonal polynomials of any degree, by their recurrences; computed in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["FAMILIES", "polynomial"]


@dataclass(frozen=True)
class Family:
    """p_0 = 1, p_1 and the recurrence of one family.

    Attributes:
        first: p_1(x).
        following: p_(k + 1)(x) from k, x, p_k and p_(k - 1).
        angles: what is added to the degree in the closed form, if it has one: see :func:`_closed`.
    """

    first: Callable[[Any], Any]
    following: Callable[[int, Any, Any, Any], Any]
    angles: tuple[Callable[[Any], Any], float] | None = None


def _chebyshev(k: int, x: Any, p: Any, before: Any) -> Any:
    return 2 * x * p - before


# DLMF 18.9.1, 18.9.2 (table 18.9.1); the closed forms are 18.5.1 - 18.5.4
FAMILIES = {
    "chebyshev_t": Family(lambda x: x, _chebyshev, (np.cos, 0.0)),
    "chebyshev_u": Family(lambda x: 2 * x, _chebyshev, (np.sin, 1.0)),
    "chebyshev_v": Family(lambda x: 2 * x - 1, _chebyshev, (np.cos, 0.5)),
    "chebyshev_w": Family(lambda x: 2 * x + 1, _chebyshev, (np.sin, 0.5)),
    "hermite_h": Family(lambda x: 2 * x, lambda k, x, p, before: 2 * x * p - 2 * k * before),
    "hermite_he": Family(lambda x: x, lambda k, x, p, before: x * p - k * before),
    "laguerre": Family(
        lambda x: 1 - x, lambda k, x, p, before: ((2 * k + 1 - x) * p - k * before) / (k + 1)
    ),
    "legendre": Family(
        lambda x: x, lambda k, x, p, before: ((2 * k + 1) * x * p - k * before) / (k + 1)
    ),
}
_LOW = 16  # up to this degree the recurrence is taken even where there is a closed form


def polynomial(name: str, x: np.ndarray, n: np.ndarray) -> np.ndarray:
    """p_n(x), elementwise, n cut to an integer: 0 for negative degrees, NaN for those not finite.

    The recurrences run over all elements at once, in as many steps as the highest degree. They lose no
    more digits than the condition of p_n has it, and overflow to infinity or NaN. Chebyshev's
    polynomials of higher degrees between -1 and 1 are cosines.
    """
    family = FAMILIES[name]
    x, n = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(n, np.float64))
    degree = np.trunc(n)
    values = np.where(degree < 0, 0.0, np.where(degree == 0, 1.0, np.nan))
    todo = np.isfinite(degree) & (degree > 0)
    if family.angles is not None:
        closed = todo & (degree > _LOW) & (np.abs(x) < 1)
        values[closed] = _closed(family.angles, x[closed], degree[closed])
        todo &= ~closed
    values[todo] = _recurrence(family, x[todo], degree[todo])
    return values


def _recurrence(family: Family, x: np.ndarray, degree: np.ndarray) -> np.ndarray:
    before, p = np.ones_like(x), np.asarray(family.first(x))
    values = np.where(degree == 1, p, np.nan)
    for k in range(1, int(degree.max(initial=1))):
        before, p = p, family.following(k, x, p, before)
        np.copyto(values, p, where=degree == k + 1)
    return values


def _closed(angles: tuple[Any, float], x: np.ndarray, degree: np.ndarray) -> np.ndarray:
    """f((n + a) t) / f(a t) with x = cos t: cos n t, sin (n + 1) t / sin t, and so on."""
    function, shift = angles
    t = np.arccos(x)
    return np.asarray(function((degree + shift) * t) / function(shift * t))
