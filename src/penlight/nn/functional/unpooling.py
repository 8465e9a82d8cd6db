"""Putting what pooling took back where it was."""

from __future__ import annotations

import math
from typing import Any

from penlight.nn.functional.windows import nonempty, not_negative, positive
from penlight.ops.pooling import PutAt
from penlight.tensor import Tensor

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]

Ints = int | tuple[int, ...]


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Any = None,
) -> Tensor:
    """The partial inverse of :func:`max_pool1d`; see :func:`max_unpool2d`."""
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Any = None,
) -> Tensor:
    """The partial inverse of :func:`max_pool2d`: each maximum where it was, zeros elsewhere.

    Args:
        input: (N, C, H, W) or (C, H, W).
        indices: of the same shape, as ``max_pool2d(..., return_indices=True)`` gives them.
        kernel_size, stride, padding: those of the pooling.
        output_size: the size before the pooling, which its windows may leave open.

    Raises:
        ValueError: if ``output_size`` does not fit the windows.
        RuntimeError: if the shapes differ or an index is out of range.

    Source: Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", 2014.
    """
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Any = None,
) -> Tensor:
    """The partial inverse of :func:`max_pool3d`; see :func:`max_unpool2d`."""
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _max_unpool(
    name: str,
    n: int,
    input: Tensor,
    indices: Tensor,
    kernel: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    kernel = positive(name, "kernel_size", kernel, n)
    strides = kernel if stride is None else positive(name, "stride", stride, n)
    amounts = not_negative(name, "padding", padding, n)
    if input.shape != indices.shape:
        raise RuntimeError(
            f"{name}: Expected shape of indices to be same as that of the input tensor "
            f"({list(input.shape)}) but got indices tensor with shape: {list(indices.shape)}"
        )
    x, single = nonempty(name, input, n)
    default = tuple(
        (m - 1) * s - 2 * p + k
        for m, s, p, k in zip(x.shape[2:], strides, amounts, kernel, strict=True)
    )
    size = default if output_size is None else tuple(output_size)
    if len(size) == n + 2 or (single and len(size) == n + 1):
        size = size[-n:]
    if len(size) != n:
        raise ValueError(
            f"{name}: output_size should be a sequence containing {n} or {n + 2} elements, but it "
            f"has a length of '{len(size)}'"
        )
    if output_size is not None and not all(
        d - s < m < d + s for m, d, s in zip(size, default, strides, strict=True)
    ):
        raise ValueError(
            f"{name}: invalid output_size {size}: each entry must lie less than a stride "
            f"{tuple(strides)} from {default}"
        )
    at = indices._array
    low, high = (int(at.min()), int(at.max())) if at.size else (0, 0)
    if low < 0 or high >= math.prod(size):
        raise RuntimeError(
            f"{name}: found an invalid max index: {low}..{high} for an output of size {size}"
        )
    y = PutAt.apply(x, indices.reshape(x.shape), size, False)
    return y.squeeze(0) if single else y
