"""A linear layer with its cross-entropy as one module."""

from __future__ import annotations

import math
from typing import Any

from penlight.nn import functional as F
from penlight.nn.functional.linear_cross_entropy import LinearCrossEntropyOptions
from penlight.nn.modules.linear import Linear
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = ["LinearCrossEntropyLoss", "LinearCrossEntropyOptions"]


class LinearCrossEntropyLoss(Module):
    """Cross-entropy of W x + b with classes, without keeping all logits where ``options`` say so.

    Args:
        in_features: I, of x.
        num_classes: C.
        out_features: (d1, ...), places of each sample with a class of their own. Default: none.
        bias: whether there is b. Default: False.
        reduction, weight, ignore_index, label_smoothing: as for :class:`CrossEntropyLoss`.
        options: :class:`LinearCrossEntropyOptions`, to work chunk by chunk.

    Shape:
        input (I) or (N, I); target () or (N) or (N, d1, ...), or probabilities.

    Parameters:
        linear: the :class:`Linear` layer with C d1 ... rows.
    """

    linear: Linear
    weight: Tensor | None

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.num_classes = num_classes
        self.out_features = tuple(out_features)
        self.reduction = reduction
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.options = options
        rows = num_classes * math.prod(self.out_features)
        self.linear = Linear(in_features, rows, bias=bias, device=device, dtype=dtype)
        self.register_buffer("weight", weight)

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        self.linear.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        places, bias = (self.num_classes, *self.out_features), self.linear.bias
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape(*places, self.in_features),
            target,
            linear_bias=None if bias is None else bias.reshape(places),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
            f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )
