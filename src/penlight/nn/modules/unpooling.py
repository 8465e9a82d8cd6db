"""Putting what pooling took back where it was."""

from __future__ import annotations

from typing import Any

from penlight._core.arguments import ntuple
from penlight.nn import functional as F
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = ["MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"]

Ints = int | tuple[int, ...]


class _MaxUnpool(Module):
    _dimensions: int
    _function: Any  # of ``F``, a static method

    def __init__(self, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0) -> None:
        super().__init__()
        name, n = type(self).__name__, self._dimensions
        self.kernel_size = ntuple(kernel_size, n, f"{name}: kernel_size")
        self.stride = self.kernel_size if stride is None else ntuple(stride, n, f"{name}: stride")
        self.padding = ntuple(padding, n, f"{name}: padding")

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return self._function(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """The partial inverse of :class:`MaxPool1d`; see :class:`MaxUnpool2d`."""

    _dimensions = 1
    _function = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """The partial inverse of :class:`MaxPool2d`: each maximum where it was, zeros elsewhere.

    Args:
        kernel_size, stride, padding: those of the pooling.

    Shape:
        input and indices (N, C, H, W) or (C, H, W); ``forward`` also takes the ``output_size`` that
        the pooling started from.

    Source: Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", 2014.
    """

    _dimensions = 2
    _function = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """The partial inverse of :class:`MaxPool3d`; see :class:`MaxUnpool2d`."""

    _dimensions = 3
    _function = staticmethod(F.max_unpool3d)
