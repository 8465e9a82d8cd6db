"""A small GPT: a decoder-only transformer that predicts the next token."""

from __future__ import annotations

import math

import penlight
from penlight import Tensor, nn
from penlight.models.checks import check_count
from penlight.nn import functional as F

__all__ = ["GPT", "Cache"]


class Cache:
    """The keys and values of the tokens seen so far, in one layer; they grow at the end.

    Memory is taken for ``size`` tokens at once, so that a token costs no copy of the earlier ones.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.length = 0
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def extended(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values up to these, (B, H, length, D)."""
        if self.keys is None or self.values is None:
            shape = (*keys.shape[:2], self.size, keys.shape[3])
            self.keys, self.values = keys.new_empty(shape), values.new_empty(shape)
        start, self.length = self.length, self.length + keys.shape[2]
        self.keys[:, :, start : self.length] = keys
        self.values[:, :, start : self.length] = values
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


class Attention(nn.Module):
    """Each token attends to itself and to those before it."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        batch, length, width = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for part in self.qkv(x).chunk(3, dim=-1)
        )  # (B, H, T, D)
        if cache is not None:
            k, v = cache.extended(k, v)
        alone = length == 1  # the newest token may attend to all others
        if not alone and k.shape[2] != length:
            raise ValueError("GPT: a cache that holds tokens takes further ones one at a time")
        p = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=not alone)
        return self.project(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    """x = x + attention(norm(x)), then y = x + W2 GELU(W1 norm(x))."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        x = x + self.dropout(self.attention(self.norm1(x), cache))
        return x + self.dropout(self.mlp(self.norm2(x)))


class GPT(nn.Module):
    """Token + position embedding -> blocks -> norm -> logits of the next token, for every position.

    Args:
        vocabulary: how many tokens there are, V.
        context: the longest sequence, T.
        layers: blocks.
        heads: of each attention; divides ``width``.
        width: of the residual stream, C.
        dropout: of embeddings, attention weights and residual branches. Default: 0.
        tied: use the token embedding's weight for the logits too (Press & Wolf, 2017). Default: True.

    Shape:
        tokens (B, T), int64, output (B, T, V).

    Weights are normal with deviation 0.02; those that end a residual branch less by sqrt(2 layers),
    so that the sum of the branches does not grow with their number.

    Example:
        >>> model = GPT(vocabulary=65)
        >>> loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        >>> model.generate(tokens[:1, :8], max_new_tokens=100)

    Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, section 2.3.
    """

    def __init__(
        self,
        vocabulary: int = 65,
        context: int = 128,
        layers: int = 4,
        heads: int = 4,
        width: int = 128,
        dropout: float = 0.0,
        tied: bool = True,
    ) -> None:
        super().__init__()
        sizes = {"vocabulary": vocabulary, "context": context, "heads": heads, "width": width}
        for name, value in sizes.items():
            check_count("GPT", name, value)
        check_count("GPT", "layers", layers, lowest=0)
        if width % heads:
            raise ValueError(f"GPT: width (={width}) must be divisible by heads (={heads})")
        self.context = context
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList([Block(width, heads, dropout) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, 0.0, 0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "mlp.2.weight")):
                nn.init.normal_(parameter, 0.0, 0.02 / math.sqrt(2 * layers))
        if tied:
            self.head.weight = self.tokens.weight

    def forward(self, tokens: Tensor, caches: list[Cache] | None = None) -> Tensor:
        """
        Args:
            tokens: those that follow what the caches hold.
            caches: one per block, from :meth:`new_caches`; they are extended. Default: none.

        Raises:
            ValueError: if the sequence is longer than ``context``.
        """
        start = caches[0].length if caches else 0
        stop = start + tokens.shape[1]
        if stop > self.context:
            raise ValueError(f"GPT: context (={self.context}) is shorter than {stop} tokens")
        x = self.dropout(self.tokens(tokens) + self.positions.weight[start:stop])
        for i, block in enumerate(self.blocks):
            x = block(x, caches[i] if caches else None)
        return self.head(self.norm(x))

    def new_caches(self) -> list[Cache]:
        """Empty caches, one per block."""
        return [Cache(self.context) for _ in self.blocks]

    @penlight.no_grad()
    def generate(
        self,
        tokens: Tensor,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        generator: penlight.Generator | None = None,
    ) -> Tensor:
        """``tokens`` (B, T) and the tokens that the model draws after them, one at a time.

        While all fit into the context, a step computes the new token alone, from cached keys and
        values; beyond, the oldest are forgotten and positions change, so each step is whole.

        Args:
            temperature: divides the logits; 0 takes the likeliest token each time.
            top_k: draw among the k likeliest alone.

        Raises:
            ValueError: if ``tokens`` is empty, ``temperature`` negative or ``top_k`` not positive.
        """
        if tokens.ndim != 2 or not tokens.shape[1]:
            raise ValueError(
                f"GPT.generate: tokens must be (B, T) with T >= 1, got {list(tokens.shape)}"
            )
        if temperature < 0:
            raise ValueError(f"GPT.generate: temperature must be >= 0, got {temperature}")
        if top_k is not None:
            check_count("GPT.generate", "top_k", top_k)
        training = self.training
        self.eval()
        try:
            caches: list[Cache] = []
            for _ in range(max_new_tokens):
                whole = tokens[:, -self.context :]
                if tokens.shape[1] > self.context:
                    logits = self(whole)
                elif caches:
                    logits = self(tokens[:, -1:], caches)
                else:
                    caches = self.new_caches()
                    logits = self(whole, caches)
                new = _draw(logits[:, -1], temperature, top_k, generator)
                tokens = penlight.cat([tokens, new], dim=1)
        finally:
            self.train(training)
        return tokens


def _draw(
    logits: Tensor, temperature: float, top_k: int | None, generator: penlight.Generator | None
) -> Tensor:
    """A token for each row of logits, (B, V) -> (B, 1)."""
    if temperature == 0:
        return logits.argmax(-1, keepdim=True)
    logits = logits / temperature
    if top_k is not None and top_k < logits.shape[-1]:
        least = logits.topk(top_k, -1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -math.inf)
    return penlight.multinomial(F.softmax(logits, -1), 1, generator=generator)
