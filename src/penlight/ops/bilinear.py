"""The bilinear form of two vectors, for each output one."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.ops.matmul import _rows

__all__ = ["Bilinear"]


class Bilinear(Op):
    """y_o = x^T A_o z + b_o, for each pair of rows x and z.

    Of the matrix P = x z^T it is a linear map, y = A vec(P) + b, and so is its derivative:
    dA = dy^T vec(P), db = dy summed over the rows, vec(dP) = dy A; then dx = dP z and dz = dP^T x.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, z: Any, a: Any, b: Any) -> Any:
        ctx.save(x, z, a)
        y = _products(x, z) @ a.reshape(len(a), -1).T  # (N, I J) @ (I J, O) -> (N, O)
        if b is not None:
            y += b
        return y.reshape(*x.shape[:-1], len(a))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, z, a = ctx.saved
        need_x, need_z, need_a, need_b = ctx.edges
        outputs, i, j = a.shape
        rows = _rows(dy)
        dx = dz = da = None
        if need_x or need_z:
            dp = (rows @ a.reshape(outputs, i * j)).reshape(len(rows), i, j)  # (N, O) @ (O, I J)
            if need_x:  # (N, I, J) @ (N, J, 1) -> (N, I, 1)
                dx = (dp @ _rows(z)[:, :, None]).reshape(x.shape)
            if need_z:  # (N, 1, I) @ (N, I, J) -> (N, 1, J)
                dz = (_rows(x)[:, None, :] @ dp).reshape(z.shape)
        if need_a:  # (O, N) @ (N, I J) -> (O, I J)
            da = (rows.T @ _products(x, z)).reshape(a.shape)
        db = np.sum(rows, axis=0) if need_b else None
        return dx, dz, da, db


def _products(x: Any, z: Any) -> Any:
    """vec(x z^T) of each pair of rows: (..., I), (..., J) -> (N, I J)."""
    p = _rows(x)[:, :, None] * _rows(z)[:, None, :]
    return p.reshape(p.shape[0], p.shape[1] * p.shape[2])
