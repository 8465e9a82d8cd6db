"""Stacks of recurrent layers; ``nn.modules.rnn`` checks their arguments."""

from __future__ import annotations

from collections.abc import Sequence

from penlight.nn.functional.dropout import dropout as drop
from penlight.ops.joining import cat
from penlight.ops.recurrent import Layout, Recurrent
from penlight.tensor import Tensor

__all__ = ["recurrent_layers"]


def recurrent_layers(
    op: type[Recurrent],
    input: Tensor,
    states: Sequence[Tensor | None],
    weights: Sequence[Sequence[Tensor | None]],
    layout: Layout,
    dropout: float = 0.0,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Layers above each other: each reads what the one below gives, with dropout between them.

    Args:
        input: as ``layout`` says.
        states: first states of all layers and directions, (L D, N, size); None for zeros.
        weights: for each layer, those of its directions one after the other.
        dropout: probability of a zero between layers.

    Returns:
        the last layer's y, and the last states, (L D, N, size).
    """
    if len(weights) == 1:
        y, *last = op.apply(layout, input, *states, *weights[0])
        return y, tuple(last)
    directions = len(weights[0]) // op.weights
    y, lasts = input, []
    for i, layer in enumerate(weights):
        if i and dropout:
            y = drop(y, dropout)
        rows = slice(i * directions, (i + 1) * directions)
        y, *last = op.apply(layout, y, *(None if s is None else s[rows] for s in states), *layer)
        lasts.append(last)
    return y, tuple(cat(kind) for kind in zip(*lasts, strict=True))
