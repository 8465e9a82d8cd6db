"""The LSTM over a whole sequence, forwards and backwards in time.

With examples as columns, a step's gates are

    a = W x_t + U h_{t-1} + b,  o, i, f = sigma(a_o, a_i, a_f),  g = tanh(a_g),
    c_t = f c_{t-1} + i g,  m_t = o tanh(c_t),  h_t = m_t, or V m_t with a projection.

sigma(a) = (1 + tanh(a / 2)) / 2, so with three quarters of the rows halved one tanh makes all gates.

Backwards, dh and dc come from step t + 1, and

    do = dm tanh(c_t) o (1 - o),      dc += dm o (1 - tanh(c_t)^2),
    di = dc g i (1 - i),  df = dc c_{t-1} f (1 - f),  dg = dc i (1 - g^2),
    dx_t = W^T da,  dh_{t-1} = U^T da,  dc_{t-1} = dc f.

All that dm and dc are multiplied by is known forwards, and made there while it is in the cache. With
z_t = [x_t; h_{t-1}; 1] one product makes a step's gates, a = [W, U, b] z_t; another makes [dx_t; dh_{t-1}];
and the gradients of the weights wait for the end, [dW, dU, db] = sum_t da_t z_t^T.

Here x is (T, N, I), h (N, P), c (N, H), y (T, N, P), with P = H unless projected; they may be views with
any strides, so that time backwards and batches first cost nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.kernels.recurrent.columns import (
    as_blocks,
    as_columns,
    history,
    joined,
    parts,
    plus_product,
)

__all__ = ["backward", "factors", "forward", "pass_gates", "prepare"]

Array = np.ndarray


def _reordered(w: Array) -> Array:
    """PyTorch's rows i, f, g, o as o, i, f, g."""
    return np.roll(w, len(w) // 4, 0)


def prepare(
    w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None, w_hr: Array | None
) -> Any:
    """[W, U, b] with rows o, i, f, g, of which the first three are halved; V; the size of x."""
    bias = None if b_ih is None or b_hh is None else b_ih + b_hh
    w = _reordered(joined(w_ih, w_hh, bias, rows=len(w_ih), dtype=w_ih.dtype))
    w[: len(w) * 3 // 4] *= 0.5
    return w, w_hr, w_ih.shape[1]


def forward(weights: Any, x: Array, states: tuple[Array, Array], y: Array, keep: bool) -> Any:
    """Fill ``y``.

    Returns:
        the last states (h, c), and what :func:`backward` needs, if ``keep``.
    """
    w, v, inputs = weights
    steps, batch, _ = x.shape
    size, dtype = len(w) // 4, w.dtype
    z = history(x, states[0], dtype)
    hs = z[1:, inputs:-1]
    count, ranges = parts(steps, 4 * size, batch, dtype)
    kept = np.empty((steps if keep else 0, 6, size, batch), dtype)
    ms = np.empty((steps if v is not None else 0, size, batch), dtype)
    w = as_blocks(w, batch)
    multiply = np.dot if w.ndim == 2 else np.matmul
    # o, i, f, g and c_{t-1} of some steps, and one more for c_t
    a = np.empty((count + 1, 5 * size, batch), dtype)
    t = np.empty((count, size, batch), dtype)
    product, half = np.empty((2 * size, batch), dtype), np.array(0.5, dtype)
    first, second = product[:size], product[size:]
    gates = a[:-1, : 4 * size]
    views = list(
        zip(
            gates.reshape(count, *w.shape[:-1], batch), gates, gates[:, : 3 * size],
            gates[:, size : 3 * size], a[:-1, 3 * size :], a[1:, 4 * size :], t, gates[:, :size],
            strict=True,
        )
    )  # fmt: skip
    a[0, 4 * size :] = states[1].T
    for start, stop in ranges:
        k = start
        for blocks, gates, sigmas, i_f, g_c, c, tanh_c, o in views[: stop - start]:
            multiply(w, z[k], blocks)  # (4H, K) @ (K, N) -> (4H, N)
            np.tanh(gates, gates)
            np.multiply(sigmas, half, sigmas)
            np.add(sigmas, half, sigmas)
            np.multiply(i_f, g_c, product)
            np.add(first, second, c)
            np.tanh(c, tanh_c)
            if v is None:
                np.multiply(o, tanh_c, hs[k])
            else:
                np.multiply(o, tanh_c, ms[k])
                np.dot(v, ms[k], hs[k])  # (P, H) @ (H, N) -> (P, N)
            k += 1
        if keep:
            factors(a[: stop - start], t[: stop - start], kept[start:stop])
        a[0, 4 * size :] = c
    y[...] = hs.swapaxes(1, 2)
    return (hs[-1].T, a[0, 4 * size :].T), (z, kept, ms)


def factors(a: Array, tanh_c: Array, kept: Array) -> None:
    """Of da: dm's in do, dc's in di, df, dg; then dm's in dc, and dc's in dc_{t-1}."""
    steps, rows, batch = a.shape
    o, i, f, g, c = a.reshape(steps, 5, rows // 5, batch).swapaxes(0, 1)
    do, di, df, dg, dc, dc_before = kept.swapaxes(0, 1)
    sigmas, slopes = a.reshape(steps, 5, rows // 5, batch)[:, :3], kept[:, :3]
    np.subtract(1, sigmas, slopes)
    np.multiply(slopes, sigmas, slopes)
    for other, factor in ((tanh_c, do), (g, di), (c, df)):
        np.multiply(factor, other, factor)
    for tanh, other, factor in ((g, i, dg), (tanh_c, o, dc)):
        np.multiply(tanh, tanh, factor)
        np.subtract(1, factor, factor)
        np.multiply(factor, other, factor)
    dc_before[...] = f


def backward(
    weights: Any, tape: Any, dy: Array | None, dstates: tuple[Array, Array], dx: Array | None
) -> Any:
    """Fill ``dx``, if given; ``weights`` are as the layer has them.

    Returns:
        the gradients of the first states, and of w_ih, w_hh, b_ih, b_hh, w_hr.
    """
    w_ih, w_hh, b_ih, _, v = weights
    z, kept, ms = tape
    steps, _, size, batch = kept.shape
    dtype, inputs, outputs = kept.dtype, w_ih.shape[1], w_hh.shape[1]
    w = w_hh if dx is None else np.concatenate((w_ih, w_hh), 1)
    w = as_blocks(_reordered(w).T.copy(), batch)
    multiply = np.dot if w.ndim == 2 else np.matmul
    dw: Any = None
    dms = np.empty((len(ms), outputs, batch), dtype)  # of V's output
    dh, dc = dstates[0].T.astype(dtype, "C"), dstates[1].T.astype(dtype, "C")
    product, dm = np.empty((2, size, batch), dtype)
    count, ranges = parts(steps, 4 * size, batch, dtype)
    da = np.empty((count, 4, size, batch), dtype)  # o, i, f, g
    flat = da.reshape(count, 4 * size, batch)
    dz = np.empty((count, w.size // (4 * size), batch), dtype)
    blocks, dhs = dz.reshape(count, *w.shape[:-1], batch), dz[:, -outputs:]
    for start, stop in ranges[::-1]:
        some = kept[start:stop]
        dys = None if dy is None else as_columns(dy[start:stop], dtype)
        for k in range(stop - start - 1, -1, -1):
            if dys is not None:
                np.add(dh, dys[k], dh)
            d = dh
            if v is not None:
                dms[start + k] = dh
                d = np.dot(v.T, dh, dm)  # (H, P) @ (P, N) -> (H, N)
            pass_gates(d, dc, some[k], product, da[k])
            multiply(w, flat[k], blocks[k])  # (I+P, 4H) @ (4H, N) -> (I+P, N)
            dh = dhs[k]
        dw = plus_product(dw, flat[: stop - start], z[start:stop])
        if dx is not None:
            dx[start:stop] = dz[: stop - start, :inputs].swapaxes(1, 2)
    dw = np.roll(dw, -size, 0)  # i, f, g, o
    db = None if b_ih is None else dw[:, -1]
    dv = None if v is None else plus_product(None, dms, ms)
    return (dh.T, dc.T), (dw[:, :inputs], dw[:, inputs:-1], db, db, dv)


def pass_gates(dm: Array, dc: Array, factor: Array, product: Array, da: Array) -> None:
    """Write a step's da, and turn dc from the gradient of c_t into that of c_{t-1}.

    Args:
        factor: what :func:`factors` kept of the step, (6, H, N).
        product: memory for a product.
    """
    np.multiply(dm, factor[4], product)
    np.add(dc, product, dc)
    np.multiply(dm, factor[0], da[0])
    np.multiply(dc, factor[1:4], da[1:])
    np.multiply(dc, factor[5], dc)
