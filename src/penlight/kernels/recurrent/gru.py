"""The gated recurrent unit over a whole sequence, forwards and backwards in time.

With examples as columns a step is

    r, z = sigma(W x_t + U h_{t-1} + b + d) (their rows),  q = U_n h_{t-1} + d_n,
    n = tanh(W_n x_t + b_n + r q),  h_t = (1 - z) n + z h_{t-1}.

sigma(a) = (1 + tanh(a / 2)) / 2, with a halved in the weights. Backwards everything is proportional to dh:

    da_n = dh (1 - z) (1 - n^2),  dq = da_n r,  da_r = da_n q r (1 - r),  da_z = dh (h_{t-1} - n) z (1 - z),
    dh_{t-1} = dh z + U^T [da_r, da_z, dq],  dx_t = W^T [da_r, da_z, da_n],

so the four factors are made forwards, while all is in the cache. The shares of the inputs, W x_t + b, and
the gradients dx_t, dW = sum_t da_t x_t^T and dU wait for no state: they are made for many steps at once.

Shapes are those of :mod:`penlight.kernels.recurrent.lstm`, with P = H.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.kernels.recurrent.columns import (
    as_blocks,
    as_columns,
    joined,
    parts,
    plus_product,
    with_ones,
)

__all__ = ["backward", "forward", "prepare"]

Array = np.ndarray


def prepare(w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None) -> Any:
    """[W, b], rows n, r, z, and [U, d], rows r, z, n, with those of r and z halved."""
    size = len(w_hh) // 3
    w = np.roll(joined(w_ih, b_ih, rows=3 * size, dtype=w_ih.dtype), size, 0)
    u = joined(w_hh, b_hh, rows=3 * size, dtype=w_hh.dtype)
    w[size:] *= 0.5
    u[: 2 * size] *= 0.5
    return w, u


def forward(weights: Any, x: Array, states: Any, y: Array, keep: bool) -> Any:
    """Fill ``y``; the last state, and what :func:`backward` needs, if ``keep``."""
    w, u = weights
    steps, batch, _ = x.shape
    size, dtype = len(w) // 3, w.dtype
    xs = with_ones(x.swapaxes(1, 2), dtype)
    hs = np.empty((steps + 1, size + 1, batch), dtype)
    hs[:, -1] = 1
    hs[0, :-1] = states[0].T
    count, ranges = parts(steps, 4 * size, batch, dtype)
    kept = np.empty((5 if keep else 0, steps, size, batch), dtype)
    w, u = as_blocks(w, batch), as_blocks(u, batch)
    multiply = np.dot if u.ndim == 2 else np.matmul
    a = np.empty((count, 4 * size, batch), dtype)  # n, r, z, q
    share = np.empty((count, 3 * size, batch), dtype)  # of the inputs in n, r, z
    product, half = np.empty((size, batch), dtype), np.array(0.5, dtype)
    views = list(
        zip(
            a[:, size:].reshape(count, *u.shape[:-1], batch), a[:, size : 3 * size],
            share[:, size:], share[:, :size], a[:, :size], a[:, size : 2 * size],
            a[:, 2 * size : 3 * size], a[:, 3 * size :], strict=True,
        )
    )  # fmt: skip
    for start, stop in ranges:
        some = share[: stop - start].reshape(stop - start, *w.shape[:-1], batch)
        np.matmul(w, xs[start:stop] if w.ndim == 2 else xs[start:stop, None], some)
        k = start
        for blocks, r_z, share_r_z, share_n, n, r, z, q in views[: stop - start]:
            multiply(u, hs[k], blocks)  # (3H, H+1) @ (H+1, N) -> (3H, N)
            np.add(r_z, share_r_z, r_z)
            np.tanh(r_z, r_z)
            np.multiply(r_z, half, r_z)
            np.add(r_z, half, r_z)
            np.multiply(r, q, n)
            np.add(n, share_n, n)
            np.tanh(n, n)
            np.subtract(hs[k, :-1], n, product)
            np.multiply(z, product, product)
            k += 1
            np.add(n, product, hs[k, :-1])
        if keep:
            _factors(a[: stop - start], hs[start:stop, :-1], kept[:, start:stop])
    y[...] = hs[1:, :-1].swapaxes(1, 2)
    return (hs[-1, :-1].T,), (xs, hs, kept)


def _factors(a: Array, h: Array, kept: Array) -> None:
    """dh's factors in da_n, da_r, da_z, dq and, directly, in dh_{t-1}."""
    steps, rows, batch = a.shape
    n, r, z, q = a.reshape(steps, 4, rows // 4, batch).swapaxes(0, 1)
    da_n, da_r, da_z, dq, dh = kept
    np.subtract(1, z, dh)
    np.multiply(n, n, da_n)
    np.subtract(1, da_n, da_n)
    np.multiply(da_n, dh, da_n)
    np.subtract(h, n, da_z)
    np.multiply(da_z, z, da_z)
    np.multiply(da_z, dh, da_z)
    np.multiply(da_n, r, dq)
    np.subtract(1, r, da_r)
    np.multiply(da_r, q, da_r)
    np.multiply(da_r, dq, da_r)
    dh[...] = z


def backward(weights: Any, tape: Any, dy: Array | None, dstates: Any, dx: Array | None) -> Any:
    """Fill ``dx``, if given; the gradients of the first state, and of the weights."""
    w_ih, w_hh, b_ih, _ = weights
    xs, hs, kept = tape
    _, steps, size, batch = kept.shape
    dtype, inputs = kept.dtype, w_ih.shape[1]
    u = as_blocks(w_hh.T.copy(), batch)
    multiply = np.dot if u.ndim == 2 else np.matmul
    w = as_blocks(np.roll(w_ih, size, 0).T.copy(), batch)
    dh = dstates[0].T.astype(dtype, "C")
    dw: Any = None
    du: Any = None
    count, ranges = parts(steps, 4 * size, batch, dtype)
    da = np.empty((count, 4, size, batch), dtype)  # n, r, z, q
    flat = da.reshape(count, 4 * size, batch)
    of_inputs, of_states = flat[:, : 3 * size], flat[:, size:]
    product, carried = np.empty((2, size, batch), dtype)
    blocks = product.reshape(*u.shape[:-1], batch)
    for start, stop in ranges[::-1]:
        factors = kept[:, start:stop].swapaxes(0, 1)
        dys = None if dy is None else as_columns(dy[start:stop], dtype)
        for k in range(stop - start - 1, -1, -1):
            if dys is not None:
                np.add(dh, dys[k], dh)
            factor = factors[k]
            np.multiply(dh, factor[:4], da[k])
            np.multiply(dh, factor[4], carried)
            multiply(u, of_states[k], blocks)  # (H, 3H) @ (3H, N) -> (H, N)
            np.add(carried, product, dh)
        some = of_inputs[: stop - start]
        dw = plus_product(dw, some, xs[start:stop])
        du = plus_product(du, of_states[: stop - start], hs[start:stop])
        if dx is not None:
            dxs = np.matmul(w, some if w.ndim == 2 else some[:, None])
            dx[start:stop] = dxs.reshape(len(some), inputs, batch).swapaxes(1, 2)
    dw = np.roll(dw, -size, 0)  # r, z, n
    db = (None, None) if b_ih is None else (dw[:, -1], du[:, -1])
    return (dh.T,), (dw[:, :-1], du[:, :-1], *db)
