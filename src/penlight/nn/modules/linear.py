"""Linear maps."""

from __future__ import annotations

import math
from typing import Any

from penlight.nn import functional as F, init
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter
from penlight.tensor import Tensor
from penlight.tensor.creation import empty

__all__ = ["Bilinear", "Identity", "Linear"]


class Identity(Module):
    """y = x; any arguments are accepted and ignored, so that it can stand in for another module."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """y = x W^T + b over the last dimension.

    Args:
        in_features: I, the size of each input vector.
        out_features: O, the size of each output vector.
        bias: whether to add b. Default: True.

    Shape:
        input (..., I), output (..., O).

    Parameters:
        weight: (O, I), and bias: (O,), both uniform in (-1/sqrt(I), 1/sqrt(I)) at the start, which
        is LeCun's choice of a variance that falls with the number of inputs.

    Source: LeCun, Bottou, Orr & Müller, "Efficient BackProp", 1998, section 4.6.
    """

    in_features: int
    out_features: int
    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Bilinear(Module):
    """y_o = x1^T A_o x2 + b_o, for vectors x1 and x2 along the last dimension.

    Args:
        in1_features: I1, the size of each x1.
        in2_features: I2, the size of each x2.
        out_features: O, the size of each output vector.
        bias: whether to add b. Default: True.

    Shape:
        input1 (..., I1), input2 (..., I2), output (..., O).

    Parameters:
        weight: A, (O, I1, I2), and bias: (O,), both uniform in (-1/sqrt(I1), 1/sqrt(I1)) at the
            start.

    Source: Tenenbaum & Freeman, "Separating style and content with bilinear models", 2000.
    """

    in1_features: int
    in2_features: int
    out_features: int
    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"Bilinear: in1_features (={in1_features}) must be > 0")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        size = (out_features, in1_features, in2_features)
        self.weight = Parameter(empty(size, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
