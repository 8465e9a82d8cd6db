"""What an LSTM's gradient needs between its products, in one call.

Forwards NumPy's tanh is most of it, and faster than one made here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.kernels.compiled.loops import fit, loops
from penlight.kernels.recurrent import lstm

__all__ = ["factors", "pass_gates"]

_plain_factors = lstm.factors
_plain_pass_gates = lstm.pass_gates


@loops
def _product(y: Any, a: Any, b: Any) -> None:
    for i in range(y.size):
        y[i] = a[i] * b[i]


@loops
def _slope_of_sigma(y: Any, s: Any, other: Any) -> None:
    one = y.dtype.type(1)
    for i in range(y.size):
        y[i] = (one - s[i]) * s[i] * other[i]


@loops
def _slope_of_tanh(y: Any, t: Any, other: Any) -> None:
    one = y.dtype.type(1)
    for i in range(y.size):
        y[i] = (one - t[i] * t[i]) * other[i]


@loops
def _factors(a: Any, tanh_c: Any, kept: Any) -> None:
    for k in range(len(a)):
        row, t, y = a[k].reshape(-1), tanh_c[k].reshape(-1), kept[k].reshape(-1)
        n = t.size
        o, i, f, g, c = (
            row[:n],
            row[n : 2 * n],
            row[2 * n : 3 * n],
            row[3 * n : 4 * n],
            row[4 * n :],
        )
        _slope_of_sigma(y[:n], o, t)
        _slope_of_sigma(y[n : 2 * n], i, g)
        _slope_of_sigma(y[2 * n : 3 * n], f, c)
        _slope_of_tanh(y[3 * n : 4 * n], g, i)
        _slope_of_tanh(y[4 * n : 5 * n], t, o)
        y[5 * n :] = f


def factors(a: np.ndarray, tanh_c: np.ndarray, kept: np.ndarray) -> None:
    """Of da: dm's in do, dc's in di, df, dg; then dm's in dc, and dc's in dc_{t-1}."""
    if fit(a, tanh_c, kept):
        _factors(a, tanh_c, kept)
    else:
        _plain_factors(a, tanh_c, kept)


@loops
def _add_product(y: Any, a: Any, b: Any) -> None:
    for i in range(y.size):
        y[i] += a[i] * b[i]


@loops
def _pass_gates(dm: Any, dc: Any, factor: Any, da: Any) -> None:
    dm, dc, of, da = dm.reshape(-1), dc.reshape(-1), factor.reshape(-1), da.reshape(-1)
    n = dc.size
    _add_product(dc, dm, of[4 * n : 5 * n])
    _product(da[:n], dm, of[:n])
    for k in range(1, 4):
        _product(da[k * n : (k + 1) * n], dc, of[k * n : (k + 1) * n])
    _product(dc, dc, of[5 * n :])


def pass_gates(
    dm: np.ndarray, dc: np.ndarray, factor: np.ndarray, product: np.ndarray, da: np.ndarray
) -> None:
    """Write a step's da, and turn dc from the gradient of c_t into that of c_{t-1}."""
    if fit(dm, dc, factor, da):
        _pass_gates(dm, dc, factor, da)
    else:
        _plain_pass_gates(dm, dc, factor, product, da)
