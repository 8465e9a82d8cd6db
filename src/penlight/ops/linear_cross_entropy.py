"""A linear layer and its cross-entropy a few samples at a time: no matrix of all logits in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels.affine import affine
from penlight.ops.softmax import Softmax, shifted

__all__ = ["LinearCrossEntropy"]


class LinearCrossEntropy(Op):
    """L_i = -ln softmax(W x_i + b)[t_i]; with p = softmax(W x_i + b) - one_hot(t_i), times dL_i:
    dx_i = p W, dW = sum_i p x_i^T, db = sum_i p.

    Backward computes the logits again, chunk by chunk, so of N x C numbers only chunk x C exist at a
    time. The price is one more product.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, b: Any, target: np.ndarray, chunk: int) -> Any:
        ctx.save(x, w, b)
        ctx.target, ctx.chunk, ctx.kind = target, chunk, x.dtype
        losses = np.empty(len(x), x.dtype)
        for rows in _chunks(len(x), chunk):
            logits = shifted(affine(x[rows], w, b), 1)
            hit = logits[np.arange(len(logits)), target[rows]]
            losses[rows] = np.log(np.exp(logits).sum(axis=1)) - hit
        return losses

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, w, b = ctx.saved
        dx, dw, db = [], None, None
        for rows in _chunks(x.shape[0], ctx.chunk):
            part = x[rows]
            logits = np.matmul(part, np.swapaxes(w, 0, 1))
            if b is not None:
                logits = logits + b
            hits = np.equal(ctx.target[rows, None], np.arange(logits.shape[1]))
            p = (Softmax.apply(logits, 1) - hits.astype(ctx.kind)) * dy[rows].reshape((-1, 1))
            dx.append(np.matmul(p, w))
            more = np.matmul(np.swapaxes(p, 0, 1), part)
            dw = more if dw is None else dw + more
            if b is not None:
                sums = np.sum(p, axis=0)
                db = sums if db is None else db + sums
        return np.concatenate(dx), dw, db


def _chunks(n: int, chunk: int) -> Iterator[slice]:
    """At least one, which of nothing is empty."""
    for start in range(0, max(n, 1), chunk):
        yield slice(start, start + chunk)
