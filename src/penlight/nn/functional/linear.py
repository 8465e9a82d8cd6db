"""The linear map with its bias."""

from __future__ import annotations

from penlight.ops.matmul import Linear
from penlight.tensor import Tensor

__all__ = ["linear"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x W^T + b over the last dimension.

    Args:
        input: x, (..., I).
        weight: W, (O, I), or (I,) for a single output without its dimension.
        bias: b, (O,) or (). Default: none.

    Returns:
        y, (..., O), in the dtype of the input.

    Raises:
        RuntimeError: if the last size of ``input`` is not I, or if the dtypes differ.
    """
    if not input.ndim or input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            f"linear: mat1 and mat2 shapes cannot be multiplied: the last size of input "
            f"{list(input.shape)} must be in_features (={weight.shape[-1]}) of weight "
            f"{list(weight.shape)}"
        )
    if input.dtype is not weight.dtype or (bias is not None and bias.dtype is not weight.dtype):
        raise RuntimeError(
            "linear: mat1 and mat2 must have the same dtype, but got input "
            f"{input.dtype}, weight {weight.dtype}, bias {bias.dtype if bias is not None else None}"
        )
    if weight.ndim == 1:
        y = input @ weight
        return y if bias is None else y + bias
    return Linear.apply(input, weight, bias)  # type: ignore[no-any-return]
