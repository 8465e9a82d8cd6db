"""Questions about tensors that need no computation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penlight.autograd.base import TensorBase
from penlight.ops.complex import is_complex

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "is_complex", "is_conj", "is_floating_point", "is_inference", "is_neg", "is_nonzero",
    "is_same_size", "is_signed", "is_tensor", "numel",
]  # fmt: skip


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a Tensor."""
    return isinstance(obj, TensorBase)


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input._array.size


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a (real) floating one."""
    return input._array.dtype.kind == "f"


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return input._array.dtype.kind in "ifc"


def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero.

    Raises:
        RuntimeError: if there is not exactly one.
    """
    return bool(input)


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape."""
    return input._array.shape == other._array.shape


def is_conj(input: Tensor) -> bool:
    """False: conjugates are never lazy here."""
    return False


def is_neg(input: Tensor) -> bool:
    """False: negatives are never lazy here."""
    return False


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return input.is_inference()
