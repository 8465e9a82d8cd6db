"""Joining dimensions into one, and splitting one up."""

from __future__ import annotations

from typing import Any

from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """y = x with the dimensions from ``start_dim`` to ``end_dim`` made one.

    Args:
        start_dim: the first of them. Default: 1, which keeps the batch.
        end_dim: the last of them. Default: -1.

    Shape:
        input (N, d1, d2, ...), output (N, d1 * d2 * ...) with the defaults.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """y = x with dimension ``dim`` split up into several.

    Args:
        dim: the dimension to split.
        unflattened_size: the sizes to split it into; one may be -1, to be worked out.

    Shape:
        input (..., d1 * d2 * ..., ...), output (..., d1, d2, ..., ...).
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                "Unflatten: unflattened_size must be a tuple of ints, but found type "
                f"{type(unflattened_size).__name__}"
            )
        for i, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                raise TypeError(
                    "Unflatten: unflattened_size must be tuple of ints, but found element of type "
                    f"{type(size).__name__} at pos {i}"
                )
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
