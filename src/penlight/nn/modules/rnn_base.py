"""What the recurrent layers share."""

from __future__ import annotations

import math
import warnings
from typing import Any

from penlight.nn import init
from penlight.nn.functional.rnn import recurrent_layers
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter
from penlight.nn.utils.rnn import PackedSequence
from penlight.ops import recurrent
from penlight.ops.recurrent import Layout, Recurrent
from penlight.tensor import Tensor
from penlight.tensor.creation import empty

__all__ = ["RNNBase"]

# the op of each mode, and how many blocks of H rows its weights have
_OPS: dict[str, tuple[type[Recurrent], int]] = {
    "RNN_TANH": (recurrent.RNNTanh, 1),
    "RNN_RELU": (recurrent.RNNReLU, 1),
    "LSTM": (recurrent.LSTM, 4),
    "GRU": (recurrent.GRU, 3),
}
_TIME_FIRST, _BATCH_FIRST = Layout(), Layout(batch_first=True)


class RNNBase(Module):
    """What RNN, LSTM and GRU share: options, parameters and the checks of arguments.

    Args:
        mode: "RNN_TANH", "RNN_RELU", "LSTM" or "GRU"; the others are those of :class:`LSTM`.
    """

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(
        self,
        mode: str,
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
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_options(dropout)
        self._all_weights = [
            self._add_weights(layer, direction, device, dtype)
            for layer in range(num_layers)
            for direction in range(1 + bidirectional)
        ]
        self.reset_parameters()

    def _check_options(self, dropout: Any) -> None:
        name = type(self).__name__
        if (
            isinstance(dropout, bool)
            or not isinstance(dropout, (int, float))
            or not 0 <= dropout <= 1
        ):
            raise ValueError(
                f"{name}: dropout should be a number in range [0, 1], the probability of an element "
                f"being zeroed, got {dropout!r}"
            )
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(
                f"{name}: dropout is applied after all but the last layer, so a non-zero dropout "
                f"expects num_layers greater than 1, but got dropout={dropout} and num_layers=1",
                stacklevel=4,
            )
        for option in ("bias", "batch_first"):
            value = getattr(self, option)
            if not isinstance(value, bool):
                raise TypeError(
                    f"{name}: {option} should be of type bool, got: {type(value).__name__}"
                )
        for option in ("input_size", "hidden_size", "num_layers"):
            value = getattr(self, option)
            if not isinstance(value, int):
                raise TypeError(
                    f"{name}: {option} should be of type int, got: {type(value).__name__}"
                )
            if value <= 0:
                raise ValueError(f"{name}: {option} (={value}) must be greater than zero")
        if self.proj_size < 0:
            raise ValueError(
                f"{name}: proj_size (={self.proj_size}) should be a positive integer, or zero for no "
                "projection"
            )
        if self.proj_size >= self.hidden_size:
            raise ValueError(
                f"{name}: proj_size (={self.proj_size}) has to be smaller than hidden_size "
                f"(={self.hidden_size})"
            )
        if self.mode not in _OPS:
            raise ValueError(
                f"{name}: Unrecognized RNN mode: {self.mode}; expected one of {[*_OPS]}"
            )

    def _add_weights(self, layer: int, direction: int, device: Any, dtype: Any) -> list[str]:
        """Register the parameters of a layer's direction; their names."""
        output_size = self.proj_size or self.hidden_size
        inputs = self.input_size if layer == 0 else output_size * (1 + self.bidirectional)
        rows = _OPS[self.mode][1] * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, inputs), "weight_hh": (rows, output_size)
        }  # fmt: skip
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        suffix = f"_l{layer}" + ("_reverse" if direction else "")
        for name, shape in shapes.items():
            setattr(self, name + suffix, Parameter(empty(shape, device=device, dtype=dtype)))
        return [name + suffix for name in shapes]

    def reset_parameters(self) -> None:
        """Draw all parameters anew, uniformly in (-1/sqrt(H), 1/sqrt(H))."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    @property
    def all_weights(self) -> list[list[Any]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Nothing: PyTorch gathers the parameters' memory here, on GPUs alone."""

    # -- the computation ---------------------------------------------------------------------

    def _weights(self) -> list[list[Any]]:
        """For each layer, the op's weights of its directions, None where there are none."""
        op = _OPS[self.mode][0]
        layers: list[list[Any]] = []
        parameters = self._parameters
        for i, names in enumerate(self._all_weights):
            found: list[Any] = [
                parameters[n] if n in parameters else getattr(self, n) for n in names
            ]
            if not self.bias:
                found[2:2] = [None, None]
            if len(found) < op.weights:
                found.append(None)
            if self.bidirectional and i % 2:
                layers[-1] += found
            else:
                layers.append(found)
        return layers

    def _run(self, input: Any, states: tuple[Any, ...] | None) -> tuple[Any, tuple[Any, ...]]:
        """The output, and the last states."""
        op = _OPS[self.mode][0]
        dropout = self.dropout if self.training else 0.0
        if isinstance(input, PackedSequence):
            return self._run_packed(op, input, states, dropout)
        name = type(self).__name__
        ndim = input.ndim
        if ndim not in (2, 3):
            raise ValueError(f"{name}: Expected input to be 2D or 3D, got {ndim}D tensor instead")
        batch_dim = 0 if self.batch_first else 1
        if ndim == 2:
            input = input.unsqueeze(batch_dim)
        self.check_input(input, None)
        if input._array.shape[1 - batch_dim] == 0:
            raise RuntimeError(f"{name}: Expected sequence length to be larger than 0")
        if states is None:
            states = (None,) * op.states
        else:
            self._check_dimensions(states, ndim)
            if ndim == 2:
                states = tuple(s.unsqueeze(1) for s in states)
            self._check_states(input, states, None)
        layout = _BATCH_FIRST if self.batch_first else _TIME_FIRST
        y, last = recurrent_layers(op, input, states, self._weights(), layout, dropout)
        if ndim == 2:
            return y.squeeze(batch_dim), tuple(s.squeeze(1) for s in last)
        return y, last

    def _run_packed(
        self, op: Any, input: PackedSequence, states: tuple[Any, ...] | None, dropout: float
    ) -> tuple[Any, tuple[Any, ...]]:
        data, batch_sizes, order, original = input
        self.check_input(data, batch_sizes)
        if states is None:
            states = (None,) * op.states
        else:
            if order is not None:
                states = tuple(s.index_select(1, order) for s in states)
            self._check_states(data, states, batch_sizes)
        layout = Layout(sizes=tuple(batch_sizes.tolist()))
        y, last = recurrent_layers(op, data, states, self._weights(), layout, dropout)
        if original is not None:
            last = tuple(s.index_select(1, original) for s in last)
        return PackedSequence(y, batch_sizes, order, original), last

    # -- checks ------------------------------------------------------------------------------

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise unless ``input`` has the right dtype, dimensions and size."""
        name, weight = type(self).__name__, self._parameters.get(self._all_weights[0][0])
        if weight is None:
            weight = getattr(self, self._all_weights[0][0])
        if input._array.dtype != weight._array.dtype:
            raise ValueError(
                f"{name}: input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: model.to({input.dtype})"
            )
        expected = 2 if batch_sizes is not None else 3
        if input.ndim != expected:
            raise RuntimeError(f"{name}: input must have {expected} dimensions, got {input.ndim}")
        if input._array.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{name}: input.size(-1) must be equal to input_size. Expected {self.input_size}, "
                f"got {input.shape[-1]}"
            )

    def get_expected_hidden_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape that hx must have."""
        return self._state_shape(input, batch_sizes, self.proj_size or self.hidden_size)

    def _state_shape(
        self, input: Tensor, batch_sizes: Tensor | None, size: int
    ) -> tuple[int, int, int]:
        if batch_sizes is not None:
            batch = int(batch_sizes[0])
        else:
            batch = input.shape[0 if self.batch_first else 1]
        return self.num_layers * (1 + self.bidirectional), batch, size

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raise unless ``hx`` has the expected shape."""
        if hx._array.shape != expected_hidden_size:
            text = msg.format(expected_hidden_size, list(hx.shape))
            raise RuntimeError(f"{type(self).__name__}: {text}")

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and hidden states fit."""
        self.check_input(input, batch_sizes)
        self._check_states(input, (hidden,), batch_sizes)

    def _check_states(
        self, input: Tensor, states: tuple[Tensor, ...], batch_sizes: Tensor | None
    ) -> None:
        self.check_hidden_size(states[0], self.get_expected_hidden_size(input, batch_sizes))
        self._check_dtypes(input, states)

    def _check_dtypes(self, input: Tensor, states: tuple[Tensor, ...]) -> None:
        for s in states:
            if s._array.dtype != input._array.dtype:
                raise RuntimeError(
                    f"{type(self).__name__}: input and hidden states must have the same dtype, but "
                    f"got {input.dtype} and {s.dtype}"
                )

    def _check_dimensions(self, states: tuple[Tensor, ...], ndim: int) -> None:
        for s in states:
            if s.ndim != ndim:
                kind = "batched 3-D" if ndim == 3 else "unbatched 2-D"
                raise RuntimeError(
                    f"{type(self).__name__}: For {kind} input, hx should also be {ndim}-D but got "
                    f"{s.ndim}-D tensor"
                )

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The states with their sequences in another order."""
        return hx if permutation is None else hx.index_select(1, permutation)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        for option, default in (
            ("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False),
            ("dropout", 0), ("bidirectional", False),
        ):  # fmt: skip
            value = getattr(self, option)
            if value != default:
                text += f", {option}={value}"
        return text
