"""Activation functions."""

from __future__ import annotations

from penlight.ops import activation as ops
from penlight.tensor import Tensor
from penlight.tensor.inplace import inplace as make_inplace

__all__ = ["relu", "relu_"]

relu_ = make_inplace(ops.relu)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise.

    Args:
        input: x, any shape.
        inplace: put the result into x's own memory. Default: False.
    """
    return relu_(input) if inplace else ops.relu(input)
