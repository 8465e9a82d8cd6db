"""Recurrent layers over whole sequences."""

from __future__ import annotations

from typing import Any

from penlight.nn.modules.rnn_base import RNNBase
from penlight.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN"]


def _refuse_projection(name: str, proj_size: Any) -> None:
    if proj_size is not None:
        raise ValueError(
            f"{name}: proj_size argument is only supported for LSTM, not RNN or GRU, got {proj_size!r}"
        )


class RNN(RNNBase):
    """Elman's recurrent layer, a sequence at a time: for each layer and step

    h' = phi(W x + b + U h + d), with phi = tanh or ReLU.

    Args:
        input_size: I, the size of x.
        hidden_size: H, the size of h.
        num_layers: L; each layer reads the h of the one below. Default: 1.
        nonlinearity: "tanh" or "relu". Default: "tanh".
        bias: whether there are b and d. Default: True.
        batch_first: input and output are (N, T, ...), not (T, N, ...). Default: False.
        dropout: probability of a zero in what a layer hands to the next, in training. Default: 0.
        bidirectional: run another stack from the last step to the first, and join the two. Default:
            False.

    Shape:
        input (T, N, I), (T, I), or a PackedSequence; hx, optional: (L D, N, H) with D directions; zeros
        by default.
        output (T, N, D H); then h after the last step, shaped like hx.

    Parameters:
        weight_ih_l0: (H, I), with D H columns in the layers above; weight_hh_l0: (H, H); bias_ih_l0,
        bias_hh_l0: (H,); and so for l1 ..., each also with _reverse if bidirectional.
        All start uniform in (-1/sqrt(H), 1/sqrt(H)).

    Source: Elman, "Finding Structure in Time", 1990.
    """

    nonlinearity: str

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        proj_size: None = None,
    ) -> None:
        _refuse_projection("RNN", proj_size)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"RNN: Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(
            f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first,
            dropout, bidirectional, device=device, dtype=dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        y, (h,) = self._run(input, None if hx is None else (hx,))
        return y, h


class LSTM(RNNBase):
    """Long short-term memory, a sequence at a time: for each layer and step

    i, f, o = sigma(W_i x + b_i + U_i h + d_i), and so for f and o;  g = tanh(W_g x + b_g + U_g h + d_g);
    c' = f c + i g;  h' = o tanh(c'), or V (o tanh(c')) with a projection.

    Args:
        input_size: I, the size of x.
        hidden_size: H, the size of c, and of h without a projection.
        num_layers: L; each layer reads the h of the one below. Default: 1.
        bias: whether there are b and d. Default: True.
        batch_first: input and output are (N, T, ...), not (T, N, ...). Default: False.
        dropout: probability of a zero in what a layer hands to the next, in training. Default: 0.
        bidirectional: run another stack from the last step to the first, and join the two. Default:
            False.
        proj_size: P, the size of h if it is projected; 0 for none. Default: 0.

    Shape:
        input (T, N, I), (T, I), or a PackedSequence; hx, optional: (h, c), each (L D, N, H) with D
        directions, (L D, N, P) for a projected h; zeros at first by default.
        output (T, N, D H); then (h, c) after the last step, shaped like hx.

    Parameters:
        weight_ih_l0: (4H, I), rows for i, f, g, o; D H columns in the layers above;
        weight_hh_l0: (4H, H); bias_ih_l0, bias_hh_l0: (4H,); weight_hr_l0: (P, H);
        and so for l1 ..., each also with _reverse if bidirectional.
        All start uniform in (-1/sqrt(H), 1/sqrt(H)).

    Source: Hochreiter & Schmidhuber, "Long Short-Term Memory", 1997; Gers et al., "Learning to Forget",
    2000; projections: Sak, Senior & Beaufays, 2014.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            proj_size, device, dtype,
        )  # fmt: skip

    def forward(
        self, input: Any, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Any, tuple[Tensor, Tensor]]:
        y, last = self._run(input, None if hx is None else (hx[0], hx[1]))
        return y, (last[0], last[1])

    def get_expected_cell_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape that the c of hx must have."""
        return self._state_shape(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and hidden states fit."""
        self.check_input(input, batch_sizes)
        self._check_states(input, (hidden[0], hidden[1]), batch_sizes)

    def _check_states(
        self, input: Tensor, states: tuple[Tensor, ...], batch_sizes: Tensor | None
    ) -> None:
        h, c = states
        h_size = self.get_expected_hidden_size(input, batch_sizes)
        c_size = self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(h, h_size, "Expected hidden[0] size {}, got {}")
        self.check_hidden_size(c, c_size, "Expected hidden[1] size {}, got {}")
        self._check_dtypes(input, states)

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The states with their sequences in another order."""
        return hx if permutation is None else tuple(s.index_select(1, permutation) for s in hx)


class GRU(RNNBase):
    """Gated recurrent units, a sequence at a time: for each layer and step

    r, z = sigma(W_r x + b_r + U_r h + d_r), and so for z;  n = tanh(W_n x + b_n + r (U_n h + d_n));
    h' = (1 - z) n + z h.

    Args:
        input_size: I, the size of x.
        hidden_size: H, the size of h.
        num_layers: L; each layer reads the h of the one below. Default: 1.
        bias: whether there are b and d. Default: True.
        batch_first: input and output are (N, T, ...), not (T, N, ...). Default: False.
        dropout: probability of a zero in what a layer hands to the next, in training. Default: 0.
        bidirectional: run another stack from the last step to the first, and join the two. Default:
            False.

    Shape:
        input (T, N, I), (T, I), or a PackedSequence; hx, optional: (L D, N, H) with D directions; zeros
        by default.
        output (T, N, D H); then h after the last step, shaped like hx.

    Parameters:
        weight_ih_l0: (3H, I), rows for r, z, n; D H columns in the layers above; weight_hh_l0: (3H, H);
        bias_ih_l0, bias_hh_l0: (3H,); and so for l1 ..., each also with _reverse if bidirectional.
        All start uniform in (-1/sqrt(H), 1/sqrt(H)).

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014. There r is
    applied to h before the product with U_n, here after it, as in PyTorch.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        proj_size: None = None,
    ) -> None:
        _refuse_projection("GRU", proj_size)
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            device=device, dtype=dtype,
        )  # fmt: skip

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        y, (h,) = self._run(input, None if hx is None else (hx,))
        return y, h
