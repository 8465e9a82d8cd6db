"""The line search of LBFGS: how far to go along a direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["Point", "strong_wolfe"]


class Point(NamedTuple):
    """A point x + t d on the line: t, the function's value f there, its gradient, and g . d."""

    t: float
    f: float
    gradient: np.ndarray
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    t: float,
    direction_size: float,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance: float = 1e-9,
    max_steps: int = 25,
) -> tuple[Point, int]:
    """A t that satisfies the strong Wolfe conditions, with f' the slope:

    f(t) <= f(0) + c1 t f'(0): the function falls enough, and |f'(t)| <= c2 |f'(0)|: near a minimum.
    First t grows until an interval must hold such a point, then the interval shrinks around it.

    Args:
        evaluate: gives the point at any t.
        start: the point at t = 0, with a negative slope.
        t: what to try first.
        direction_size: the largest element of d, which makes ``tolerance`` a distance in x.
        tolerance: intervals below this are not searched further.
        max_steps: how often t may be changed.

    Returns:
        The point, and how often ``evaluate`` was called. When the steps are used up, the best point
        of the interval.

    Source: Nocedal & Wright, "Numerical Optimization", 2006, algorithms 3.5 and 3.6.
    """

    def too_high(point: Point) -> bool:
        return point.f > start.f + c1 * point.t * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    last, point = start, evaluate(t)
    steps = 0
    while steps < max_steps:
        if too_high(point) or (steps > 1 and point.f >= last.f):
            break
        if is_flat(point):
            return point, steps + 1
        if point.slope >= 0:
            break
        bounds = point.t + 0.01 * (point.t - last.t), 10 * point.t
        last, point = point, evaluate(_cubic_minimum(last, point, bounds))
        steps += 1
    else:
        last = start
    return _zoom(evaluate, [last, point], too_high, is_flat, direction_size, tolerance,
                 steps, max_steps)  # fmt: skip


def _zoom(
    evaluate: Callable[[float], Point],
    ends: list[Point],
    too_high: Callable[[Point], bool],
    is_flat: Callable[[Point], bool],
    direction_size: float,
    tolerance: float,
    steps: int,
    max_steps: int,
) -> tuple[Point, int]:
    """Shrink the interval; its end with the lower value is the best point so far."""
    low = _lower(ends)
    close_before = False
    while steps < max_steps:
        left, right = sorted(point.t for point in ends)
        if (right - left) * direction_size < tolerance:
            break
        t = _cubic_minimum(ends[0], ends[1], (left, right))
        margin = 0.1 * (right - left)
        close = min(right - t, t - left) < margin
        if close and (close_before or t >= right or t <= left):  # twice running, or no progress
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            close = False
        close_before = close
        point = evaluate(t)
        steps += 1
        if too_high(point) or point.f >= ends[low].f:
            ends[1 - low] = point
            low = _lower(ends)
            continue
        found = is_flat(point)
        if not found and point.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = point
        if found:
            break
    return ends[low], steps + 1


def _lower(ends: list[Point]) -> int:
    return 0 if ends[0].f <= ends[1].f else 1


def _cubic_minimum(a: Point, b: Point, bounds: tuple[float, float]) -> float:
    """Where the cubic with the values and slopes of two points has its minimum, kept in bounds.

    Source: Nocedal & Wright, equation 3.59.
    """
    a, b = (a, b) if a.t <= b.t else (b, a)
    low, high = bounds
    with np.errstate(all="ignore"):  # what is infinite is brought into the bounds
        width, rise = np.float64(b.t) - a.t, np.float64(b.f) - a.f
        d1 = a.slope + b.slope - 3 * rise / width
        square = d1 * d1 - a.slope * b.slope
        if not square >= 0:
            return (low + high) / 2
        d2 = np.sqrt(square)
        t = b.t - width * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return float(min(max(t, low), high))
