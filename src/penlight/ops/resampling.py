"""Resampling: planes of one size made from planes of another, by a linear map along each dimension.

The gradient goes through the transposed map, whose gradient goes through the map itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels import resampling
from penlight.kernels.resampling_axes import Axis

__all__ = ["CopyElements", "Mix", "RepeatBlocks", "SumBlocks"]

Axes = tuple[Axis, ...]
Factors = tuple[int, ...]


class _Named(Op):
    """PyTorch names the node by the function's mode."""

    def name(self) -> str:
        return self.__dict__.get("label") or super().name()


class RepeatBlocks(_Named):
    """y[i] = x[i // f]: each element becomes a block of f; dx = dy summed over the blocks.

    x is (N, C, *S), y (N, C, *(S f)), with a whole factor for each dimension.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, factors: Factors, label: str = "") -> Any:
        ctx.factors, ctx.label = factors, label
        return resampling.repeat_blocks(x, factors)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return SumBlocks.apply(dy, ctx.factors)


class SumBlocks(Op):
    """y[i] = the sum of x over block i of f elements; dx = dy repeated over the blocks."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, factors: Factors) -> Any:
        ctx.factors = factors
        return resampling.sum_blocks(x, factors)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return RepeatBlocks.apply(dy, ctx.factors)


class Mix(_Named):
    """y = A x along each dimension; dx = A^T dy.

    x is (N, C, *S), y (N, C, *O), with a matrix (O_d, S_d) for each dimension d.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, axes: Axes, label: str = "") -> Any:
        ctx.axes, ctx.label = axes, label
        return resampling.mix(x, axes)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Mix.apply(dy, tuple(axis.transposed for axis in ctx.axes))


class CopyElements(_Named):
    """y[i] = x[a(i)], as :class:`Mix` with a single one in each row; dx = dy summed where it came from."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, axes: Axes, label: str = "") -> Any:
        ctx.axes, ctx.label = axes, label
        return resampling.copy_elements(x, axes)

    backward = staticmethod(Mix.backward)
