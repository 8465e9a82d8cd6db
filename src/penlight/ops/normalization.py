"""Normalisation to zero mean and unit variance, over the batch or within each sample.

With n elements sharing a mean m and a variance v, let c = x - m, r = (v + eps)^(-1/2) and
y = c r w + b. A change of c reaches y directly and through r, whose derivative is -r^3 c / n; a
change of x reaches c less its own mean. Hence, with g = w dy and sums over the n elements,

    R = sum(g c)                     what flows back into r
    u = g r - c R r^3 / n            what flows back into c
    dx = u - mean(u),                where mean(u) = r mean(g), because sum(c) = 0

(Ioffe & Szegedy 2015, section 3, simplified). c and r are outputs of the ops too, though users do
not see them: so backward can be differentiated again, and then dc and dr add to u and R. The sums are
``einsum``s: one pass, without a temporary.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels.rows import by_rows

__all__ = ["BatchNorm", "FixedNorm", "GroupNorm", "LayerNorm", "RMSNorm"]


def _inverse_deviation(v: Any, eps: float) -> Any:
    return 1 / np.sqrt(v + eps)


def _plus(a: Any, b: Any) -> Any:
    """a + b, where a may be missing."""
    return b if a is None else a + b


def _positions_joined(x: Any) -> tuple[int, int, int]:
    """The shape of (N, C, ...) as (N, C, L)."""
    return x.shape[0], x.shape[1], math.prod(x.shape[2:])


class BatchNorm(Op):
    """y = c r w + b, with mean and variance of each channel over the batch and all positions.

    x is (N, C, ...), w and b are (C,) or None. dw = r sum(dy c), db = sum(dy), and dx as above.

    Returns (y, c, r, m, v): c is (N, C, L), the others (C,).

    Source: Ioffe & Szegedy, "Batch Normalization", 2015.
    """

    label = "NativeBatchNormBackward0"
    materialize = False

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, w: Any, b: Any, eps: float) -> Any:
        ctx.shape = x.shape
        x = x.reshape(_positions_joined(x))
        ctx.n = n = max(x.shape[0] * x.shape[2], 1)
        m = np.einsum("ncl->c", x) / n
        c = x - m[:, None]
        v = np.einsum("ncl,ncl->c", c, c) / n
        r = _inverse_deviation(v, eps)
        y = c * (r if w is None else r * w)[:, None]
        if b is not None:
            y += b[:, None]
        ctx.save(c, r, w)
        return y.reshape(ctx.shape), c, r, m, v

    @staticmethod
    def backward(ctx: Any, dy: Any, dc: Any, dr: Any, dm: Any, dv: Any) -> Any:
        c, r, w = ctx.saved
        dw = db = None
        u: Any = None
        if dy is not None:
            dy = dy.reshape(c.shape)
            along = np.einsum("ncl,ncl->c", dy, c)
            dw, db = r * along, np.einsum("ncl->c", dy)
            dr = _plus(dr, along if w is None else along * w)
            scale = r if w is None else r * w
            mean = db * scale / ctx.n
            slope = dr * r * r * r / ctx.n
            (u,) = by_rows(
                lambda dy, c: (dy * scale[:, None] - mean[:, None] - c * slope[:, None],),
                (dy, c),
                ctx.shape,
            )
        elif dr is not None:
            u = (c * (dr * r * r * r / -ctx.n)[:, None]).reshape(ctx.shape)
        if dc is not None:
            part = dc - (np.einsum("ncl->c", dc) / ctx.n)[:, None]
            u = _plus(u, part.reshape(ctx.shape))
        _, need_w, need_b, _ = ctx.edges
        return u, (dw if need_w else None), (db if need_b else None), None


class FixedNorm(Op):
    """y = (x - m) r w + b, with a mean m and a variance v of each channel that are given constants.

    dx = dy r w, dw = r sum(dy (x - m)), db = sum(dy), over the batch and all positions.
    """

    label = "NativeBatchNormBackward0"

    @staticmethod
    def forward(
        ctx: Any, x: np.ndarray, m: np.ndarray, v: np.ndarray, w: Any, b: Any, eps: float
    ) -> Any:
        r = _inverse_deviation(v, eps)
        scale = r if w is None else r * w
        shift = -m * scale if b is None else b - m * scale
        y = x.reshape(_positions_joined(x)) * scale[:, None]
        y += shift[:, None]
        ctx.save(x, m.copy(), r, w)  # m may move on, in training, before backward
        return y.reshape(x.shape)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, m, r, w = ctx.saved
        need_x, _, _, need_w, need_b, _ = ctx.edges
        joined = _positions_joined(x)
        dy = dy.reshape(joined)
        dx = dw = db = None
        if need_x:
            dx = (dy * (r if w is None else r * w)[:, None]).reshape(x.shape)
        if need_w:
            dw = r * np.einsum("ncl,ncl->c", dy, x.reshape(joined) - m[:, None])
        if need_b:
            db = np.einsum("ncl->c", dy)
        return dx, None, None, dw, db, None


class GroupNorm(Op):
    """y = c r w + b, with mean and variance over the channels of each group of each sample.

    x is (N, C, ...), w and b are (C,) or None. As many groups as channels is instance norm. dw and
    db add up over the samples, and dx is as above.

    Returns (y, c, r, m, v): c is (N, G, D, L) with D = C / G, the others (N, G).

    Source: Wu & He, "Group Normalization", 2018; Ulyanov, Vedaldi & Lempitsky, "Instance
    Normalization", 2016.
    """

    label = "NativeGroupNormBackward0"
    materialize = False

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, groups: int, w: Any, b: Any, eps: float) -> Any:
        ctx.shape = x.shape
        samples, channels, *positions = x.shape
        grouped = samples, groups, channels // groups, math.prod(positions)  # (N, G, D, L)
        c = x.reshape(samples * groups, grouped[2] * grouped[3])
        ctx.n = n = max(c.shape[1], 1)
        m = np.einsum("rn->r", c) / n
        c = c - m[:, None]
        v = np.einsum("rn,rn->r", c, c) / n
        r = _inverse_deviation(v, eps).reshape(samples, groups)
        c = c.reshape(grouped)
        y = c * _by_channel(r, w)[..., None]
        if b is not None:
            y += b.reshape(groups, -1, 1)
        ctx.save(c, r, w)
        return y.reshape(ctx.shape), c, r, m.reshape(r.shape), v.reshape(r.shape)

    @staticmethod
    def backward(ctx: Any, dy: Any, dc: Any, dr: Any, dm: Any, dv: Any) -> Any:
        c, r, w = ctx.saved
        _, _, need_w, need_b, _ = ctx.edges
        dw = db = None
        u: Any = None
        if dy is not None:
            dy = dy.reshape(c.shape)
            along = np.einsum("ngdl,ngdl->ngd", dy, c)
            total = np.einsum("ngdl->ngd", dy)
            dw = np.einsum("ng,ngd->gd", r, along).reshape(-1) if need_w else None
            db = np.einsum("ngd->gd", total).reshape(-1) if need_b else None
            scale = _by_channel(r, w)
            mean = np.einsum("ngd->ng", total * scale) / ctx.n
            if w is not None:
                along = along * w.reshape(along.shape[1:])
            dr = _plus(dr, np.einsum("ngd->ng", along))
            slope = dr * r * r * r / ctx.n
            (u,) = by_rows(
                lambda dy, c, scale, mean, slope: (
                    dy * scale[..., None] - mean[..., None, None] - c * slope[..., None, None],
                ),
                (dy, c, scale, mean, slope),
                ctx.shape,
            )
        elif dr is not None:
            u = (c * (dr * r * r * r / -ctx.n)[..., None, None]).reshape(ctx.shape)
        if dc is not None:
            part = dc - (np.einsum("ngdl->ng", dc) / ctx.n)[..., None, None]
            u = _plus(u, part.reshape(ctx.shape))
        return u, None, dw, db, None


def _by_channel(r: Any, w: Any) -> Any:
    """r (N, G) times w (C,), as (N, G, D)."""
    r = r[:, :, None]
    return r if w is None else r * w.reshape(r.shape[1], -1)


def _rows(x: Any, dims: int) -> Any:
    """x with its last ``dims`` dimensions made one, and all before them one."""
    split = x.ndim - dims
    return x.reshape(math.prod(x.shape[:split]), math.prod(x.shape[split:]))


class LayerNorm(Op):
    """y = c r w + b, with mean and variance over the last dimensions of x, those of w and b.

    dw = sum(dy c r) and db = sum(dy), summed over the rows, and dx as above.

    Returns (y, c, r, m, v): c is (rows, n), the last three are (rows,).

    Source: Ba, Kiros & Hinton, "Layer Normalization", 2016.
    """

    label = "NativeLayerNormBackward0"
    materialize = False

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, dims: int, w: Any, b: Any, eps: float) -> Any:
        ctx.shape, ctx.row_shape = x.shape, x.shape[-dims:]
        x = _rows(x, dims)
        ctx.n = n = max(x.shape[1], 1)
        m = np.einsum("rn->r", x) / n
        c = x - m[:, None]
        v = np.einsum("rn,rn->r", c, c) / n
        r = _inverse_deviation(v, eps)
        y = c * r[:, None]
        if w is not None:
            y *= w.reshape(-1)
        if b is not None:
            y += b.reshape(-1)
        ctx.save(c, r, w)
        return y.reshape(ctx.shape), c, r, m, v

    @staticmethod
    def backward(ctx: Any, dy: Any, dc: Any, dr: Any, dm: Any, dv: Any) -> Any:
        c, r, w = ctx.saved
        dw = db = None
        u: Any = None
        if dy is not None:
            flat_w = None if w is None else w.reshape(-1)

            def gradients(dy: Any, c: Any, r: Any, dr: Any) -> tuple[Any, Any, Any]:
                product = dy * c
                dw = np.einsum("r,rn->n", r, product)
                if flat_w is None:
                    g, along = dy, np.einsum("rn->r", product)
                else:
                    g, along = dy * flat_w, np.einsum("rn,n->r", product, flat_w)
                mean = np.einsum("rn->r", g) / ctx.n
                slope = _plus(dr, along) * r * r * r / ctx.n
                dx = (g - mean[:, None]) * r[:, None] - c * slope[:, None]
                return dx, dw, np.einsum("rn->n", dy)

            u, dw, db = by_rows(gradients, (dy.reshape(c.shape), c, r, dr), ctx.shape)
            dw, db = dw.reshape(ctx.row_shape), db.reshape(ctx.row_shape)
        elif dr is not None:
            u = (c * (dr * r * r * r / -ctx.n)[:, None]).reshape(ctx.shape)
        if dc is not None:
            part = dc - (np.einsum("rn->r", dc) / ctx.n)[:, None]
            u = _plus(u, part.reshape(ctx.shape))
        _, _, need_w, need_b, _ = ctx.edges
        return u, None, (dw if need_w else None), (db if need_b else None), None


class RMSNorm(Op):
    """y = x r w with r = (mean(x^2) + eps)^(-1/2), the mean over the last dimensions of x, those of w.

    As above with m = 0: dx = g r - x R r^3 / n, with R = sum(g x).

    Returns (y, r): r is (rows,).

    Source: Zhang & Sennrich, "Root Mean Square Layer Normalization", 2019.
    """

    materialize = False

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, dims: int, w: Any, eps: float) -> Any:
        ctx.dims = dims
        rows = _rows(x, dims)
        n = max(rows.shape[1], 1)
        r = _inverse_deviation(np.einsum("rn,rn->r", rows, rows) / n, eps)
        y = rows * r[:, None]
        if w is not None:
            y *= w.reshape(-1)
        ctx.save(x, r, w)
        return y.reshape(x.shape), r

    @staticmethod
    def backward(ctx: Any, dy: Any, dr: Any) -> Any:
        x, r, w = ctx.saved
        rows = _rows(x, ctx.dims)
        n = max(rows.shape[1], 1)
        if dy is None:
            return (rows * (dr * r * r * r / -n)[:, None]).reshape(x.shape), None, None, None
        flat_w = None if w is None else w.reshape(-1)

        def gradients(dy: Any, x: Any, r: Any, dr: Any) -> tuple[Any, Any]:
            product = dy * x
            dw = np.einsum("r,rn->n", r, product)
            if flat_w is None:
                g, along = dy, np.einsum("rn->r", product)
            else:
                g, along = dy * flat_w, np.einsum("rn,n->r", product, flat_w)
            slope = _plus(dr, along) * r * r * r / n
            return g * r[:, None] - x * slope[:, None], dw

        dx, dw = by_rows(gradients, (dy.reshape(rows.shape), rows, r, dr), x.shape)
        return dx, None, (None if w is None else dw.reshape(w.shape)), None
