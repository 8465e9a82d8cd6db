"""Recurrent layers and steps: what the modules are thin over, without names in PyTorch's ``functional``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penlight.nn.functional.dropout import dropout as drop
from penlight.ops.joining import cat
from penlight.ops.recurrent import GRU, LSTM, Layout, Recurrent, RNNReLU, RNNTanh
from penlight.tensor import Tensor

__all__ = ["gru_step", "lstm_step", "recurrent_layers", "rnn_relu_step", "rnn_tanh_step"]


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


States = Sequence[Tensor] | None


def _step(
    op: type[Recurrent], input: Tensor, states: States, weights: tuple[Any, ...]
) -> tuple[Tensor, ...]:
    """One step of (N, I): the new states, (N, H)."""
    w_ih, w_hh = weights[:2]
    batch, inputs = input._array.shape
    size = w_hh._array.shape[1]
    if inputs != w_ih._array.shape[1]:
        raise RuntimeError(
            f"input has inconsistent input_size: got {inputs}, expected {w_ih._array.shape[1]}"
        )
    for i, s in enumerate(states or ()):
        if s._array.ndim != 2 or s._array.shape[0] != batch:
            raise RuntimeError(
                f"Input batch size {batch} doesn't match hidden{i} batch size {s._array.shape[0]}"
            )
        if s._array.shape[1] != size:
            raise RuntimeError(
                f"hidden{i} has inconsistent hidden_size: got {s._array.shape[1]}, expected {size}"
            )
    for name, t in (("input", input), *(("hidden", s) for s in states or ())):
        if t._array.dtype != w_ih._array.dtype:
            raise RuntimeError(
                f"{name} and weights must have the same dtype, but got {t.dtype} and {w_ih.dtype}"
            )
    first = (None,) * op.states if states is None else tuple(s.unsqueeze(0) for s in states)
    h, _, *others = op.apply(Layout(sizes=(batch,)), input, *first, *weights)
    return h, *(s.squeeze(0) for s in others)


def rnn_tanh_step(input: Tensor, states: States, *weights: Tensor | None) -> tuple[Tensor, ...]:
    """h' of :class:`~penlight.nn.RNNCell` from x and (h,) with weight_ih, weight_hh, bias_ih, bias_hh."""
    return _step(RNNTanh, input, states, weights)


def rnn_relu_step(input: Tensor, states: States, *weights: Tensor | None) -> tuple[Tensor, ...]:
    """As :func:`rnn_tanh_step`, with ReLU."""
    return _step(RNNReLU, input, states, weights)


def gru_step(input: Tensor, states: States, *weights: Tensor | None) -> tuple[Tensor, ...]:
    """h' of :class:`~penlight.nn.GRUCell` from x and (h,) with weight_ih, weight_hh, bias_ih, bias_hh."""
    return _step(GRU, input, states, weights)


def lstm_step(input: Tensor, states: States, *weights: Tensor | None) -> tuple[Tensor, ...]:
    """h' and c' of :class:`~penlight.nn.LSTMCell` from x and (h, c) with its weights."""
    return _step(LSTM, input, states, (*weights, None))
