"""Attention by several heads."""

from __future__ import annotations

from typing import Any

from penlight.nn import functional as F, init
from penlight.nn.modules.linear import Linear
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter
from penlight.tensor import Tensor
from penlight.tensor.creation import empty

__all__ = ["MultiheadAttention"]


class NonDynamicallyQuantizableLinear(Linear):
    """:class:`Linear` under the name that PyTorch prints here."""


class MultiheadAttention(Module):
    """y = [head_1, ..., head_H] Wo^T + bo, head_h = softmax(q_h k_h^T / sqrt(d) + mask) v_h.

    q_h, k_h and v_h are the h-th parts, d = E / H wide, of linear maps of query, key and value.

    Args:
        embed_dim: E, the size of queries and outputs.
        num_heads: H, which divides E.
        dropout: the probability with which a weight of the means is dropped in training. Default: 0.
        bias: whether the linear maps have biases. Default: True.
        add_bias_kv: learn one more key and value. Default: False.
        add_zero_attn: add a key and a value of zeros. Default: False.
        kdim, vdim: the sizes of keys and values. Default: E.
        batch_first: the batch comes before the sequence. Default: False.

    Shape:
        query (L, N, E), key (S, N, kdim), value (S, N, vdim), output (L, N, E) and weights
        (N, L, S); with ``batch_first`` (N, L, E) and so on; without a batch (L, E) and so on.

    Parameters:
        in_proj_weight: (3E, E), the maps of query, key and value on top of each other; if the sizes
            differ, q_proj_weight, k_proj_weight and v_proj_weight. Xavier uniform at the start.
        in_proj_bias: (3E,), zeros at the start.
        bias_k, bias_v: (1, 1, E), Xavier normal at the start.
        out_proj: a linear map, its bias zeros at the start.

    Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.2.2.
    """

    in_proj_weight: Tensor | None
    q_proj_weight: Tensor | None
    k_proj_weight: Tensor | None
    v_proj_weight: Tensor | None
    in_proj_bias: Tensor | None
    bias_k: Tensor | None
    bias_v: Tensor | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "MultiheadAttention: embed_dim and num_heads must be greater than 0, got "
                f"embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        assert self.head_dim * num_heads == embed_dim, (
            f"MultiheadAttention: embed_dim (={embed_dim}) must be divisible by num_heads "
            f"(={num_heads})"
        )

        def parameter(*shape: int) -> Parameter:
            return Parameter(empty(shape, device=device, dtype=dtype))

        if self._qkv_same_embed_dim:
            self.in_proj_weight = parameter(3 * embed_dim, embed_dim)
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.register_parameter(name, None)
        else:
            self.q_proj_weight = parameter(embed_dim, embed_dim)
            self.k_proj_weight = parameter(embed_dim, self.kdim)
            self.v_proj_weight = parameter(embed_dim, self.vdim)
            self.register_parameter("in_proj_weight", None)
        if bias:
            self.in_proj_bias = parameter(3 * embed_dim)
        else:
            self.register_parameter("in_proj_bias", None)
        self.out_proj = NonDynamicallyQuantizableLinear(
            embed_dim, embed_dim, bias=bias, device=device, dtype=dtype
        )
        self.bias_k = parameter(1, 1, embed_dim) if add_bias_kv else None
        self.bias_v = parameter(1, 1, embed_dim) if add_bias_kv else None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw all but ``out_proj``'s weight anew."""
        weights = self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        for weight in weights:
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            assert self.out_proj.bias is not None
            init.zeros_(self.out_proj.bias)
        for added in (self.bias_k, self.bias_v):
            if added is not None:
                init.xavier_normal_(added)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The output, and the weights if ``need_weights``; see the function for the arguments."""
        swap = self.batch_first and query.ndim == 3
        if swap:
            query, key, value = _batch_second(query, key, value)
        output, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (output.transpose(0, 1) if swap else output), weights


def _batch_second(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(N, L, E) as (L, N, E); what was one tensor stays one."""
    if not query.ndim == key.ndim == value.ndim:
        return query, key, value  # refused by the function
    q = query.transpose(0, 1)
    k = q if key is query else key.transpose(0, 1)
    return q, k, k if value is key else value.transpose(0, 1)
