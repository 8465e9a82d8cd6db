"""Normalisation to zero mean and unit variance, over the batch or within each row.

With n elements sharing a mean m and a variance v, h = (x - m) r and r = (v + eps)^(-1/2). Every
element moves m and v, and the three ways add up to

    dx = r [g - mean(g) - h mean(g h)],   g = dL/dh,

the means being over the n elements (Ioffe & Szegedy 2015, section 3, simplified). h and r are
outputs of the ops, though users do not see them: so backward can be differentiated again. What
flows back into r itself, in second derivatives only, adds -(dL/dr) r^2 h / n.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.autograd.primitives import SumTo

__all__ = ["BatchNorm", "RowNorm"]


class BatchNorm(Op):
    """y = h w + b, with mean and variance of each channel over the batch and all positions.

    x is (N, C, ...), w and b are (C,) or None. dw = sum dy h, db = sum dy, and dx by the formula
    above with g = w dy, whose two means are w db / n and w dw / n.

    Returns (y, h, r, m, v): h is (N, C, L), the others (C,).

    Source: Ioffe & Szegedy, "Batch Normalization", 2015.
    """

    materialize = False

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, w: Any, b: Any, eps: float) -> Any:
        ctx.shape = x.shape
        x = x.reshape(*x.shape[:2], -1)  # (N, C, L)
        ctx.n = x.shape[0] * x.shape[2]
        m = channel_sum(x) / ctx.n
        h = x - m[:, None]
        v = np.einsum("ncl,ncl->c", h, h) / ctx.n
        r = 1 / np.sqrt(v + eps)
        h *= r[:, None]
        y = h if w is None else h * w[:, None]
        y = y.copy() if w is None and b is None else y
        if b is not None:
            y = np.add(y, b[:, None], out=None if w is None else y)
        ctx.save(h, r, w)
        return y.reshape(ctx.shape), h, r, m, v

    @staticmethod
    def backward(ctx: Any, dy: Any, dh: Any, dr: Any, dm: Any, dv: Any) -> Any:
        h, r, w = ctx.saved
        dx = dw = db = None
        if dy is not None:
            dy = dy.reshape(h.shape)
            db = channel_sum(dy)
            dw = np.einsum("ncl,ncl->c", dy, h)
            scale = r if w is None else r * w
            dx = (dy - (db / ctx.n)[:, None] - h * (dw / ctx.n)[:, None]) * scale[:, None]
        if dh is not None:
            along = np.einsum("ncl,ncl->c", dh, h) / ctx.n
            part = (dh - (channel_sum(dh) / ctx.n)[:, None] - h * along[:, None]) * r[:, None]
            dx = part if dx is None else dx + part
        if dr is not None:
            part = h * (dr * r * r / -ctx.n)[:, None]
            dx = part if dx is None else dx + part
        _, need_w, need_b, _ = ctx.edges
        return dx.reshape(ctx.shape), (dw if need_w else None), (db if need_b else None), None


def channel_sum(x: Any) -> Any:
    """The sum of (N, C, L) over N and L, as one pass that NumPy's ``sum`` over two axes is not."""
    return np.einsum("ncl->c", x)


class RowNorm(Op):
    """y = h w + b, with mean and variance within each of ``rows`` equal parts of x.

    Layer norm takes the last dimensions as a row, group norm the channels of a group, instance norm
    one channel of one sample. w and b broadcast in ``affine_shape``. Without ``centre``, m = 0: the
    root mean square alone (RMSNorm), and mean(g) falls out of the formula.

    Returns (y, h, r, m, v): h is (rows, n), r, m and v are (rows,).

    Source: Ba, Kiros & Hinton, "Layer Normalization", 2016; Wu & He, "Group Normalization", 2018;
    Ulyanov, Vedaldi & Lempitsky, "Instance Normalization", 2016; Zhang & Sennrich, "Root Mean
    Square Layer Normalization", 2019.
    """

    materialize = False

    @staticmethod
    def forward(
        ctx: Any,
        x: np.ndarray,
        w: Any,
        b: Any,
        rows: int,
        affine_shape: Any,
        eps: float,
        centre: bool,
    ) -> Any:
        ctx.shape, ctx.affine_shape, ctx.centre = x.shape, affine_shape, centre
        h = x.reshape(rows, x.size // max(rows, 1))
        ctx.n = n = max(h.shape[1], 1)
        m = np.einsum("rn->r", h) / n
        if centre:
            h = h - m[:, None]
        v = np.einsum("rn,rn->r", h, h) / n
        r = 1 / np.sqrt(v + eps)
        h = h * r[:, None]
        y = h.reshape(x.shape)
        y = y.copy() if w is None else y * w.reshape(affine_shape)
        if b is not None:
            y += b.reshape(affine_shape)
        ctx.save(h, r, w)
        return y, h, r, m, v

    @staticmethod
    def backward(ctx: Any, dy: Any, dh: Any, dr: Any, dm: Any, dv: Any) -> Any:
        h, r, w = ctx.saved
        _, need_w, need_b, *_ = ctx.edges
        g, dw, db = dh, None, None
        if dy is not None:
            if need_w:
                product = dy * h.reshape(ctx.shape)
                dw = SumTo.apply(product, ctx.affine_shape).reshape(w.shape)
            if need_b:
                db = SumTo.apply(dy, ctx.affine_shape)
                db = db.reshape(
                    tuple(n for n in ctx.affine_shape if n != 1) if w is None else w.shape
                )
            from_y = (dy if w is None else dy * w.reshape(ctx.affine_shape)).reshape(h.shape)
            g = from_y if g is None else g + from_y
        dx = None
        if g is not None:
            along = np.einsum("rn,rn->r", g, h) / ctx.n
            centred = g - (np.einsum("rn->r", g) / ctx.n)[:, None] if ctx.centre else g
            dx = (centred - h * along[:, None]) * r[:, None]
        if dr is not None:
            part = h * (dr * r * r / -ctx.n)[:, None]
            dx = part if dx is None else dx + part
        return dx.reshape(ctx.shape), dw, db
