"""Pooling by the p-norm of windows."""

from __future__ import annotations

from penlight.nn import functional as F
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = ["LPPool1d", "LPPool2d", "LPPool3d"]

Ints = int | tuple[int, ...]


class _LPPool(Module):
    """Base: (sum of x^p over each window)^(1/p).

    Args:
        norm_type: p; infinity gives the largest |x|.
        kernel_size, stride, ceil_mode: as for :class:`AvgPool2d`.
    """

    def __init__(
        self,
        norm_type: float,
        kernel_size: Ints,
        stride: Ints | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """(sum of x^p over each window)^(1/p) of (N, C, L) or (C, L).

    Source: Sermanet, Chintala & LeCun, "Convolutional Neural Networks Applied to House Numbers Digit
    Classification", 2012.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool1d(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )


class LPPool2d(_LPPool):
    """(sum of x^p over each window)^(1/p) of (N, C, H, W) or (C, H, W).

    Source: Sermanet, Chintala & LeCun, "Convolutional Neural Networks Applied to House Numbers Digit
    Classification", 2012.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool2d(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )


class LPPool3d(_LPPool):
    """(sum of x^p over each window)^(1/p) of (N, C, D, H, W) or (C, D, H, W).

    Source: Sermanet, Chintala & LeCun, "Convolutional Neural Networks Applied to House Numbers Digit
    Classification", 2012.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool3d(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )
