"""The simple recurrent layer over a whole sequence: h_t = phi(W x_t + U h_{t-1} + b), phi tanh or ReLU.

With examples as columns and z_t = [x_t; h_{t-1}; 1] a step is one product, [W, U, b] z_t. Backwards, with
phi' = 1 - h^2, or 1 where h > 0,

    da = dh_t phi'(h_t),  [dx_t; dh_{t-1}] = [W, U]^T da,  [dW, dU, db] = sum_t da_t z_t^T.

Shapes are those of :mod:`penlight.kernels.recurrent.lstm`, with P = H.
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

__all__ = ["Relu", "Tanh"]

Array = np.ndarray


class Elman:
    """The passes over time; a subclass has phi and phi'."""

    @staticmethod
    def phi(a: Array, h: Array) -> None:
        """h = phi(a)."""
        raise NotImplementedError("a subclass of Elman must override phi(a, h)")

    @staticmethod
    def slope(h: Array) -> Array:
        """phi' where phi is h."""
        raise NotImplementedError("a subclass of Elman must override slope(h)")

    @staticmethod
    def prepare(w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None) -> Any:
        """[W, U, b], and the size of x."""
        bias = None if b_ih is None or b_hh is None else b_ih + b_hh
        return joined(w_ih, w_hh, bias, rows=len(w_ih), dtype=w_ih.dtype), w_ih.shape[1]

    @classmethod
    def forward(cls, weights: Any, x: Array, states: Any, y: Array, keep: bool) -> Any:
        """Fill ``y``; the last state, and what :meth:`backward` needs."""
        w, inputs = weights
        size, batch = len(w), x.shape[1]
        z = history(x, states[0], w.dtype)
        w = as_blocks(w, batch)
        multiply = np.dot if w.ndim == 2 else np.matmul
        a = np.empty((size, batch), w.dtype)
        blocks = a.reshape(*w.shape[:-1], batch)
        hs, phi = z[1:, inputs:-1], cls.phi
        for z_t, h in zip(z, hs, strict=False):
            multiply(w, z_t, blocks)  # (H, K) @ (K, N) -> (H, N)
            phi(a, h)
        y[...] = hs.swapaxes(1, 2)
        return (hs[-1].T,), (z,)

    @classmethod
    def backward(
        cls, weights: Any, tape: Any, dy: Array | None, dstates: Any, dx: Array | None
    ) -> Any:
        """Fill ``dx``, if given; the gradients of the first state, and of the weights."""
        w_ih, w_hh, b_ih, _ = weights
        (z,) = tape
        steps, batch = len(z) - 1, z.shape[2]
        size, inputs, dtype = len(w_hh), w_ih.shape[1], z.dtype
        w = w_hh if dx is None else np.concatenate((w_ih, w_hh), 1)
        w = as_blocks(w.T.copy(), batch)
        multiply = np.dot if w.ndim == 2 else np.matmul
        dw: Any = None
        dh = dstates[0].T.astype(dtype, "C")
        count, ranges = parts(steps, 4 * size, batch, dtype)
        dz = np.empty((count, w.size // size, batch), dtype)
        blocks, dhs = dz.reshape(count, *w.shape[:-1], batch), dz[:, -size:]
        for start, stop in ranges[::-1]:
            da = cls.slope(z[start + 1 : stop + 1, inputs:-1])
            dys = None if dy is None else as_columns(dy[start:stop], dtype)
            for k in range(stop - start - 1, -1, -1):
                if dys is not None:
                    np.add(dh, dys[k], dh)
                da_t = da[k]
                np.multiply(dh, da_t, da_t)
                multiply(w, da_t, blocks[k])  # (I+H, H) @ (H, N) -> (I+H, N)
                dh = dhs[k]
            dw = plus_product(dw, da, z[start:stop])
            if dx is not None:
                dx[start:stop] = dz[: stop - start, :inputs].swapaxes(1, 2)
        db = None if b_ih is None else dw[:, -1]
        return (dh.T,), (dw[:, :inputs], dw[:, inputs:-1], db, db)


class Tanh(Elman):
    """phi = tanh."""

    @staticmethod
    def phi(a: Array, h: Array) -> None:
        np.tanh(a, h)

    @staticmethod
    def slope(h: Array) -> Array:
        slope = h * h
        return np.subtract(1, slope, slope)


class Relu(Elman):
    """phi(a) = max(a, 0)."""

    @staticmethod
    def phi(a: Array, h: Array) -> None:
        np.maximum(a, 0, out=h)

    @staticmethod
    def slope(h: Array) -> Array:
        return (~(h <= 0)).astype(h.dtype)  # 1 also for NaN, which so reaches the gradient
