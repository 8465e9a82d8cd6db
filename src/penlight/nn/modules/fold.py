"""Windows as columns, and back."""

from __future__ import annotations

from penlight.nn import functional as F
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = ["Fold", "Unfold"]

Ints = int | tuple[int, ...]


class Unfold(Module):
    """Every window of an image as a column: y[n, (c, k), o] = x[n, c, o s + k d - p].

    Args:
        kernel_size, dilation, padding, stride: as for :class:`Conv2d`.

    Shape:
        input (N, C, H, W) or (C, H, W), output (N, C K1 K2, L) or (C K1 K2, L).

    Source: Chellapilla, Puri & Simard, "High Performance Convolutional Neural Networks for Document
    Processing", 2006.
    """

    def __init__(
        self, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Module):
    """Columns added back where :class:`Unfold` takes them from.

    Args:
        output_size: (H, W) of the image.
        kernel_size, dilation, padding, stride: as for :class:`Conv2d`.

    Shape:
        input (N, C K1 K2, L) or (C K1 K2, L), output (N, C, H, W) or (C, H, W).
    """

    def __init__(
        self,
        output_size: Ints,
        kernel_size: Ints,
        dilation: Ints = 1,
        padding: Ints = 0,
        stride: Ints = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )
