"""Language models on characters: a GPT and an LSTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.workloads.base import Program, Training, seeded
from benchmarks.workloads.optimizers import adam, adamw

__all__ = ["GENERATION", "TRAINING", "gpt", "lstm"]

VOCABULARY = 65
CONTEXT = 128
WIDTH, HEADS, LAYERS = 128, 4, 4


def gpt(torch: Any) -> Any:
    """A decoder with pre-norm blocks; given a cache, it reads on from there."""
    nn = torch.nn
    F = torch.nn.functional

    class Attention(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
            self.out = nn.Linear(WIDTH, WIDTH)

        def forward(self, x: Any, cache: dict[str, Any] | None) -> Any:
            n, length, _ = x.shape
            qkv = self.qkv(x).view(n, length, 3, HEADS, WIDTH // HEADS)
            q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (N, heads, length, width / heads)
            if cache is None:
                y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            else:  # one new token sees all before it
                if cache:
                    k = torch.cat([cache["k"], k], dim=2)
                    v = torch.cat([cache["v"], v], dim=2)
                cache["k"], cache["v"] = k, v
                y = F.scaled_dot_product_attention(q, k, v)
            return self.out(y.transpose(1, 2).reshape(n, length, WIDTH))

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1 = nn.LayerNorm(WIDTH)
            self.attention = Attention()
            self.norm2 = nn.LayerNorm(WIDTH)
            self.mlp = nn.Sequential(
                nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
            )

        def forward(self, x: Any, cache: dict[str, Any] | None) -> Any:
            x = x + self.attention(self.norm1(x), cache)
            return x + self.mlp(self.norm2(x))

    class GPT(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Embedding(VOCABULARY, WIDTH)
            self.position = nn.Embedding(CONTEXT, WIDTH)
            self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
            self.norm = nn.LayerNorm(WIDTH)
            self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)

        def forward(
            self, tokens: Any, start: int = 0, caches: list[dict[str, Any]] | None = None
        ) -> Any:
            length = tokens.shape[1]
            x = self.token(tokens) + self.position(torch.arange(start, start + length))
            for i, block in enumerate(self.blocks):
                x = block(x, None if caches is None else caches[i])
            return self.head(self.norm(x))

    return GPT()


def lstm(torch: Any) -> Any:
    nn = torch.nn

    class CharacterModel(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Embedding(VOCABULARY, 64)
            self.lstm = nn.LSTM(64, 128, batch_first=True)
            self.head = nn.Linear(128, VOCABULARY)

        def forward(self, tokens: Any) -> Any:
            states, _ = self.lstm(self.token(tokens))
            return self.head(states)

    return CharacterModel()


def next_token_loss(torch: Any, model: Any, tokens: Any, following: Any) -> Any:
    logits = model(tokens)
    return torch.nn.functional.cross_entropy(logits.view(-1, VOCABULARY), following.view(-1))


def texts(n: int, length: int) -> Any:
    """Batches of ``n`` random texts, and the same texts a character on."""

    def batch(rng: np.random.Generator) -> list[np.ndarray]:
        text = rng.integers(0, VOCABULARY, (n, length + 1))
        return [np.ascontiguousarray(text[:, :-1]), np.ascontiguousarray(text[:, 1:])]

    return batch


@dataclass(frozen=True)
class Generation:
    """A GPT that writes a text, token by token with cached keys and values; timed per token."""

    name: str
    title: str
    tolerance: float = 1e-3
    extra_flops: int = 2 * 2 * CONTEXT // 2 * WIDTH * LAYERS

    def program(self, torch: Any) -> Program:
        model = gpt(torch).eval()
        first = int(seeded(1).integers(VOCABULARY))

        def write() -> tuple[list[int], Any]:
            """The text, always the likeliest token next, and the last logits."""
            caches: list[dict[str, Any]] = [{} for _ in range(LAYERS)]
            text = [first]
            with torch.no_grad():
                for i in range(CONTEXT):
                    logits = model(torch.tensor([[text[-1]]]), i, caches)
                    text.append(int(logits.argmax()))
            return text, logits

        def check() -> list[float]:
            text, logits = write()
            return [*map(float, text), *logits.flatten().tolist()]

        return Program(write, check, model, unit_count=CONTEXT)


TRAINING = [
    Training(
        "gpt", "GPT, 4 layers of 128, context 128, batch 16", gpt, next_token_loss,
        texts(16, CONTEXT), adamw,
        extra_flops=2 * 2 * 16 * CONTEXT * CONTEXT // 2 * WIDTH * LAYERS,  # below the diagonal
    ),
    Training(
        "lstm", "LSTM of 128 on characters, 64 steps, batch 32", lstm, next_token_loss,
        texts(32, 64), adam,
    ),
]  # fmt: skip

GENERATION = Generation("gpt-token", "GPT, one token with cached keys and values")
