"""Functions of networks that PyTorch has in its main namespace, as ``torch.conv2d`` and ``torch.lstm``.

They compute what their namesakes in ``nn.functional`` or ``nn`` do, with arguments in another order;
``reduction`` is a number: 0 none (the default, unlike there), 1 mean, 2 sum.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from penlight.nn import functional as F
from penlight.nn.functional.rnn import (
    gru_step,
    lstm_step,
    recurrent_layers,
    rnn_relu_step,
    rnn_tanh_step,
)
from penlight.ops.recurrent import GRU, LSTM, Layout, Recurrent, RNNReLU, RNNTanh
from penlight.tensor import Tensor

__all__ = ["NAMES"]

# the same in both namespaces
SAME = """
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d conv_tbc avg_pool1d
    adaptive_avg_pool1d rms_norm bilinear celu celu_ selu selu_ hardshrink prelu threshold threshold_ rrelu
    rrelu_ channel_shuffle native_channel_shuffle pixel_shuffle pixel_unshuffle cosine_similarity
    pairwise_distance
"""
WITH_REDUCTION = """
    cosine_embedding_loss hinge_embedding_loss margin_ranking_loss triplet_margin_loss kl_div ctc_loss
    poisson_nll_loss binary_cross_entropy_with_logits
"""
REDUCTIONS = ("none", "mean", "sum")


# -- pooling, normalisation, dropout, embedding --------------------------------------------------


def _max_pool(name: str) -> Callable[..., Any]:
    """``F.max_pool1d`` and so on, without the option that returns indices."""

    def max_pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> Any:
        return getattr(F, name)(input, kernel_size, stride, padding, dilation, ceil_mode)

    return _named(max_pool, name)


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> Any:
    """(maxima, their indices) over ``output_size`` windows."""
    return F.adaptive_max_pool1d(input, output_size, return_indices=True)


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """``F.batch_norm`` in another order."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """``F.instance_norm`` in another order."""
    return F.instance_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """``F.layer_norm``."""
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """``F.group_norm``."""
    return F.group_norm(input, num_groups, weight, bias, eps)


def _dropout(name: str, kind: str, inplace: bool) -> Callable[..., Any]:
    def dropout(input: Tensor, p: float, train: bool) -> Tensor:
        y: Tensor = getattr(F, kind)(input, p, train, inplace=inplace)
        return y

    return _named(dropout, name, kind)


def embedding(
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """``F.embedding``, the weight first; ``padding_idx`` -1 is none."""
    padding = None if padding_idx == -1 else padding_idx
    return F.embedding(
        indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse
    )


def constant_pad_nd(input: Tensor, pad: Any, value: float = 0) -> Tensor:
    """``F.pad`` with a constant."""
    return F.pad(input, pad, "constant", value)


# -- recurrent layers ------------------------------------------------------------------------------


def _layers(name: str, op: type[Recurrent], states: int) -> Callable[..., Any]:
    def layers(
        input: Tensor,
        hx: Any,
        params: Sequence[Tensor],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> tuple[Tensor, ...]:
        first = (hx,) if states == 1 else tuple(hx)
        directions = 2 if bidirectional else 1
        each = len(params) // (num_layers * directions)
        weights: list[list[Tensor | None]] = [[] for _ in range(num_layers)]
        for i in range(num_layers * directions):
            found: list[Tensor | None] = [*params[i * each : (i + 1) * each]]
            if not has_biases:
                found[2:2] = [None, None]
            weights[i // directions] += found + [None] * (op.weights - len(found))
        layout = Layout(batch_first=batch_first)
        y, last = recurrent_layers(op, input, first, weights, layout, dropout if train else 0.0)
        return y, *last

    return _named(layers, name, f"nn.{name.split('_')[0].upper()}")


def lstm_cell(
    input: Tensor,
    hx: Any,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of ``nn.LSTMCell``: (h, c)."""
    h, c = lstm_step(input, tuple(hx), w_ih, w_hh, b_ih, b_hh)
    return h, c


def _cell(name: str, step: Callable[..., tuple[Tensor, ...]]) -> Callable[..., Any]:
    def cell(
        input: Tensor,
        hx: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None = None,
        b_hh: Tensor | None = None,
    ) -> Tensor:
        return step(input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]

    return _named(cell, name, f"nn.{name.split('_')[0].upper()}Cell")


# -- how they are made -------------------------------------------------------------------------------


def _named(function: Callable[..., Any], name: str, model: str = "") -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"``{model or name}`` with the arguments of PyTorch's ``torch.{name}``."
    return function


def _with_numbered_reduction(name: str) -> Callable[..., Any]:
    """A loss whose ``reduction`` is a number."""
    loss = getattr(F, name)
    signature = inspect.signature(loss)
    kept = [p for p in signature.parameters.values() if p.name not in ("size_average", "reduce")]
    kept = [p.replace(default=0) if p.name == "reduction" else p for p in kept]
    numbered = signature.replace(parameters=kept)

    @functools.wraps(loss)
    def function(*args: Any, **kwargs: Any) -> Any:
        given = numbered.bind(*args, **kwargs)
        given.apply_defaults()
        number = given.arguments["reduction"]
        if number not in range(3):
            raise ValueError(
                f"{name}: reduction must be 0 (none), 1 (mean) or 2 (sum), got {number!r}"
            )
        return loss(**{**given.arguments, "reduction": REDUCTIONS[number]})

    function.__signature__ = numbered  # type: ignore[attr-defined]
    return function


NAMES: dict[str, Callable[..., Any]] = {
    **{n: getattr(F, n) for n in SAME.split() if hasattr(F, n)},
    **{n: _with_numbered_reduction(n) for n in WITH_REDUCTION.split() if hasattr(F, n)},
    **{n: _max_pool(n) for n in ("max_pool1d", "max_pool2d", "max_pool3d", "max_pool1d_with_indices")
       if hasattr(F, n)},
    "adaptive_max_pool1d": adaptive_max_pool1d,
    "batch_norm": batch_norm, "instance_norm": instance_norm, "layer_norm": layer_norm,
    "group_norm": group_norm, "embedding": embedding, "constant_pad_nd": constant_pad_nd,
    "dropout": _dropout("dropout", "dropout", inplace=False),
    "dropout_": _dropout("dropout_", "dropout", inplace=True),
    "feature_dropout": _dropout("feature_dropout", "dropout2d", inplace=False),
    "feature_dropout_": _dropout("feature_dropout_", "dropout2d", inplace=True),
    "alpha_dropout": _dropout("alpha_dropout", "alpha_dropout", inplace=False),
    "alpha_dropout_": _dropout("alpha_dropout_", "alpha_dropout", inplace=True),
    "feature_alpha_dropout": _dropout("feature_alpha_dropout", "feature_alpha_dropout", inplace=False),
    "feature_alpha_dropout_": _dropout("feature_alpha_dropout_", "feature_alpha_dropout", inplace=True),
    "lstm": _layers("lstm", LSTM, 2), "gru": _layers("gru", GRU, 1),
    "rnn_tanh": _layers("rnn_tanh", RNNTanh, 1), "rnn_relu": _layers("rnn_relu", RNNReLU, 1),
    "lstm_cell": lstm_cell, "gru_cell": _cell("gru_cell", gru_step),
    "rnn_tanh_cell": _cell("rnn_tanh_cell", rnn_tanh_step),
    "rnn_relu_cell": _cell("rnn_relu_cell", rnn_relu_step),
}  # fmt: skip
