"""Transforms of dtypes and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penlight.nn.modules.module import Module
from penlight.tensor import Tensor
from penlight.transforms import functional as F
from penlight.transforms.images import batch_planes

__all__ = ["ConvertImageDtype", "Normalize", "ToTensor"]


class ToTensor:
    """An ndarray (H, W) or (H, W, C), or a Pillow image, as a tensor (C, H, W); bytes over 255."""

    def __call__(self, pic: Any) -> Tensor:
        return F.to_tensor(pic)

    def batch(self, images: Any) -> Tensor:
        """ndarrays (N, H, W) or (N, H, W, C) as a tensor (N, C, H, W)."""
        if not isinstance(images, np.ndarray):
            raise TypeError(f"ToTensor: images must be an ndarray, got {type(images).__name__}")
        x, _ = batch_planes(images, "ToTensor")
        return F.scaled_bytes(x)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ConvertImageDtype(Module):
    """Another dtype, and the range of values with it; see ``functional.convert_image_dtype``.

    Args:
        dtype: the dtype to come to.
    """

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Tensor) -> Tensor:
        return F.convert_image_dtype(image, self.dtype)

    def batch(self, images: Tensor) -> Tensor:
        """The same for all images of a batch."""
        return self.forward(images)


class Normalize(Module):
    """(x - mean) / std, per channel.

    Args:
        mean, std: one value per channel, or one for all.
        inplace: change the tensor itself. Default: False.

    Shape:
        (..., C, H, W), floating.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def forward(self, tensor: Tensor) -> Tensor:
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def batch(self, images: Tensor) -> Tensor:
        """The same for all images of a batch."""
        return self.forward(images)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"
