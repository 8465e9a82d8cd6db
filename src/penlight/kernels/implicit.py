"""Gamma and Dirichlet samples, how they move when their parameters do; the incomplete gamma function.

A sample x whose distribution function is F(x; a) stays at the same quantile when a changes:
dF = 0, so dx/da = -(dF/da) / p(x) with the density p ("implicit reparameterisation"). Differentiated
under the integral, dF/da is the integral of (d ln p / da) p from the lower end to x, or minus that
from x to the upper end, for the whole is 0.

Both are written in a variable u in which ln p is concave (ln x for gamma, the logit for beta), and the
side of x away from the mode is taken. There p falls as exp(-cost(v)) with the distance v from x, cost
convex and 0 at x. A few dozen Gauss-Legendre nodes up to where the cost is 38 (exp(-38) = 3e-17),
denser near x, give the integral: in float64 to 1e-8 for all parameters from 1e-3 to 1e4; in float32
(a cost of 20, fewer nodes) to 1e-4, and to 1e-5 from 0.1 on.

Source: Figurnov, Mohamed & Mnih, "Implicit Reparameterization Gradients", NeurIPS 2018, section 3;
Jankowiak & Obermeyer, "Pathwise Derivatives Beyond the Reparameterization Trick", ICML 2018.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.kernels import chunks
from penlight.kernels.gamma import digamma, lgamma

__all__ = [
    "dirichlet_grad", "dirichlet_sample", "gamma_grad", "gamma_sample", "incomplete_gamma",
]  # fmt: skip

_PLANS = {"d": (38.0, 64), "f": (20.0, 24)}  # the largest cost, and how many nodes up to it
_ROWS = 8192  # samples of a chunk: fewer leave too little work between calls for a second thread


@functools.cache
def _nodes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points v = u^2 on [0, 1] as a column, and their weights, u those of Gauss and Legendre.

    The weights are a row for integrals of f(v), and one for those of v f(v).
    """
    points, weights = np.polynomial.legendre.leggauss(count)
    u = (points + 1) / 2
    return (u * u)[:, None], np.stack([u * weights, u * u * u * weights])


Integrand = Callable[..., np.ndarray]


def _by_rows(kernel: Integrand, dtype: np.dtype[Any], *arrays: np.ndarray) -> np.ndarray:
    """``kernel`` of flat float64 chunks of the broadcast arrays, the result in ``dtype``."""
    wide = np.broadcast_arrays(*arrays)
    flat = [a.astype(np.float64).reshape(-1) for a in wide]
    y = np.empty(flat[0].shape, dtype)
    limit, count = _PLANS["f" if dtype.itemsize < 8 else "d"]
    parts = chunks.ranges(len(y), _ROWS)

    def task(i: int) -> None:
        start, stop = parts[i]
        y[start:stop] = kernel(*(a[start:stop] for a in flat), limit, *_nodes(count))

    chunks.run(task, len(parts))
    return y.reshape(wide[0].shape)


