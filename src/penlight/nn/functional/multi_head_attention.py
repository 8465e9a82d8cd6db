"""Attention by several heads, with the linear maps around it."""

from __future__ import annotations

import math
import warnings
from typing import Any

from penlight.nn.functional.attention import scaled_dot_product_attention
from penlight.nn.functional.dropout import dropout
from penlight.nn.functional.linear import linear
from penlight.ops.joining import cat
from penlight.ops.softmax import softmax
from penlight.tensor import Tensor

__all__ = ["multi_head_attention_forward"]

_OWNER = "multi_head_attention_forward"


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """y = [head_1, ..., head_H] Wo^T + bo, head_h = softmax(q_h k_h^T / sqrt(d) + mask) v_h.

    q_h, k_h and v_h are the h-th parts, d = E / H wide, of linear maps of query, key and value.

    Args:
        query: (L, N, E), or (L, E) without a batch.
        key, value: (S, N, Ek) and (S, N, Ev).
        embed_dim_to_check: E.
        num_heads: H.
        in_proj_weight: the three maps' weights on top of each other, (3E, E).
        in_proj_bias: their biases (3E,), or None.
        bias_k, bias_v: one more key and value, (1, 1, E), after the maps.
        add_zero_attn: add a key and a value of zeros.
        dropout_p: the probability with which a weight of the means is dropped in training.
        out_proj_weight, out_proj_bias: Wo (E, E), bo (E,).
        key_padding_mask: (N, S): True for keys that nobody may attend to, or numbers to be added.
        need_weights: return the weights too, which is slower.
        attn_mask: (L, S) or (N H, L, S): True where a query may not attend to a key, or numbers.
        use_separate_proj_weight: take the next three instead of ``in_proj_weight``.
        q_proj_weight, k_proj_weight, v_proj_weight: (E, E), (E, Ek), (E, Ev).
        static_k, static_v: (N H, S, d), to use in place of the mapped key and value.
        average_attn_weights: return the mean of the heads' weights.
        is_causal: a hint that ``attn_mask`` is the causal one; needs it all the same.

    Returns:
        y like query; and the weights (N, L, S), or (N, H, L, S) if not averaged, or None.

    Raises:
        AssertionError, RuntimeError: if shapes or dtypes don't fit.

    Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.2.2.
    """
    batched = _is_batched(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = _with_batch(query, key, value)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    length, batch, width = query.shape
    sources = key.shape[0]
    if key.shape[1] != batch:
        raise RuntimeError(
            f"{_OWNER}: key and value must have the batch size of query (={batch}), got "
            f"{key.shape[1]}"
        )
    if key_padding_mask is not None:
        keys = sources if static_k is None else static_k.shape[1]
        assert key_padding_mask.shape == (batch, keys), (
            f"{_OWNER}: expecting key_padding_mask shape of {(batch, keys)}, but got "
            f"{list(key_padding_mask.shape)}"
        )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            f"{_OWNER}: Need attn_mask if specifying the is_causal hint; "
            "Transformer.generate_square_subsequent_mask makes it"
        )
    key_padding_mask = canonical_mask(
        "key_padding_mask", key_padding_mask, "attn_mask", attn_mask, query
    )
    if attn_mask is not None:
        attn_mask = _heads_of_mask(attn_mask, length, sources, batch, num_heads)
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None  # the fused op knows it without
    else:
        attn_mask = canonical_mask("attn_mask", attn_mask, "", None, query)
        is_causal = False

    assert width == embed_dim_to_check, (
        f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}"
    )
    head_width = width // num_heads
    assert head_width * num_heads == width, (
        f"embed_dim {width} not divisible by num_heads {num_heads}"
    )
    if use_separate_proj_weight:
        assert key.shape[:2] == value.shape[:2], (
            f"key's sequence and batch dims {list(key.shape[:2])} do not match value's "
            f"{list(value.shape[:2])}"
        )
        weights = q_proj_weight, k_proj_weight, v_proj_weight
        q, k, v = _projected_apart(query, key, value, weights, in_proj_bias)
    else:
        assert key.shape == value.shape, (
            f"key shape {list(key.shape)} does not match value shape {list(value.shape)}"
        )
        assert in_proj_weight is not None, (
            "use_separate_proj_weight is False but in_proj_weight is None"
        )
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias)

    added = 0  # keys that no mask knows of
    if bias_k is not None or bias_v is not None:
        assert bias_k is not None, "bias_v is set but bias_k is None"
        assert bias_v is not None, "bias_k is set but bias_v is None"
        assert static_k is None, "bias_k cannot be added to static_k"
        assert static_v is None, "bias_v cannot be added to static_v"
        k = cat([k, bias_k.expand(1, batch, width)])
        v = cat([v, bias_v.expand(1, batch, width)])
        added += 1
    q, k, v = (_heads(x, num_heads) for x in (q, k, v))
    if static_k is not None:
        k = _static("static_k", static_k, batch, num_heads, head_width)
    if static_v is not None:
        v = _static("static_v", static_v, batch, num_heads, head_width)
    if add_zero_attn:
        k, v = (cat([x, x.new_zeros((batch, num_heads, 1, head_width))], 2) for x in (k, v))
        added += 1
    if added and attn_mask is not None:
        attn_mask = _open_columns(attn_mask, added)
    if key_padding_mask is not None:
        if added:
            key_padding_mask = _open_columns(key_padding_mask, added)
        padding = key_padding_mask.reshape(batch, 1, 1, k.shape[2])
        attn_mask = padding if attn_mask is None else attn_mask + padding

    p = dropout_p if training else 0.0
    means: Tensor | None = None
    if need_weights:
        y, means = _attend_with_weights(q, k, v, attn_mask, p)
    else:
        y = scaled_dot_product_attention(q, k, v, attn_mask, p, is_causal)
    joined = y.permute(2, 0, 1, 3).reshape(length, batch, width)
    output = linear(joined, out_proj_weight, out_proj_bias)
    if means is not None and average_attn_weights:
        means = means.mean(1)
    if not batched:
        output = output.squeeze(1)
        means = None if means is None else means.squeeze(0)
    return output, means


