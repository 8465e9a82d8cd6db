"""The embedding lookup and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels.scatter import add_rows

__all__ = ["Embedding"]


class Embedding(Op):
    """y_i = w[index_i]; dw[v] = the sum of dy_i over all i with index_i = v."""

    @staticmethod
    def forward(
        ctx: Any, w: np.ndarray, index: np.ndarray, padding: int, by_frequency: bool
    ) -> Any:
        ctx.rows, ctx.options = w.shape[0], (padding, by_frequency)
        ctx.save(index)
        return w[index]

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (index,) = ctx.saved
        return EmbeddingGrad.apply(dy, index, ctx.rows, *ctx.options)


class EmbeddingGrad(Op):
    """y[v] = the sum (or mean) of x_i with index_i = v, 0 for the padding row; dx_i = dy[index_i]."""

    @staticmethod
    def forward(
        ctx: Any, x: np.ndarray, index: np.ndarray, rows: int, padding: int, by_frequency: bool
    ) -> np.ndarray:
        share = (index != padding).astype(x.dtype)[..., None]
        if by_frequency:
            share = share / np.bincount(index.ravel(), minlength=rows)[index][..., None].astype(
                x.dtype
            )
        ctx.save(index, share)
        y = np.zeros((rows, x.shape[-1]), x.dtype)
        add_rows(y, index, x * share)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        index, share = ctx.saved
        return Embedding.apply(dy, index, -1, False) * share