def _grid(name: str, points: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Memory for a number per node and sample, the samples side by side."""
    return chunks.scratch(f"implicit {name}", (len(points), len(x)), np.float64)


def _quadratic_root(slope: Any, curvature: Any, limit: float) -> Any:
    """The v > 0 with slope v + curvature v^2 / 2 = limit."""
    return 2 * limit / (slope + np.sqrt(slope * slope + 2 * limit * curvature))


# -- gamma -----------------------------------------------------------------------------------


def gamma_grad(alpha: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx/dalpha of a sample x of the gamma distribution with shape alpha and rate 1."""
    return _by_rows(_gamma_grad_rows, x.dtype, alpha, x)


def _gamma_grad_rows(alpha: Any, x: Any, limit: float, points: Any, weights: Any) -> np.ndarray:
    s, end, density = _gamma_tail(alpha, x, limit, points)
    mass, first = weights @ density
    ahead = s * (np.log(x) - digamma(alpha))
    return x * end * (ahead * mass + end * first)


def _gamma_tail(alpha: Any, x: Any, limit: float, points: Any) -> tuple[Any, ...]:
    """In u = ln t: ln p = alpha u - e^u - ln gamma(alpha), its derivative u - digamma(alpha).

    At u = ln x + s v, s = 1 above the mode and -1 below: cost = x (e^(sv) - 1) - s alpha v. Given back
    are s, the largest v, and e^-cost at the points in between.
    """
    s = np.where(x > alpha, 1.0, -1.0)
    slope = np.abs(x - alpha)
    # beyond the solution, from where a step of Newton's leads near it
    near = _quadratic_root(slope, x, limit)
    above = np.minimum(near, np.maximum(3, np.log(4 * limit / x)))
    end = np.where(s > 0, above, np.where(near < 0.75, 1.3 * near, (limit + x) / alpha))
    shrunk = x * np.expm1(s * end)
    end -= (shrunk - s * alpha * end - limit) / (slope + s * shrunk)
    sv, cost = _grid("sv", points, x), _grid("cost", points, x)
    np.multiply(points, s * end, out=sv)
    np.expm1(sv, out=cost)
    cost *= x
    sv *= alpha
    np.subtract(sv, cost, out=cost)
    return s, end, np.exp(cost, out=cost)


def incomplete_gamma(alpha: np.ndarray, x: np.ndarray, upper: bool) -> np.ndarray:
    """P = the integral of t^(alpha - 1) e^-t / gamma(alpha) from 0 to x; from x on if ``upper``.

    The smaller one is integrated as above, the other is what it leaves of 1.
    """
    wide_alpha, wide_x = np.broadcast_arrays(alpha.astype(np.float64), x.astype(np.float64))
    ordinary = (wide_alpha > 0) & (wide_x > 0) & np.isfinite(wide_alpha) & np.isfinite(wide_x)
    a, z = np.where(ordinary, wide_alpha, 1), np.where(ordinary, wide_x, 1)
    tail = _by_rows(_gamma_tail_rows, np.dtype(np.float64), a, z)
    tail = tail * np.exp(a * np.log(z) - z - lgamma(a))
    y = np.where((z > a) == upper, tail, 1 - tail)
    # at the ends all lies on one side; where both run off there is no telling
    below = (wide_x == 0) | np.isinf(wide_alpha)
    extreme = np.where(below == upper, 1.0, 0.0)
    undefined = (wide_alpha < 0) | (wide_x < 0) | np.isnan(wide_alpha + wide_x)
    undefined |= (wide_alpha == 0) & (wide_x == 0) | np.isinf(wide_alpha) & np.isinf(wide_x)
    return np.where(ordinary, y, np.where(undefined, np.nan, extreme)).astype(x.dtype)


def _gamma_tail_rows(alpha: Any, x: Any, limit: float, points: Any, weights: Any) -> np.ndarray:
    _, end, density = _gamma_tail(alpha, x, limit, points)
    return end * (weights[0] @ density)


def gamma_sample(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Samples of the gamma distributions with shapes alpha (float32 or float64) and rate 1.

    NumPy's sampler is Marsaglia and Tsang's. Below 1, a sample of shape alpha + 1 times u^(1/alpha)
    with u uniform; results never lie below the smallest normal number.

    Source: Marsaglia & Tsang, "A simple method for generating gamma variables", 2000.
    """
    d = alpha.dtype
    tiny = np.finfo(d).tiny
    if (alpha >= 1).all():
        return np.maximum(rng.standard_gamma(alpha, dtype=d), tiny)
    _check_shapes("_standard_gamma", alpha)
    x = rng.standard_gamma(alpha + 1, dtype=d)
    x *= np.exp(-_power(alpha, rng))
    return np.maximum(x, tiny)


def _power(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """-ln u / alpha with u uniform; infinite for alpha = 0."""
    return rng.standard_exponential(alpha.shape, dtype=alpha.dtype) / alpha


def _check_shapes(owner: str, alpha: np.ndarray) -> None:
    if (alpha < 0).any():
        raise RuntimeError(f"{owner}: concentrations must not be negative, got {alpha.min()}")


# -- Dirichlet -------------------------------------------------------------------------------


def dirichlet_grad(x: np.ndarray, alpha: np.ndarray, total: np.ndarray) -> np.ndarray:
    """(dx/dalpha) / (1 - x) of a sample x of the beta distribution with parameters (alpha, total - alpha).

    That is a component of a Dirichlet sample, alone; the others share what it takes, in proportion.
    """
    return _by_rows(_beta_rows, x.dtype, x, alpha, total)


def _beta_rows(
    x: Any, alpha: Any, total: Any, limit: float, points: Any, weights: Any
) -> np.ndarray:
    """In u = ln(t / (1 - t)): ln p = alpha ln t + beta ln(1 - t) - ln B(alpha, beta).

    Its derivative in alpha: ln t - digamma(alpha) + digamma(total). Below the mean 1 - t takes the
    place of t, so that the way is upwards: with q = 1 - x there, t = x / (1 + q (e^-v - 1)) and
    cost = beta v + total ln(1 + q (e^-v - 1)).
    """
    above = x > alpha / total
    q = np.where(above, 1 - x, x)
    beta = np.where(above, total - alpha, alpha)
    mean = digamma(alpha) - digamma(total)  # of ln t
    ahead = np.where(above, 1.0, -1.0) * (np.log(x) - mean)

    slope = beta - total * q
    end = _quadratic_root(slope, total * q * (1 - q), limit)
    largest = (limit - total * np.log1p(-q)) / beta
    for _ in range(3):  # Newton's method: the first step leads beyond the solution, the others back
        shrunk = q * np.expm1(-end)
        rise = beta - total * (q + shrunk) / (1 + shrunk)
        error = beta * end + total * np.log1p(shrunk) - limit
        end = np.minimum(end - error / rise, largest)
    log, cost = _grid("log", points, x), _grid("cost", points, x)
    np.multiply(points, -end, out=cost)
    np.expm1(cost, out=log)
    log *= q
    np.log1p(log, out=log)
    cost *= beta
    density = np.exp(np.subtract(cost, total * log, out=cost), out=cost)
    mass, first = weights @ density
    log *= density
    logs = weights[0] @ log  # the integral of ln(1 + q (e^-v - 1)) p
    beyond = np.where(above, -logs, end * first + logs)
    return x * end * (ahead * mass + beyond)


def dirichlet_sample(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Samples of the Dirichlet distributions whose concentrations stand along the last axis.

    They are gamma samples divided by their sum, in logarithms: so that concentrations near 0, whose
    gamma samples all are too small for a float, give what they should, nearly one-hot vectors.
    """
    _check_shapes("_sample_dirichlet", alpha)
    d = alpha.dtype
    logs = np.log(rng.standard_gamma(alpha + 1, dtype=d))
    logs -= _power(alpha, rng)
    logs -= logs.max(-1, keepdims=True)
    x = np.exp(logs)
    x /= x.sum(-1, keepdims=True)
    below_one = 1 - np.finfo(d).epsneg
    return x.clip(np.finfo(d).tiny, below_one)
