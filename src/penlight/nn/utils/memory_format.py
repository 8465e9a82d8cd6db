"""Memory formats of convolutions' weights: which order of dimensions their memory follows."""

from __future__ import annotations

from typing import Any, TypeVar

from penlight.nn.modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from penlight.nn.modules.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

M = TypeVar("M", bound=Module)


def _convert(module: Any, kinds: Any, memory_format: Any) -> None:
    weight: Any = module.weight if isinstance(module, kinds) else None
    if weight is not None:
        weight.data = weight.detach().clone(memory_format=memory_format)
    for child in module.children():
        _convert(child, kinds, memory_format)


def convert_conv2d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Convert the weights of all 2-d (transposed) convolutions in ``module``, which is returned.

    Args:
        memory_format: ``channels_last`` or ``contiguous_format``.
    """
    _convert(module, (Conv2d, ConvTranspose2d), memory_format)
    return module


def convert_conv3d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Convert the weights of all 3-d (transposed) convolutions in ``module``, which is returned.

    Args:
        memory_format: ``channels_last_3d`` or ``contiguous_format``.
    """
    _convert(module, (Conv3d, ConvTranspose3d), memory_format)
    return module
