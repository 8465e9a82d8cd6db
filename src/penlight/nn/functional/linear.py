"""Linear and bilinear maps with their bias."""

from __future__ import annotations

from penlight.ops.bilinear import Bilinear
from penlight.ops.matmul import Linear
from penlight.tensor import Tensor

__all__ = ["bilinear", "linear"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x W^T + b over the last dimension.

    Args:
        input: x, (..., I).
        weight: W, (O, I), or (I,) for a single output without its dimension.
        bias: b, (O,), or what else broadcasts to y. Default: none.

    Returns:
        y, (..., O), in the dtype of the input.

    Raises:
        RuntimeError: if the shapes don't fit, or if the dtypes differ.
    """
    x, w = input._array, weight._array
    x_shape, w_shape = x.shape, w.shape
    if len(w_shape) not in (1, 2):
        raise RuntimeError(f"linear: weight must be (O, I) or (I,), got {list(weight.shape)}")
    if not x_shape or x_shape[-1] != w_shape[-1]:
        raise RuntimeError(
            f"linear: mat1 and mat2 shapes cannot be multiplied: the last size of input "
            f"{list(input.shape)} must be in_features (={weight.shape[-1]}) of weight "
            f"{list(weight.shape)}"
        )
    if x.dtype != w.dtype or (bias is not None and bias._array.dtype != w.dtype):
        raise RuntimeError(
            "linear: mat1 and mat2 must have the same dtype, but got input "
            f"{input.dtype}, weight {weight.dtype}, bias {bias.dtype if bias is not None else None}"
        )
    if bias is None or (len(w_shape) == 2 and bias._array.shape == w_shape[:1]):
        return Linear.apply(input, weight, bias) if len(w_shape) == 2 else input @ weight
    y = linear(input, weight)
    try:
        return y + bias.expand(y.shape)
    except RuntimeError:
        raise RuntimeError(
            f"linear: bias of shape {list(bias.shape)} must broadcast to the output {list(y.shape)}"
        ) from None


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_o = x1^T A_o x2 + b_o over the last dimensions.

    Args:
        input1: x1, (..., I1).
        input2: x2, (..., I2), with the same leading sizes.
        weight: A, (O, I1, I2).
        bias: b, (O,). Default: none.

    Returns:
        y, (..., O), in the dtype of the inputs.

    Raises:
        RuntimeError: if sizes or dtypes don't fit together.
        IndexError: if ``weight`` has fewer than 3 dimensions.
    """
    if weight.ndim != 3:
        raise IndexError(
            f"bilinear: weight must have 3 dimensions (O, I1, I2), got {list(weight.shape)}"
        )
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            "bilinear: input1 and input2 must have the same leading sizes, got "
            f"{list(input1.shape)} and {list(input2.shape)}"
        )
    features = tuple(t.shape[-1] if t.ndim else None for t in (input1, input2))
    if features != weight.shape[1:]:
        raise RuntimeError(
            f"bilinear: input1 and input2 must end in the sizes (I1, I2) = {tuple(weight.shape[1:])}"
            f" of weight {list(weight.shape)}, got {features}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(
            f"bilinear: bias must have shape [{weight.shape[0]}] (O of weight), got "
            f"{list(bias.shape)}"
        )
    if len({t.dtype for t in (input1, input2, weight, bias) if t is not None}) > 1:
        raise RuntimeError(
            "bilinear: all tensors must have the same dtype, got input1 "
            f"{input1.dtype}, input2 {input2.dtype}, weight {weight.dtype}, "
            f"bias {bias.dtype if bias is not None else None}"
        )
    return Bilinear.apply(input1, input2, weight, bias)
