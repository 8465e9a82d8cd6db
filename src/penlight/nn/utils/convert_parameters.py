"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from penlight.ops.joining import cat
from penlight.tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of all parameters, in order, as one vector that gradients flow through.

    Args:
        parameters: tensors of any shapes.

    Returns:
        A vector of as many elements as they have together.
    """
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make each parameter the next part of ``vec``, whose memory they then share.

    Args:
        vec: a vector of at least as many elements as the parameters have together.
        parameters: tensors to change; they stay leaves, and their history is not recorded.

    Raises:
        TypeError: if ``vec`` is no Tensor.
        RuntimeError: if it is too short.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: vec must be a Tensor, got {type(vec).__name__}")
    start = 0
    for p in parameters:
        end = start + p.numel()
        if end > vec.numel():
            raise RuntimeError(
                f"vector_to_parameters: vec has {vec.numel()} elements, too few for parameters of "
                f"{end} and more"
            )
        p.data = vec.data[start:end].reshape(p.shape)
        start = end
