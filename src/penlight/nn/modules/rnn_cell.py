"""Recurrent cells: one step at a time."""

from __future__ import annotations

import math
from typing import Any

from penlight.nn import init
from penlight.nn.functional import rnn as F
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter
from penlight.tensor import Tensor
from penlight.tensor.creation import empty

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


class RNNCellBase(Module):
    """What the cells share.

    Args:
        input_size: I, the size of x.
        hidden_size: H, the size of h.
        bias: whether there are biases.
        num_chunks: how many blocks of H rows the weights have.
    """

    input_size: int
    hidden_size: int
    bias: bool
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(empty(rows, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            b = Parameter(empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, b)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew, uniformly in (-1/sqrt(H), 1/sqrt(H))."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text

    def _step(self, function: Any, input: Tensor, states: Any) -> tuple[Tensor, ...]:
        """The new states, from None for zeros, of a batch or a single example."""
        name = type(self).__name__
        if input.ndim not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.ndim}D instead")
        for i, s in enumerate(states or ()):
            if s.ndim not in (1, 2):
                which = f"hx[{i}]" if name == "LSTMCell" else "hidden"
                raise ValueError(f"{name}: Expected {which} to be 1D or 2D, got {s.ndim}D instead")
        weights = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        if input.ndim == 2:
            return tuple(function(input, states, *weights))
        states = None if states is None else tuple(s.unsqueeze(0) for s in states)
        return tuple(s.squeeze(0) for s in function(input.unsqueeze(0), states, *weights))


class RNNCell(RNNCellBase):
    """h' = phi(W x + b + U h + d), with phi = tanh or ReLU.

    Args:
        input_size: I, the size of x.
        hidden_size: H, the size of h.
        bias: whether there are b and d. Default: True.
        nonlinearity: "tanh" or "relu". Default: "tanh".

    Shape:
        input (N, I) or (I,); hx, optional: (N, H) or (H,), zeros by default; the result, h', like hx.

    Parameters:
        weight_ih: (H, I), weight_hh: (H, H), bias_ih, bias_hh: (H,), all uniform in
        (-1/sqrt(H), 1/sqrt(H)) at the start.

    Source: Elman, "Finding Structure in Time", 1990.
    """

    nonlinearity: str

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        functions = {"tanh": F.rnn_tanh_step, "relu": F.rnn_relu_step}
        if self.nonlinearity not in functions:
            raise RuntimeError(
                f"RNNCell: Unknown nonlinearity: {self.nonlinearity}; expected 'tanh' or 'relu'"
            )
        (h,) = self._step(functions[self.nonlinearity], input, None if hx is None else (hx,))
        return h


class LSTMCell(RNNCellBase):
    """i, f, o = sigma(W_i x + b_i + U_i h + d_i), and so for f and o;  g = tanh(W_g x + b_g + U_g h + d_g);
    c' = f c + i g;  h' = o tanh(c').

    Args:
        input_size: I, the size of x.
        hidden_size: H, the size of h and c.
        bias: whether there are b and d. Default: True.

    Shape:
        input (N, I) or (I,); hx, optional: (h, c), each (N, H) or (H,), zeros by default; the result,
        (h', c'), like hx.

    Parameters:
        weight_ih: (4H, I), rows for i, f, g, o; weight_hh: (4H, H); bias_ih, bias_hh: (4H,); all uniform
        in (-1/sqrt(H), 1/sqrt(H)) at the start.

    Source: Hochreiter & Schmidhuber, "Long Short-Term Memory", 1997; Gers et al., "Learning to Forget",
    2000.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        h, c = self._step(F.lstm_step, input, None if hx is None else (hx[0], hx[1]))
        return h, c


class GRUCell(RNNCellBase):
    """r, z = sigma(W_r x + b_r + U_r h + d_r), and so for z;  n = tanh(W_n x + b_n + r (U_n h + d_n));
    h' = (1 - z) n + z h.

    Args:
        input_size: I, the size of x.
        hidden_size: H, the size of h.
        bias: whether there are b and d. Default: True.

    Shape:
        input (N, I) or (I,); hx, optional: (N, H) or (H,), zeros by default; the result, h', like hx.

    Parameters:
        weight_ih: (3H, I), rows for r, z, n; weight_hh: (3H, H); bias_ih, bias_hh: (3H,); all uniform in
        (-1/sqrt(H), 1/sqrt(H)) at the start.

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        (h,) = self._step(F.gru_step, input, None if hx is None else (hx,))
        return h
