"""Transforms of sizes."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

from penlight.nn.modules.module import Module
from penlight.transforms import functional as F
from penlight.transforms.images import InterpolationMode, batch_planes
from penlight.transforms.padding import parse_padding

__all__ = ["CenterCrop", "Pad", "Resize", "SameForAll"]


class SameForAll(Module):
    """A transform that does the same to every image."""

    def batch(self, images: Any) -> Any:
        """Transform a batch: a tensor (N, C, H, W), or ndarrays (N, H, W) or (N, H, W, C)."""
        x, restore = batch_planes(images, type(self).__name__)
        return restore(self.forward(x))

    def forward(self, img: Any) -> Any:
        raise NotImplementedError


class Pad(SameForAll):
    """Pixels added around the image; see ``functional.pad``.

    Args:
        padding: for all sides; or (left and right, top and bottom); or (left, top, right, bottom).
        fill: for ``"constant"``, one value or one per channel. Default: 0.
        padding_mode: ``"constant"``, ``"edge"``, ``"reflect"`` or ``"symmetric"``.
    """

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        check_padding("Pad", padding, fill, padding_mode)
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def forward(self, img: Any) -> Any:
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(padding={self.padding}, fill={self.fill}, "
            f"padding_mode={self.padding_mode})"
        )


class CenterCrop(SameForAll):
    """The middle of the image; a smaller image is padded with 0.

    Args:
        size: (H, W), or an int for both.
    """

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = F.pair(size, "CenterCrop", "size")

    def forward(self, img: Any) -> Any:
        return F.center_crop(img, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class Resize(SameForAll):
    """Other numbers of pixels; see ``functional.resize``.

    Args:
        size: (H, W); or an int for the smaller of both: the other follows.
        interpolation: nearest, nearest-exact, bilinear or bicubic; of Pillow images any.
        max_size: the most that the larger of both may become.
        antialias: when shrinking, let every old pixel count. Default: True.
    """

    def __init__(
        self,
        size: Any,
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if not isinstance(size, (int, Sequence)):
            raise TypeError(f"Resize: size must be an int or (height, width), got {size!r}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError(f"Resize: size must have 1 or 2 values, got {size!r}")
        self.size = size
        self.max_size = max_size
        self.interpolation = F.interpolation_mode("Resize", interpolation)
        self.antialias = antialias

    def forward(self, img: Any) -> Any:
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size={self.size}, interpolation={self.interpolation.value}, "
            f"max_size={self.max_size}, antialias={self.antialias})"
        )


def check_padding(owner: str, padding: Any, fill: Any, mode: Any) -> None:
    """Refuse what ``functional.pad`` would refuse, when the transform is made."""
    if not isinstance(fill, (numbers.Number, str, tuple, list)):
        raise TypeError(f"{owner}: fill must be a number or a sequence of numbers, got {fill!r}")
    parse_padding(padding, mode)
