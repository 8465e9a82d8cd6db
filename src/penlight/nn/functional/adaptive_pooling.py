"""Pooling over windows that adapt to a wanted output size."""

from __future__ import annotations

import math
from typing import Any

from penlight._core.arguments import ntuple
from penlight.kernels.windows import Window
from penlight.nn.functional.pooling import divided_sum
from penlight.ops.pooling import AdaptiveMaxPool, MaxPool, ragged_mean
from penlight.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices",
]  # fmt: skip

Ints = int | tuple[int, ...]
Sizes = int | None | tuple[int | None, ...]


def adaptive_avg_pool1d(input: Tensor, output_size: Ints) -> Tensor:
    """Means of (N, C, L) or (C, L) over ``output_size`` windows; see :func:`adaptive_avg_pool2d`."""
    return _adaptive_avg("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Sizes) -> Tensor:
    """Means over as many windows as are wanted: i of o runs from floor(i n / o) to ceil((i + 1) n / o).

    Args:
        input: (N, C, H, W) or (C, H, W).
        output_size: (H_out, W_out), or one number for both; None keeps the input's size.

    Raises:
        RuntimeError: if the input has another rank, or a size is negative.

    Source: He, Zhang, Ren & Sun, "Spatial Pyramid Pooling in Deep Convolutional Networks", 2014.
    """
    return _adaptive_avg("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Sizes) -> Tensor:
    """Means of (N, C, D, H, W) or (C, D, H, W); see :func:`adaptive_avg_pool2d` for the windows."""
    return _adaptive_avg("adaptive_avg_pool3d", 3, input, output_size)


def _adaptive_avg(name: str, n: int, input: Tensor, output_size: Any) -> Tensor:
    x, single, size = _adaptive(name, n, input, output_size, first=1 if n == 3 else -n)
    if not (x.dtype.is_floating_point or x.dtype.is_complex):
        raise NotImplementedError(f"{name}: not implemented for {x.dtype}; use .float()")
    shape = tuple(x.shape[2:])
    if all(o and m % o == 0 for m, o in zip(shape, size, strict=True)):
        kernel = tuple(m // o for m, o in zip(shape, size, strict=True))
        window = Window(kernel, kernel, ((0, 0),) * n, (1,) * n)
        y = divided_sum(x, window, size, math.prod(kernel))
    else:
        y = x
        for axis, o in enumerate(size, 2):
            y = ragged_mean(y, axis, o)
    return y.squeeze(0) if single else y


def adaptive_max_pool1d(input: Tensor, output_size: Ints, return_indices: bool = False) -> Any:
    """Maxima of (N, C, L) or (C, L) over ``output_size`` windows; see :func:`adaptive_avg_pool2d`."""
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """Maxima over as many windows as are wanted; see :func:`adaptive_avg_pool2d` for the windows.

    Args:
        return_indices: also return where in its plane each maximum is.
    """
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """Maxima of (N, C, D, H, W) or (C, D, H, W); see :func:`adaptive_max_pool2d`."""
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)


def _adaptive_max(name: str, n: int, input: Tensor, output_size: Any, return_indices: bool) -> Any:
    x, single, size = _adaptive(name, n, input, output_size, first=1)
    if not x.dtype.is_floating_point:
        raise NotImplementedError(f"{name}: not implemented for {x.dtype}; use .float()")
    shape = tuple(x.shape[2:])
    if all(o and m % o == 0 for m, o in zip(shape, size, strict=True)):
        kernel = tuple(m // o for m, o in zip(shape, size, strict=True))
        window = Window(kernel, kernel, ((0, 0),) * n, (1,) * n)
        y = MaxPool.apply(x, window, size, return_indices)
    else:
        y = AdaptiveMaxPool.apply(x, size)
        y = y if return_indices else y[0]
    if not single:
        return y
    return (y[0].squeeze(0), y[1].squeeze(0)) if return_indices else y.squeeze(0)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Ints, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool1d` with ``return_indices``."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Sizes, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool2d` with ``return_indices``."""
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Sizes, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool3d` with ``return_indices``."""
    return adaptive_max_pool3d(input, output_size, True)


def _adaptive(
    name: str, n: int, input: Tensor, output_size: Any, first: int
) -> tuple[Tensor, bool, tuple[int, ...]]:
    """The batched input, whether a batch was added, and the output size without None.

    Args:
        first: the dimension of the input from which on none may be empty.
    """
    shape = list(input.shape)
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"{name}: Expected {n + 1}D or {n + 2}D input, but got {shape}")
    if 0 in shape[first:]:
        raise RuntimeError(
            f"{name}: Expected input to have non-zero size for non-batch dimensions, but got {shape}"
        )
    single = input.ndim == n + 1
    x = input.unsqueeze(0) if single else input
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * n
    if len(wanted) == n:
        wanted = [m if o is None else o for m, o in zip(x.shape[2:], wanted, strict=True)]
    size = ntuple(wanted, n, f"{name}: output_size")
    if min(size) < 0:
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{output_size}"
        )
    return x, single, size
