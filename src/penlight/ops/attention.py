"""Scaled dot-product attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.kernels import attention as kernel
from penlight.ops.softmax import softmax

__all__ = ["Attention", "probabilities"]


class Attention(Op):
    """Y = P V with P = softmax(scale Q K^T + M) along the keys, for each head.

    With D = dY V^T, the gradient of P: dV = P^T dY, and through the softmax

        dS = P * (D - sum_j D_j P_j),

    where the sum over the keys j is that of dY * Y over the features: sum_j (dY . V_j) P_j = dY . Y.
    Then dQ = scale dS K and dK = scale dS^T Q. P is not saved but made again, a block at a time, from
    the logarithm of the softmax's denominator, lse: P = exp(scale Q K^T + M - lse). Only a graph of
    the gradient itself, for derivatives of second order, needs P as a whole.

    Source: Vaswani et al., "Attention Is All You Need", 2017; Dao, Fu, Ermon, Rudra & Ré,
    "FlashAttention", 2022, appendix B.
    """

    label = "ScaledDotProductFlashAttentionForCpuBackward0"

    @staticmethod
    def forward(ctx: Any, q: Any, k: Any, v: Any, mask: Any, scale: float, causal: bool) -> Any:
        y, lse, ctx.plain = kernel.forward(q, k, v, mask, scale, causal, any(ctx.edges))
        ctx.save(q, k, v, mask, y, lse)
        ctx.options = scale, causal
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        q, k, v, mask, y, lse = ctx.saved
        scale, causal = ctx.options
        if type(dy) is np.ndarray:
            return kernel.backward(dy, q, k, v, y, lse, ctx.plain, mask, scale, causal)
        p = probabilities(q, k, mask, scale, causal)
        d = dy @ _t(v)  # (L, F) @ (F, S) -> (L, S)
        ds = p * (d - np.sum(d * p, axis=-1, keepdims=True)) * scale
        return ds @ k, _t(ds) @ q, _t(p) @ dy


def _t(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def probabilities(q: Any, k: Any, mask: Any, scale: float, causal: bool) -> Any:
    """P = softmax(scale Q K^T + M) of tensors as a whole, (..., L, S), made of other ops.

    Rows that attend to nothing are zeros.
    """
    s: Any = (q * scale) @ _t(k)  # (..., L, E) @ (..., E, S) -> (..., L, S)
    if mask is not None:
        s = np.where(mask, s, -np.inf) if _array(mask).dtype == bool else s + mask
    if causal:
        s = np.where(np.tri(*_array(s).shape[-2:], dtype=np.bool_), s, -np.inf)
    if mask is None:
        return softmax(s, -1)
    nothing: Any = np.all(_array(s) == -np.inf, axis=-1, keepdims=True)
    shown: Any = np.where(nothing, 0, s)
    return np.where(nothing, 0, softmax(shown, -1))


def _array(x: Any) -> np.ndarray:
    return x._array if isinstance(x, TensorBase) else x
