"""How tensors print."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["tensor_repr"]


def tensor_repr(tensor: Tensor) -> str:
    """The text that ``repr`` and ``str`` give."""
    return f"tensor({tensor._array.tolist()})"
