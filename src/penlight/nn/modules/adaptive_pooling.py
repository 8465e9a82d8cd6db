"""Pooling over windows that adapt to a wanted output size."""

from __future__ import annotations

from typing import Any

from penlight.nn import functional as F
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AdaptiveMaxPool3d",
]  # fmt: skip

Sizes = int | None | tuple[int | None, ...]


class _AdaptiveAvgPool(Module):
    """Base: means over as many windows as are wanted.

    Args:
        output_size: the number of windows along each dimension; in 2d and 3d, None keeps the input's size.
    """

    def __init__(self, output_size: Sizes) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Means of (N, C, L) or (C, L) over ``output_size`` windows; see :class:`AdaptiveAvgPool2d`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)  # type: ignore[arg-type]


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Means over as many windows as are wanted: i of o runs from floor(i n / o) to ceil((i + 1) n / o).

    Args:
        output_size: (H_out, W_out), or one number for both; None keeps the input's size.

    Shape:
        input (N, C, H, W) or (C, H, W), output (N, C, H_out, W_out) or (C, H_out, W_out).

    Source: He, Zhang, Ren & Sun, "Spatial Pyramid Pooling in Deep Convolutional Networks", 2014.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Means of (N, C, D, H, W) or (C, D, H, W); see :class:`AdaptiveAvgPool2d` for the windows."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPool(_AdaptiveAvgPool):
    """Base: maxima over as many windows as are wanted.

    Args:
        return_indices: also return where in its plane each maximum is.
    """

    def __init__(self, output_size: Sizes, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Maxima of (N, C, L) or (C, L) over ``output_size`` windows; see :class:`AdaptiveAvgPool2d`."""

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)  # type: ignore[arg-type]


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Maxima of (N, C, H, W) or (C, H, W); see :class:`AdaptiveAvgPool2d` for the windows."""

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Maxima of (N, C, D, H, W) or (C, D, H, W); see :class:`AdaptiveAvgPool2d` for the windows."""

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
