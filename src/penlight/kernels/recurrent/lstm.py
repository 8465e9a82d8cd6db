"""The LSTM over a whole sequence, its states as columns, forwards and backwards in time.

With the steps' inputs and states as columns, z_t = [x_t; h_{t-1}; 1] and a_t = W z_t is one product
per step in which every gate is a contiguous block of rows:

    a = W z,  o, i, f = sigma(a_o, a_i, a_f),  g = tanh(a_g),
    c_t = f c_{t-1} + i g,  m_t = o tanh(c_t),  h_t = m_t, or V m_t with a projection.

sigma(a) = (1 + tanh(a / 2)) / 2, and halved rows of W make one tanh of all four gates.

Backwards, dh and dc come from step t + 1. Nothing but them changes what is known already, so the
factors in front of them are computed for many steps at once:

    do = dm tanh(c) o (1 - o),           dc += dm o (1 - tanh(c)^2),
    di = dc g i (1 - i),  df = dc c_{t-1} f (1 - f),  dg = dc i (1 - g^2),
    [dx_t; dh_{t-1}] = W^T da_t,  dc_{t-1} = dc f,  and at the end dW = sum_t da_t z_t^T.

Here x is (T, N, I), h (N, P), c (N, H), y (T, N, P), with P = H unless projected; they may be views with
any strides, so that time backwards and batches first cost nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.kernels.recurrent.columns import as_columns, history, join, parts, weight_gradients

__all__ = ["backward", "forward", "prepare"]

Array = np.ndarray


def prepare(
    w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None, w_hr: Array | None
) -> Any:
    """[W_ih, W_hh, b_ih + b_hh], rows in the order o, i, f, g, all but g's halved; and V."""
    w = _gates_reordered(join(w_ih, w_hh, b_ih, b_hh))
    w[: 3 * len(w) // 4] *= 0.5
    return w, w_hr


def _gates_reordered(w: Array) -> Array:
    """Rows i, f, g, o of PyTorch as o, i, f, g."""
    size = len(w) // 4
    reordered = np.empty_like(w)
    reordered[:size] = w[3 * size :]
    reordered[size:] = w[: 3 * size]
    return reordered


def forward(weights: Any, x: Array, states: tuple[Array, Array], y: Array, keep: bool) -> Any:
    """Fill ``y``.

    Returns:
        the last states (h, c), and what :func:`backward` needs, if ``keep``.
    """
    w, w_hr = weights
    steps, batch, inputs = x.shape
    size, dtype = len(w) // 4, w.dtype
    z = history(x, states[0], dtype)
    c = np.empty((steps + 1 if keep else 1, size, batch), dtype)
    a = np.empty((steps if keep else 1, 4 * size, batch), dtype)
    t = np.empty((steps if keep else 1, size, batch), dtype)  # tanh(c)
    m = np.empty((steps if keep else 1, size, batch), dtype) if w_hr is not None else t
    c[0] = states[1].T
    half, product = dtype.type(0.5), np.empty((size, batch), dtype)
    now = range(steps) if keep else [0] * steps
    h = z[:, inputs:-1]
    for k, n in enumerate(now):
        gates, c_new, t_new = a[n], c[n + 1 if keep else 0], t[n]
        np.dot(w, z[k], gates)  # (4H, I+P+1) @ (I+P+1, N) -> (4H, N)
        np.tanh(gates, gates)
        sigmas = gates[: 3 * size]
        np.multiply(sigmas, half, sigmas)
        np.add(sigmas, half, sigmas)
        o, i, f, g = gates.reshape(4, size, batch)
        np.multiply(i, g, product)
        np.multiply(f, c[n], c_new)
        np.add(c_new, product, c_new)
        np.tanh(c_new, t_new)
        if w_hr is None:
            np.multiply(o, t_new, h[k + 1])
        else:
            np.multiply(o, t_new, m[n])
            np.dot(w_hr, m[n], h[k + 1])  # (P, H) @ (H, N) -> (P, N)
    y[...] = h[1:].swapaxes(1, 2)
    return (h[-1].T, c[-1].T), (z, a, c, t, m)


def backward(
    weights: Any, tape: Any, dy: Array | None, dstates: tuple[Array, Array], dx: Array | None
) -> Any:
    """Fill ``dx``, if given; ``weights`` are as the layer has them.

    Returns:
        the gradients of the first states, and of w_ih, w_hh, bias, w_hr.
    """
    w_ih, w_hh, _, _, w_hr = weights
    z, a, c, t, m = tape
    steps, _, batch = a.shape
    size, inputs, outputs = a.shape[1] // 4, w_ih.shape[1], w_hh.shape[1]
    da, through = np.empty_like(a), np.empty_like(t)
    for part in parts(a):
        _factors(a[part], c[:-1][part], t[part], da[part], through[part])
    back = _gates_reordered(w_hh if dx is None else np.concatenate((w_ih, w_hh), 1)).T.copy()
    dz = np.empty((steps + 1, len(back), batch), a.dtype)
    dh = dz[:, -outputs:]
    dh[steps] = dstates[0].T
    dys = None if dy is None else as_columns(dy, a.dtype)
    dc = dstates[1].T.astype(a.dtype)
    dm, product = np.empty((2, size, batch), a.dtype)
    dms = np.empty((steps, outputs, batch), a.dtype) if w_hr is not None else None
    for k in range(steps - 1, -1, -1):
        d = dh[k + 1]
        if dys is not None:
            np.add(d, dys[k], d)
        if w_hr is not None and dms is not None:
            dms[k] = d
            d = np.dot(w_hr.T, d, dm)  # (H, P) @ (P, N) -> (H, N)
        gates = da[k].reshape(4, size, batch)
        np.multiply(d, through[k], product)
        np.add(dc, product, dc)
        np.multiply(gates[0], d, gates[0])
        np.multiply(gates[1:], dc, gates[1:])
        np.multiply(dc, a[k, 2 * size : 3 * size], dc)
        np.dot(back, da[k], dz[k])  # (I+P, 4H) @ (4H, N) -> (I+P, N)
    if dx is not None:
        dx[...] = dz[:-1, :inputs].swapaxes(1, 2)
    rows = np.empty((4 * size, steps, batch), a.dtype)
    rows[: 3 * size] = da[:, size:].swapaxes(0, 1)
    rows[3 * size :] = da[:, :size].swapaxes(0, 1)
    dw_ih, dw_hh, db = weight_gradients(rows, z[:-1], inputs)
    dw_hr = None if dms is None else np.tensordot(dms, m, ((0, 2), (0, 2)))
    return (dh[0].T, dc.T), (dw_ih, dw_hh, db, db, dw_hr)


def _factors(a: Array, c: Array, t: Array, da: Array, through: Array) -> None:
    """What dm (for o) and dc (for i, f, g) are multiplied by to give da; dm's share in dc."""
    steps, _, batch = a.shape
    o, i, f, g = a.reshape(steps, 4, -1, batch).swapaxes(0, 1)
    do, di, df, dg = da.reshape(steps, 4, -1, batch).swapaxes(0, 1)
    sigmas, dsigmas = a[:, : 3 * o.shape[1]], da[:, : 3 * o.shape[1]]
    np.subtract(1, sigmas, dsigmas)
    np.multiply(dsigmas, sigmas, dsigmas)
    np.multiply(do, t, do)
    np.multiply(di, g, di)
    np.multiply(df, c, df)
    for tanh, sigma, derivative in ((g, i, dg), (t, o, through)):
        np.multiply(tanh, tanh, derivative)
        np.subtract(1, derivative, derivative)
        np.multiply(derivative, sigma, derivative)
