"""Linear and bilinear maps with their bias."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.ops.bilinear import Bilinear
from penlight.ops.joining import cat, stack
from penlight.ops.matmul import Linear
from penlight.tensor import Tensor

__all__ = ["bilinear", "grouped_mm", "linear"]


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


def grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    *,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: Any = None,
) -> Tensor:
    """One product for each group of rows, as for the experts of a mixture.

    Args:
        mat_a, mat_b: (G, M, K) and (G, K, N) for G products (G, M, N); a matrix in place of one of them
            holds the groups side by side: (M, K) rows, giving (M, N); (K, N) columns, giving (M, N);
            or both share K cut into groups, giving (G, M, N).
        offs: the ends of the groups, (G), int32, where there is a matrix; what lies behind the last is 0.
        bias: not supported, as in PyTorch.
        out_dtype: that of ``mat_a``, if given.

    Raises:
        RuntimeError: if shapes, dtypes or offsets don't fit.

    Source: Shazeer et al., "Outrageously Large Neural Networks", 2017 (mixtures of experts).
    """
    if bias is not None:
        raise RuntimeError("grouped_mm: Bias not supported yet; add it to the result")
    if mat_a.ndim not in (2, 3) or mat_b.ndim not in (2, 3):
        raise RuntimeError(f"grouped_mm: expected matrices or batches, got {mat_a.ndim}D and {mat_b.ndim}D")  # fmt: skip
    if out_dtype is not None and out_dtype != mat_a.dtype:
        raise RuntimeError(f"grouped_mm: output dtype must match mat_a ({mat_a.dtype}), got {out_dtype}")  # fmt: skip
    if (offs is None) != (mat_a.ndim == mat_b.ndim == 3):
        raise RuntimeError(
            "grouped_mm: Have to provide offsets if there is a 2d matrix, or no offset if both are 3d"
        )
    if offs is None:
        return mat_a @ mat_b
    if offs._array.dtype != np.int32:
        raise RuntimeError(f"grouped_mm: Offsets have to be int32, got {offs.dtype}")
    ends = offs.tolist()
    parts = [slice(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    for matrix in (mat_a, mat_b):
        if matrix.ndim == 3 and matrix.shape[0] != len(parts):
            raise RuntimeError(
                f"grouped_mm: matrix batch sizes have to match: {len(parts)} groups, {matrix.shape[0]}"
            )
    if mat_a.ndim == mat_b.ndim:
        return stack([mat_a[:, p] @ mat_b[p] for p in parts])
    if mat_a.ndim == 2:
        rows = [mat_a[p] @ mat_b[g] for g, p in enumerate(parts)]
        rest = mat_a.new_zeros(mat_a.shape[0] - ends[-1], mat_b.shape[2])
        return cat([*rows, rest])
    columns = [mat_a[g] @ mat_b[:, p] for g, p in enumerate(parts)]
    return cat([*columns, mat_a.new_zeros(mat_a.shape[1], mat_b.shape[1] - ends[-1])], 1)
