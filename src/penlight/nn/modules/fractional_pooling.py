"""Pooling over windows at irregular steps, drawn anew at each call."""

from __future__ import annotations

from typing import Any

from penlight._core.arguments import ntuple
from penlight.nn import functional as F
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = ["FractionalMaxPool2d", "FractionalMaxPool3d"]

Ints = int | tuple[int, ...]
Ratios = float | tuple[float, ...]


class _FractionalMaxPool(Module):
    """Base of the two.

    Args:
        kernel_size: of the window.
        output_size: how many windows there are along each dimension.
        output_ratio: that number's ratio to the input's size, between 0 and 1, in place of it.
        return_indices: also return where in its plane each maximum is.
        _random_samples: what the windows' places depend on, kept as a buffer. Default: drawn at each
            call.
    """

    _dimensions: int
    _random_samples: Tensor | None

    def __init__(
        self,
        kernel_size: Ints,
        output_size: Ints | None = None,
        output_ratio: Ratios | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name, n = type(self).__name__, self._dimensions
        self.kernel_size = ntuple(kernel_size, n, f"{name}: kernel_size")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = (
            None if output_size is None else ntuple(output_size, n, f"{name}: output_size")
        )
        self.output_ratio = None if output_ratio is None else _ratios(output_ratio, n)
        if n == 3 and min(self.kernel_size) < 1:
            raise ValueError(f"{name}: kernel_size must be greater than 0, but got {kernel_size}")
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"{name}: requires specifying either an output size, or a pooling ratio"
            )
        if self.output_size is not None and self.output_ratio is not None:
            raise ValueError(f"{name}: only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"{name}: output_ratio must be between 0 and 1 (got {output_ratio})")

    def _pool(self, function: Any, input: Tensor) -> Any:
        return function(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices,
            self._random_samples,
        )  # fmt: skip


def _ratios(value: Ratios, n: int) -> tuple[float, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest element of each of as many windows as are wanted, which start at irregular steps.

    See :func:`penlight.nn.functional.fractional_max_pool2d` for the windows.

    Args:
        kernel_size: of the window.
        output_size: how many windows there are along each dimension.
        output_ratio: that number's ratio to the input's size, between 0 and 1, in place of it.
        return_indices: also return where in its plane each maximum is, for :class:`MaxUnpool2d`.

    Shape:
        input (N, C, H, W) or (C, H, W), output (N, C, H_out, W_out) or (C, H_out, W_out).

    Source: Graham, "Fractional Max-Pooling", 2014.
    """

    _dimensions = 2

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.fractional_max_pool2d, input)


class FractionalMaxPool3d(_FractionalMaxPool):
    """Maxima of (N, C, D, H, W) or (C, D, H, W); see :class:`FractionalMaxPool2d`."""

    _dimensions = 3

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.fractional_max_pool3d, input)
