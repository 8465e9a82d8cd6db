"""Pooling: maxima and means of windows."""

from __future__ import annotations

from typing import Any

from penlight._core.arguments import ntuple
from penlight.nn import functional as F
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = ["AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d"]

Ints = int | tuple[int, ...]


class _MaxPool(Module):
    """Base of the maxima.

    Args:
        kernel_size: of the window.
        stride: from one window to the next. Default: ``kernel_size``.
        padding: how far windows may reach over each edge, at most half of them. Default: 0.
        dilation: from one tap of a window to the next. Default: 1.
        return_indices: also return where in its plane each maximum is.
        ceil_mode: allow a last window that runs over the end, if it starts before it.
    """

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        dilation: Ints = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _pool(self, function: Any, input: Tensor) -> Any:
        return function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element of each window of (N, C, L) or (C, L); see :class:`MaxPool2d`."""

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.max_pool1d, input)


class MaxPool2d(_MaxPool):
    """The largest element of each window.

    Args:
        kernel_size: of the window.
        stride: from one window to the next. Default: ``kernel_size``.
        padding: how far windows may reach over each edge, at most half of them. Default: 0.
        dilation: from one tap of a window to the next. Default: 1.
        return_indices: also return where in its plane each maximum is, for :class:`MaxUnpool2d`.
        ceil_mode: allow a last window that runs over the end, if it starts before it.

    Shape:
        input (N, C, H, W) or (C, H, W), output (N, C, H_out, W_out) or (C, H_out, W_out), where a
        size n becomes floor((n + 2 p - d (k - 1) - 1) / s) + 1, or ceil in ``ceil_mode``.

    Source: Ranzato et al., "Unsupervised Learning of Invariant Feature Hierarchies", 2007.
    """

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.max_pool2d, input)


class MaxPool3d(_MaxPool):
    """The largest element of each window of (N, C, D, H, W) or (C, D, H, W); see :class:`MaxPool2d`."""

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.max_pool3d, input)


class AvgPool1d(Module):
    """The mean of each window of (N, C, L) or (C, L).

    Args:
        kernel_size, stride, padding, ceil_mode, count_include_pad: as for :class:`AvgPool2d`.
    """

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = ntuple(kernel_size, 1, "AvgPool1d: kernel_size")
        self.stride = ntuple(kernel_size if stride is None else stride, 1, "AvgPool1d: stride")
        self.padding = ntuple(padding, 1, "AvgPool1d: padding")
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    """Base of the means of images and volumes."""

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def _pool(self, function: Any, input: Tensor) -> Any:
        return function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window.

    Args:
        kernel_size: of the window.
        stride: from one window to the next. Default: ``kernel_size``.
        padding: zeros on each side. Default: 0.
        ceil_mode: allow a last window that runs over the end, if it starts before it.
        count_include_pad: whether the padding's zeros count in the mean. Default: True.
        divisor_override: what to divide the sum by instead of the count.

    Shape:
        input (N, C, H, W) or (C, H, W), output (N, C, H_out, W_out) or (C, H_out, W_out).

    Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.avg_pool2d, input)


class AvgPool3d(_AvgPool):
    """The mean of each window of (N, C, D, H, W) or (C, D, H, W); see :class:`AvgPool2d`."""

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.avg_pool3d, input)
