"""Pooling by the p-norm of windows."""

from __future__ import annotations

import math
from typing import Any

from penlight._core.arguments import ntuple
from penlight.nn.functional.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from penlight.ops.activation import relu
from penlight.tensor import Tensor

__all__ = ["lp_pool1d", "lp_pool2d", "lp_pool3d"]

Ints = int | tuple[int, ...]


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(sum of x^p over each window)^(1/p), p being ``norm_type``; see :func:`lp_pool2d`."""
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(sum of x^p over each window)^(1/p), p being ``norm_type``; infinity gives the largest |x|.

    Source: Sermanet, Chintala & LeCun, "Convolutional Neural Networks Applied to House Numbers Digit
    Classification", 2012.
    """
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(sum of x^p over each window)^(1/p), p being ``norm_type``; see :func:`lp_pool2d`."""
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(n: int, input: Tensor, p: float, kernel: Any, stride: Any, ceil: bool) -> Tensor:
    maximum, mean = _POOLS[n]
    if p == math.inf:
        return maximum(input.abs(), kernel, stride, 0, 1, ceil)
    if p == -math.inf:
        return -maximum(-input.abs(), kernel, stride, 0, 1, ceil)
    means = mean(input.pow(p), kernel, stride, 0, ceil)
    count = math.prod(ntuple(kernel, n, f"lp_pool{n}d: kernel_size"))
    sums = means.sign() * relu(means.abs()) * count
    return sums.pow(1 / p)


_POOLS: dict[int, tuple[Any, Any]] = {
    1: (max_pool1d, avg_pool1d),
    2: (max_pool2d, avg_pool2d),
    3: (max_pool3d, avg_pool3d),
}
