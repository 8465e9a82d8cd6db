"""Pooling over windows."""

from __future__ import annotations

import functools
from typing import Any

from penlight._core.arguments import ntuple
from penlight.kernels.pooling import window_counts
from penlight.kernels.windows import Window
from penlight.nn.functional.windows import (
    exact,
    nonempty,
    not_negative,
    positive,
    symmetric,
    windows_of,
)
from penlight.ops.pooling import MaxPool, SumPool
from penlight.tensor import Tensor

__all__ = [
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool1d_with_indices", "max_pool2d",
    "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices",
]  # fmt: skip

Ints = int | tuple[int, ...]


# -- geometry ----------------------------------------------------------------------------------


def _output_size(n: int, k: int, s: int, p: int, d: int, ceil: bool) -> int:
    """The number of windows along one dimension.

    In ``ceil_mode`` the last one may run over the end, if it starts inside the input or its left
    padding.
    """
    room = n + 2 * p - d * (k - 1) - 1
    if not ceil:
        return room // s + 1
    o = -(-room // s) + 1
    return o - 1 if (o - 1) * s >= n + p else o


def _pool_window(
    name: str, input: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool
) -> tuple[Window, tuple[int, ...]]:
    """The window over a batched input, and the number of its positions."""
    shape = input._array.shape
    n = len(shape) - 2
    return _fitting_window(
        name,
        shape,
        exact(kernel, n, name, "kernel_size"),
        None if stride is None or stride == () else exact(stride, n, name, "stride"),
        exact(padding, n, name, "padding"),
        exact(dilation, n, name, "dilation"),
        bool(ceil),
    )


@functools.lru_cache(maxsize=1024)
def _fitting_window(
    name: str,
    shape: tuple[int, ...],
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil: bool,
) -> tuple[Window, tuple[int, ...]]:
    """The window and the number of its positions, once shape and options are found to fit."""
    n = len(shape) - 2
    kernel = positive(name, "kernel_size", kernel, n)
    if stride is None:
        stride = kernel
    amounts = not_negative(name, "padding", padding, n)
    window = windows_of(name, kernel, stride, symmetric(amounts), dilation, n)
    if any(2 * p > k for p, k in zip(amounts, kernel, strict=True)):
        raise RuntimeError(
            f"{name}: padding should be at most half of kernel_size, but got padding={padding} and "
            f"kernel_size={kernel}"
        )
    geometry = zip(shape[2:], kernel, window.stride, amounts, window.dilation, strict=True)
    output = tuple(_output_size(*one, ceil) for one in geometry)
    if min(output) < 1:
        raise RuntimeError(
            f"{name}: Given input size: {'x'.join(map(str, shape[1:]))}. Calculated output "
            f"size: {'x'.join(map(str, output))}. Output size is too small"
        )
    return window, output


# -- maxima ------------------------------------------------------------------------------------


def max_pool1d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (N, C, L) or (C, L); see :func:`max_pool2d`."""
    return _max_pool(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window; NaN if there is one. Its gradient goes to that element.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: of the window.
        stride: from one window to the next. Default: ``kernel_size``.
        padding: how far windows may reach over each edge, at most half of them. Default: 0.
        dilation: from one tap of a window to the next. Default: 1.
        ceil_mode: allow a last window that runs over the end, if it starts before it. Default: False.
        return_indices: also return where in its plane each maximum is, for :func:`max_unpool2d`.

    Returns:
        (N, C, H_out, W_out) or (C, H_out, W_out), with ``return_indices`` a pair of those.

    Raises:
        RuntimeError: if the window does not fit, or an option is out of range.

    Source: Ranzato et al., "Unsupervised Learning of Invariant Feature Hierarchies", 2007.
    """
    return _max_pool(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool3d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (N, C, D, H, W) or (C, D, H, W); see :func:`max_pool2d`."""
    return _max_pool(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def _max_pool(
    name: str,
    n: int,
    input: Tensor,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil: bool,
    return_indices: bool,
) -> Any:
    x, single = nonempty(name, input, n)
    window, output = _pool_window(name, x, kernel, stride, padding, dilation, ceil)
    y = MaxPool.apply(x, window, output, return_indices)
    if not single:
        return y
    return (y[0].squeeze(0), y[1].squeeze(0)) if return_indices else y.squeeze(0)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool1d` with ``return_indices``."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool2d` with ``return_indices``."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool3d` with ``return_indices``."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


# -- means -------------------------------------------------------------------------------------


def avg_pool1d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of (N, C, L) or (C, L); see :func:`avg_pool2d`."""
    return _avg_pool(
        "avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


def avg_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size, stride, padding, ceil_mode: as for :func:`max_pool2d`; padding is zeros.
        count_include_pad: whether those zeros count in the mean. Default: True.
        divisor_override: what to divide the sum by instead of the count.

    Returns:
        (N, C, H_out, W_out) or (C, H_out, W_out).

    Raises:
        IndexError: if the input has fewer than 3 dimensions.
        RuntimeError: if the window does not fit, or an option is out of range.

    Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """
    if input.ndim < 3:
        raise IndexError(f"avg_pool2d: expected 3D or 4D input, but got {list(input.shape)}")
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override,
    )  # fmt: skip


def avg_pool3d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of (N, C, D, H, W) or (C, D, H, W); see :func:`avg_pool2d`.

    As in PyTorch, a window may not be larger than the input without its padding.
    """
    kernel = ntuple(kernel_size, 3, "avg_pool3d: kernel_size")
    if any(0 < n < k for n, k in zip(input.shape[-3:], kernel, strict=False)):
        raise RuntimeError(
            f"avg_pool3d: kernel_size {kernel} is too large for the input {list(input.shape)}: output "
            "size is too small"
        )
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override,
    )  # fmt: skip


def _avg_pool(
    name: str,
    n: int,
    input: Tensor,
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil: bool,
    include_pad: bool,
    divisor: int | None,
) -> Tensor:
    if divisor == 0:
        raise RuntimeError(f"{name}: divisor_override must be not zero")
    x, single = nonempty(name, input, n)
    window, output = _pool_window(name, x, kernel, stride, padding, 1, ceil)
    count = (
        window_counts(window, tuple(x.shape[2:]), output, include_pad)
        if divisor is None
        else divisor
    )
    y = divided_sum(x, window, output, count)
    return y.squeeze(0) if single else y


def divided_sum(x: Tensor, window: Window, output: tuple[int, ...], divisor: Any) -> Tensor:
    if x.dtype.is_floating_point or x.dtype.is_complex:
        return SumPool.apply(x, window, output, divisor)
    exact = SumPool.apply(x.double(), window, output, divisor)
    return exact.trunc().to(x.dtype)
