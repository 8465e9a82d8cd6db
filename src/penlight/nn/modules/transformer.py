"""The transformer: stacks of layers, an encoder and a decoder."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from penlight.nn import functional as F, init
from penlight.nn.functional.multi_head_attention import canonical_mask
from penlight.nn.modules.container import ModuleList
from penlight.nn.modules.module import Module
from penlight.nn.modules.normalization import LayerNorm
from penlight.nn.modules.transformer_layers import (
    Activation,
    TransformerDecoderLayer,
    TransformerEncoderLayer,
)
from penlight.tensor import Tensor
from penlight.tensor.creation import full

__all__ = [
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
    "TransformerEncoderLayer",
]  # fmt: skip


class TransformerEncoder(Module):
    """Copies of one layer, one after another, and a norm.

    Args:
        encoder_layer: what is copied.
        num_layers: how often.
        norm: applied last. Default: none.
        enable_nested_tensor, mask_check: accepted; padded positions are computed here like others.

    Source: Vaswani et al., "Attention Is All You Need", 2017.
    """

    def __init__(
        self,
        encoder_layer: TransformerEncoderLayer,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """
        Args:
            src: the input of the first layer.
            mask, src_key_padding_mask: the attentions' masks.
            is_causal: whether ``mask`` is the causal one. Default: find out.
        """
        padding = canonical_mask("src_key_padding_mask", src_key_padding_mask, "mask", mask, src)
        mask = canonical_mask("mask", mask, "", None, src)
        is_causal = _is_causal(mask, is_causal)
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, is_causal=is_causal, src_key_padding_mask=padding)
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Module):
    """Copies of one layer, one after another, each of which gets the memory too, and a norm.

    Args:
        decoder_layer: what is copied.
        num_layers: how often.
        norm: applied last. Default: none.

    Source: Vaswani et al., "Attention Is All You Need", 2017.
    """

    def __init__(
        self, decoder_layer: TransformerDecoderLayer, num_layers: int, norm: Module | None = None
    ) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """
        Args:
            tgt: the input of the first layer.
            memory: an encoder's output.
            tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask: the layers' masks.
            tgt_is_causal: whether ``tgt_mask`` is the causal one. Default: find out.
            memory_is_causal: whether ``memory_mask`` is.
        """
        causal = _is_causal(tgt_mask, tgt_is_causal)
        x = tgt
        for layer in self.layers:
            x = layer(
                x, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal, memory_is_causal=memory_is_causal,
            )  # fmt: skip
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """decoder(tgt, encoder(src)).

    Args:
        d_model: E. Default: 512.
        nhead: heads of each attention. Default: 8.
        num_encoder_layers, num_decoder_layers: default: 6.
        dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias: as for
            :class:`TransformerEncoderLayer`.
        custom_encoder, custom_decoder: modules to take instead.

    Shape:
        src (S, N, E), tgt (T, N, E), output (T, N, E); with ``batch_first`` (N, S, E) and so on;
        without a batch (S, E) and so on.

    Source: Vaswani et al., "Attention Is All You Need", 2017.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        made: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        layer = (
            d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
            norm_first,
        )  # fmt: skip

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, **made)

        self.encoder = custom_encoder
        if custom_encoder is None:
            encoder_layer = TransformerEncoderLayer(*layer, **made)
            self.encoder = TransformerEncoder(encoder_layer, num_encoder_layers, norm())
        self.decoder = custom_decoder
        if custom_decoder is None:
            decoder_layer = TransformerDecoderLayer(*layer, **made)
            self.decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norm())
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """
        Args:
            src, tgt: the inputs of encoder and decoder.
            src_mask, tgt_mask, memory_mask: masks of (L, S) or (N H, L, S): numbers to be added to
                the scores, or True where a query may not attend to a key.
            src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask: (N, S) likewise.
            src_is_causal, tgt_is_causal, memory_is_causal: whether the masks are the causal ones.

        Raises:
            RuntimeError: if batch or feature sizes don't fit.
        """
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError(
                "Transformer: the batch number of src and tgt must be equal, got "
                f"{src.shape[batch]} and {tgt.shape[batch]}"
            )
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError(
                "Transformer: the feature number of src and tgt must be equal to d_model "
                f"(={self.d_model}), got {src.shape[-1]} and {tgt.shape[-1]}"
            )
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal, memory_is_causal=memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """(sz, sz), to be added: -infinity above the diagonal, where the future is; zeros elsewhere."""
        return full((sz, sz), -math.inf, device=device, dtype=dtype).triu(1)

    def _reset_parameters(self) -> None:
        """Draw all matrices anew, Xavier uniform."""
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)


def _copies(module: Module, n: int) -> ModuleList:
    return ModuleList([copy.deepcopy(module) for _ in range(n)])


def _is_causal(mask: Tensor | None, hint: bool | None) -> bool:
    """The hint; without one, whether the mask lets each position attend to itself and the past."""
    if hint is not None or mask is None:
        return bool(hint)
    array = mask._array
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        return False
    causal = np.triu(np.full(array.shape, -np.inf, np.float32), 1)
    return bool(np.array_equal(array, causal))