def _attend_with_weights(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, p: float
) -> tuple[Tensor, Tensor]:
    """As scaled_dot_product_attention, and its weights; NaN for queries that may attend to nothing."""
    scores = (q * math.sqrt(1 / q.shape[-1])) @ k.transpose(-2, -1)
    if mask is not None:
        if mask.dtype is not scores.dtype:
            raise RuntimeError(
                f"{_OWNER}: attn_mask (={mask.dtype}) must have the dtype of query ({scores.dtype})"
            )
        scores = scores + mask
    means = dropout(softmax(scores, -1), p)
    return means @ v, means


def _is_batched(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
    num_heads: int,
) -> bool:
    """Whether there is a batch dimension, if the dimensions of all fit together."""
    ndim = query.ndim
    assert ndim in (2, 3), (
        f"{_OWNER}: query should be unbatched 2D or batched 3D tensor but received {ndim}-D query "
        "tensor"
    )
    kind = "batched (3-D)" if ndim == 3 else "unbatched (2-D)"
    assert key.ndim == ndim == value.ndim, (
        f"{_OWNER}: For {kind} query, expected key and value to be {ndim}-D but found {key.ndim}-D "
        f"and {value.ndim}-D tensors respectively"
    )
    assert key_padding_mask is None or key_padding_mask.ndim == ndim - 1, (
        f"{_OWNER}: For {kind} query, expected key_padding_mask to be None or {ndim - 1}-D but found "
        f"{getattr(key_padding_mask, 'ndim', 0)}-D tensor instead"
    )
    assert attn_mask is None or attn_mask.ndim in (2, 3), (
        f"{_OWNER}: For {kind} query, expected attn_mask to be None, 2-D or 3-D but found "
        f"{getattr(attn_mask, 'ndim', 0)}-D tensor instead"
    )
    if ndim == 2 and attn_mask is not None and attn_mask.ndim == 3:
        expected = (num_heads, query.shape[0], key.shape[0])
        assert attn_mask.shape == expected, (
            f"{_OWNER}: Expected attn_mask shape to be {expected} but got {list(attn_mask.shape)}"
        )
    return ndim == 3


