"""Attention."""

from __future__ import annotations

import math

import numpy as np

from penlight._core.errors import broadcast_error
from penlight.nn.functional.dropout import dropout
from penlight.ops.attention import Attention, probabilities
from penlight.tensor import Tensor

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """y = softmax(scale q k^T + mask) v: for each query, a mean of the values, weighted by the keys.

    Queries that may attend to nothing give zeros.

    Args:
        query: q, (*N, L, E).
        key: k, (*N, S, E).
        value: v, (*N, S, F); the leading dimensions N broadcast.
        attn_mask: broadcasts to (*N, L, S): True where a query may attend to a key, or numbers that
            are added to the scores, of the query's dtype.
        dropout_p: the probability with which a weight is dropped, training or not. Default: 0.
        is_causal: query i attends to the keys 0 ... i alone.
        scale: default: 1 / sqrt(E).
        enable_gqa: key and value may have fewer heads (dimension -3) than query; each serves as many
            query heads in a row as fit (Ainslie et al., "GQA", 2023).

    Returns:
        y, (*N, L, F).

    Raises:
        RuntimeError: if shapes or dtypes don't fit, or with both ``attn_mask`` and ``is_causal``.
        NotImplementedError: for complex numbers.

    Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.2.1.
    """
    _check_tensors(query, key, value, attn_mask, is_causal)
    if not dropout_p <= 1:
        raise RuntimeError(
            f"dropout probability has to be between 0 and 1, but got dropout_p={dropout_p}"
        )
    q, k, v = query, key, value
    if enable_gqa:
        q, k, v = _grouped(query, key, value)
        if q.ndim > query.ndim and attn_mask is not None and attn_mask.ndim > 2:
            heads = attn_mask.shape[-3]
            groups = (1, 1) if heads == 1 else q.shape[-4:-2]
            attn_mask = attn_mask.reshape(*attn_mask.shape[:-3], *groups, *attn_mask.shape[-2:])
    _check_shapes(q, k, v, attn_mask)
    if scale is None:
        width = q._array.shape[-1]
        scale = 1 / math.sqrt(width) if width else 1.0
    if dropout_p > 0 or (attn_mask is not None and attn_mask.requires_grad):
        p = probabilities(q, k, attn_mask, scale, is_causal)
        y = dropout(p, dropout_p) @ v
    else:
        y = Attention.apply(q, k, v, attn_mask, scale, is_causal)
    return y if q is query or q.ndim == query.ndim else y.flatten(-4, -3)


def _check_tensors(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool
) -> None:
    owner = "scaled_dot_product_attention"
    for name, x in (("query", query), ("key", key), ("value", value)):
        if not isinstance(x, Tensor):
            raise TypeError(f"{owner}(): argument '{name}' must be Tensor, not {type(x).__name__}")
        if x._array.ndim < 2:
            raise RuntimeError(
                f"{owner}: Expected query, key, and value to all be at least 2 dimensional, but "
                f"{name} has shape {list(x.shape)}"
            )
    dtype = query._array.dtype
    if not dtype == key._array.dtype == value._array.dtype:
        raise RuntimeError(
            f"{owner}: Expected query, key, and value to have the same dtype, but got query "
            f"{query.dtype}, key {key.dtype}, value {value.dtype}"
        )
    if dtype.kind == "c":
        raise NotImplementedError(f"{owner}: not implemented for {query.dtype}")
    if dtype.kind != "f":
        raise RuntimeError(f"{owner}: expected query of a floating dtype, got {query.dtype}")
    if attn_mask is None:
        return
    if not isinstance(attn_mask, Tensor):
        raise TypeError(
            f"{owner}(): argument 'attn_mask' must be Tensor, not {type(attn_mask).__name__}"
        )
    if is_causal:
        raise RuntimeError(f"{owner}: attn_mask should not be set when is_causal=True")
    if attn_mask._array.dtype not in (np.bool_, np.float32, query._array.dtype):
        raise RuntimeError(
            f"{owner}: Expected attn_mask dtype to be bool or float32 or to match query dtype "
            f"({query.dtype}), but got {attn_mask.dtype}"
        )


def _check_shapes(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> None:
    owner = "scaled_dot_product_attention"
    shapes = q._array.shape, k._array.shape, v._array.shape
    if shapes[0][-1] != shapes[1][-1] or shapes[1][-2] != shapes[2][-2]:
        raise RuntimeError(
            f"{owner}: Expected query (..., L, E), key (..., S, E) and value (..., S, F), got "
            f"{list(q.shape)}, {list(k.shape)} and {list(v.shape)}"
        )
    lead = shapes[0][:-2]
    if not lead == shapes[1][:-2] == shapes[2][:-2]:
        try:
            lead = np.broadcast_shapes(*(shape[:-2] for shape in shapes))
        except ValueError:
            raise broadcast_error(owner, list(shapes)) from None
    if mask is None:
        return
    full = (*lead, q.shape[-2], k.shape[-2])
    try:
        fits = np.broadcast_shapes(tuple(mask.shape), full) == full
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(
            f"{owner}: attn_mask of shape {list(mask.shape)} must broadcast to the scores' shape "
            f"{list(full)}"
        )


def _grouped(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Heads (dimension -3) of the query as (heads of key, heads that share one); key and value alike."""
    owner = "scaled_dot_product_attention"
    if min(query.ndim, key.ndim, value.ndim) < 3:
        raise IndexError(
            f"{owner}: Dimension out of range: enable_gqa needs heads in dimension -3, got shapes "
            f"{list(query.shape)}, {list(key.shape)}, {list(value.shape)}"
        )
    heads, k_heads, v_heads = query.shape[-3], key.shape[-3], value.shape[-3]
    if not k_heads or not v_heads or heads % k_heads or heads % v_heads:
        raise RuntimeError(
            f"{owner}: Number of heads in key (={k_heads}) and value (={v_heads}) must divide the "
            f"number of heads in query (={heads})"
        )
    if k_heads != v_heads:
        return query, _repeated(key, heads), _repeated(value, heads)
    if k_heads == heads:
        return query, key, value
    return query.unflatten(-3, (k_heads, heads // k_heads)), key.unsqueeze(-3), value.unsqueeze(-3)


def _repeated(x: Tensor, heads: int) -> Tensor:
    """Each head of x several times in a row."""
    return x.repeat_interleave(heads // x.shape[-3], -3)
