"""Tensor: operators and methods by family; functions that make tensors."""

from penlight.tensor.tensor import Tensor

__all__ = ["Tensor"]