def _with_batch(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """With a batch of one; what was one tensor stays one."""
    q = query.unsqueeze(1)
    k = q if key is query else key.unsqueeze(1)
    return q, k, k if value is key else value.unsqueeze(1)


def canonical_mask(
    name: str, mask: Tensor | None, other_name: str, other: Any, query: Tensor
) -> Any:
    """A mask as numbers to be added: -infinity where it was True.

    Raises:
        AssertionError: for integers.
    """
    if mask is None:
        return None
    kind = mask._array.dtype.kind
    assert kind in "bf", f"only bool and floating types of {name} are supported, got {mask.dtype}"
    if other is not None and other.dtype is not mask.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both "
            "instead.",
            stacklevel=4,
        )
    if kind == "f":
        return mask
    return query.new_zeros(tuple(mask.shape)).masked_fill(mask, -math.inf)


def _projected(q: Tensor, k: Tensor, v: Tensor, w: Tensor, b: Tensor | None) -> Any:
    """The three linear maps, in as few products as can be."""
    if q is k is v:
        return linear(q, w, b).chunk(3, -1)
    width = q.shape[-1]
    if k is v:
        w_q, w_kv = w.split([width, 2 * width])
        b_q, b_kv = (None, None) if b is None else b.split([width, 2 * width])
        return linear(q, w_q, b_q), *linear(k, w_kv, b_kv).chunk(2, -1)
    biases = (None, None, None) if b is None else b.chunk(3)
    return tuple(linear(*one) for one in zip((q, k, v), w.chunk(3), biases, strict=True))


def _projected_apart(q: Tensor, k: Tensor, v: Tensor, weights: Any, b: Tensor | None) -> Any:
    """The three linear maps with a weight each."""
    width = q.shape[-1]
    for name, x, w in zip("qkv", (q, k, v), weights, strict=True):
        assert w is not None, f"use_separate_proj_weight is True but {name}_proj_weight is None"
        full = {"q": "query", "k": "key", "v": "value"}[name]
        assert w.shape == (width, x.shape[-1]), (
            f"expecting {full} weights shape of {(width, x.shape[-1])}, but got {list(w.shape)}"
        )
    biases = (None, None, None) if b is None else b.chunk(3)
    return tuple(linear(*one) for one in zip((q, k, v), weights, biases, strict=True))


def _heads(x: Tensor, num_heads: int) -> Tensor:
    """(L, N, E) -> (N, H, L, d), a view."""
    length, batch, width = x.shape
    return x.reshape(length, batch, num_heads, width // num_heads).permute(1, 2, 0, 3)


def _static(name: str, x: Tensor, batch: int, num_heads: int, head_width: int) -> Tensor:
    """A given key or value (N H, S, d) as (N, H, S, d)."""
    assert x.shape[0] == batch * num_heads, (
        f"expecting {name}.size(0) of {batch * num_heads}, but got {x.shape[0]}"
    )
    assert x.shape[2] == head_width, (
        f"expecting {name}.size(2) of {head_width}, but got {x.shape[2]}"
    )
    return x.reshape(batch, num_heads, -1, head_width)


def _heads_of_mask(mask: Tensor, length: int, sources: int, batch: int, num_heads: int) -> Tensor:
    """(L, S) as it is; (N H, L, S) as (N, H, L, S)."""
    expected = (length, sources) if mask.ndim == 2 else (batch * num_heads, length, sources)
    if mask.shape != expected:
        raise RuntimeError(
            f"The shape of the {mask.ndim}D attn_mask is {list(mask.shape)}, but should be {expected}."
        )
    return mask if mask.ndim == 2 else mask.reshape(batch, num_heads, length, sources)


def _open_columns(mask: Tensor, count: int) -> Tensor:
    """A mask with zeros for further keys."""
    return cat([mask, mask.new_zeros((*mask.shape[:-1], count))], -1)
