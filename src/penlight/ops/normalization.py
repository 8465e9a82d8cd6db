"""Normalisation to zero mean and unit variance, over the batch or within each sample.

With n elements sharing a mean m and a variance v, let c = x - m, r = (v + eps)^(-1/2) and
y = c r w + b. A change of c reaches y directly and through r, whose derivative is -r^3 c / n; a
change of x reaches c less its own mean. Hence, with g = w dy and means over the n elements,

    dx = r (g - mean(g) - c r^2 mean(g c)),    dw = sum(dy c r),    db = sum(dy)

(Ioffe & Szegedy 2015, section 3, simplified). ``kernels.norms`` computes that in few passes. A
backward that is to be differentiated again is written with operators on Tensors, from x on, as m and
r are functions of x too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels import norms

__all__ = ["BatchNorm", "FixedNorm", "GroupNorm", "LayerNorm", "RMSNorm"]


def _positions_joined(x: Any) -> tuple[int, int, int]:
    """The shape of (N, C, ...) as (N, C, L)."""
    return x.shape[0], x.shape[1], math.prod(x.shape[2:])


def _mean(x: Any, axes: tuple[int, ...]) -> Any:
    n = math.prod([x.shape[a] for a in axes])
    return np.sum(x, axis=axes, keepdims=True) / max(n, 1)


def _input_gradient(x: Any, g: Any, axes: tuple[int, ...], eps: float) -> tuple[Any, Any]:
    """The formula: dx, and the normalised c r, with statistics over ``axes`` of x."""
    c = x - _mean(x, axes)
    r = 1 / np.sqrt(_mean(c * c, axes) + eps)
    return r * (g - _mean(g, axes) - c * r * r * _mean(g * c, axes)), c * r


class BatchNorm(Op):
    """y = c r w + b, with mean and variance of each channel over the batch and all positions.

    x is (N, C, ...), w and b are (C,) or None.

    Returns (y, m, v), of which users see y; the others are (C,), for the running statistics.

    Source: Ioffe & Szegedy, "Batch Normalization", 2015.
    """

    label = "NativeBatchNormBackward0"
    materialize = False

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, w: Any, b: Any, eps: float) -> Any:
        ctx.eps = eps
        y, m, v, r = norms.batch_norm(x.reshape(_positions_joined(x)), w, b, eps)
        ctx.save(x, w, m, r)
        return y.reshape(x.shape), m, v

    @staticmethod
    def backward(ctx: Any, dy: Any, dm: Any, dv: Any) -> Any:
        x, w, m, r = ctx.saved
        shape, joined = x.shape, _positions_joined(x)
        x, dy = x.reshape(joined), dy.reshape(joined)
        if type(dy) is np.ndarray:
            dx, dw, db = norms.batch_norm_backward(dy, x, m, r, w)
        else:
            g = dy if w is None else dy * w[:, None]
            dx, normal = _input_gradient(x, g, (0, 2), ctx.eps)
            dw, db = np.sum(dy * normal, axis=(0, 2)), np.sum(dy, axis=(0, 2))
        _, need_w, need_b, _ = ctx.edges
        return dx.reshape(shape), (dw if need_w else None), (db if need_b else None), None


class FixedNorm(Op):
    """y = (x - m) r w + b, with a mean m and a variance v of each channel that are given constants.

    dx = dy r w, dw = r sum(dy (x - m)), db = sum(dy), over the batch and all positions.
    """

    label = "NativeBatchNormBackward0"

    @staticmethod
    def forward(
        ctx: Any, x: np.ndarray, m: np.ndarray, v: np.ndarray, w: Any, b: Any, eps: float
    ) -> Any:
        r = 1 / np.sqrt(v + eps)
        scale = r if w is None else r * w
        shift = -m * scale if b is None else b - m * scale
        # m may move on, in training, before backward
        ctx.save(x, m.copy() if ctx.edges[3] else None, r, w)
        return norms.affine(x.reshape(_positions_joined(x)), scale, shift).reshape(x.shape)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, m, r, w = ctx.saved
        need_x, _, _, need_w, need_b, _ = ctx.edges
        joined = _positions_joined(x)
        dy = dy.reshape(joined)
        dx = dw = db = None
        if need_x:
            scale = r if w is None else r * w
            fast = type(dy) is np.ndarray
            dx = norms.affine(dy, scale, None) if fast else dy * scale[:, None]
            dx = dx.reshape(x.shape)
        if need_w:
            dw = r * np.einsum("ncl,ncl->c", dy, x.reshape(joined) - m[:, None])
        if need_b:
            db = np.einsum("ncl->c", dy)
        return dx, None, None, dw, db, None


class GroupNorm(Op):
    """y = c r w + b, with mean and variance over the channels of each group of each sample.

    x is (N, C, ...), w and b are (C,) or None. As many groups as channels is instance norm.

    Returns (y, m, v), of which users see y; the others are (N, G).

    Source: Wu & He, "Group Normalization", 2018; Ulyanov, Vedaldi & Lempitsky, "Instance
    Normalization", 2016.
    """

    label = "NativeGroupNormBackward0"
    materialize = False

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, groups: int, w: Any, b: Any, eps: float) -> Any:
        ctx.eps = eps
        samples, channels, length = _positions_joined(x)
        ctx.rows = samples, groups, channels // groups * length
        y, m, v, r = norms.row_norm(
            x.reshape(ctx.rows), _repeated(w, length), _repeated(b, length), eps
        )
        ctx.save(x, w, m, r)
        return y.reshape(x.shape), m, v

    @staticmethod
    def backward(ctx: Any, dy: Any, dm: Any, dv: Any) -> Any:
        x, w, m, r = ctx.saved
        _, _, need_w, need_b, _ = ctx.edges
        shape, joined = x.shape, _positions_joined(x)
        if type(dy) is np.ndarray:
            dx, dw, db = norms.group_norm_backward(dy.reshape(joined), x.reshape(joined), m, r, w)
        else:
            dy = dy.reshape(joined)
            g = dy if w is None else dy * w[:, None]
            dx, normal = _input_gradient(x.reshape(ctx.rows), g.reshape(ctx.rows), (2,), ctx.eps)
            dw = np.sum(dy * normal.reshape(joined), axis=(0, 2))
            db = np.sum(dy, axis=(0, 2))
        return dx.reshape(shape), None, (dw if need_w else None), (db if need_b else None), None


def _repeated(w: Any, length: int) -> Any:
    """A factor per channel for each of its positions."""
    return None if w is None else np.repeat(w, length)


def _rows(x: Any, dims: int) -> tuple[int, int, int]:
    """The shape of x with its last ``dims`` dimensions made one, and all before them one."""
    split = x.ndim - dims
    return math.prod(x.shape[:split]), 1, math.prod(x.shape[split:])


def _flat(w: Any) -> Any:
    return None if w is None else w.reshape(-1)


class LayerNorm(Op):
    """y = c r w + b, with mean and variance over the last dimensions of x, those of w and b.

    Source: Ba, Kiros & Hinton, "Layer Normalization", 2016.
    """

    label = "NativeLayerNormBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, dims: int, w: Any, b: Any, eps: float) -> Any:
        ctx.dims, ctx.eps = dims, eps
        y, m, _, r = norms.row_norm(x.reshape(_rows(x, dims)), _flat(w), _flat(b), eps)
        ctx.save(x, w, m, r)
        return y.reshape(x.shape)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, w, m, r = ctx.saved
        _, _, need_w, need_b, _ = ctx.edges
        shape, rows, row = x.shape, _rows(x, ctx.dims), x.shape[x.ndim - ctx.dims :]
        x, dy, w = x.reshape(rows), dy.reshape(rows), _flat(w)
        if type(dy) is np.ndarray:
            dx, dw, db = norms.row_norm_backward(dy, x, m, r, w)
        else:
            dx, normal = _input_gradient(x, dy if w is None else dy * w, (2,), ctx.eps)
            dw, db = np.sum(dy * normal, axis=(0, 1)), np.sum(dy, axis=(0, 1))
        return (
            dx.reshape(shape),
            None,
            dw.reshape(row) if need_w else None,
            db.reshape(row) if need_b else None,
            None,
        )


class RMSNorm(Op):
    """y = x r w with r = (mean(x^2) + eps)^(-1/2), the mean over the last dimensions of x, those of w.

    As above with m = 0: dx = r (g - x r^2 mean(g x)).

    Source: Zhang & Sennrich, "Root Mean Square Layer Normalization", 2019.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, dims: int, w: Any, eps: float) -> Any:
        ctx.dims, ctx.eps = dims, eps
        y, _, _, r = norms.row_norm(x.reshape(_rows(x, dims)), _flat(w), None, eps, centred=False)
        ctx.save(x, w, r)
        return y.reshape(x.shape)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, w, r = ctx.saved
        shape, rows, row = x.shape, _rows(x, ctx.dims), x.shape[x.ndim - ctx.dims :]
        x, dy, w = x.reshape(rows), dy.reshape(rows), _flat(w)
        if type(dy) is np.ndarray:
            dx, dw, _ = norms.row_norm_backward(dy, x, None, r, w)
        else:
            g = dy if w is None else dy * w
            r = 1 / np.sqrt(_mean(x * x, (2,)) + ctx.eps)
            dx = r * (g - x * r * r * _mean(g * x, (2,)))
            dw = np.sum(dy * x * r, axis=(0, 1))
        return dx.reshape(shape), None, (dw.reshape(row) if ctx.edges[2] else None), None
