"""The operations on Pillow images, done by Pillow. Nothing here imports it: the image brings it."""

from __future__ import annotations

import sys
from typing import Any, cast

import numpy as np

from penlight.transforms.images import InterpolationMode

__all__ = ["crop", "hflip", "pad", "resize", "rotate", "to_array", "vflip"]

_FILTERS = {
    InterpolationMode.NEAREST: "NEAREST",
    InterpolationMode.NEAREST_EXACT: "NEAREST",
    InterpolationMode.BILINEAR: "BILINEAR",
    InterpolationMode.BICUBIC: "BICUBIC",
    InterpolationMode.BOX: "BOX",
    InterpolationMode.HAMMING: "HAMMING",
    InterpolationMode.LANCZOS: "LANCZOS",
}


def _filter(interpolation: InterpolationMode) -> Any:
    return getattr(sys.modules["PIL.Image"].Resampling, _FILTERS[interpolation])


def to_array(image: Any) -> np.ndarray:
    """The pixels as a new array (H, W, C): uint8, but int32 of integer and float32 of float images."""
    if image.mode == "1":
        pixels = np.array(image, np.uint8) * np.uint8(255)
    elif image.mode.startswith("I"):
        pixels = np.array(image).astype(np.int32)
    else:
        pixels = np.array(image, np.float32 if image.mode == "F" else np.uint8)
    return pixels.reshape(image.height, image.width, len(image.getbands()))


def crop(image: Any, top: int, left: int, height: int, width: int) -> Any:
    return image.crop((left, top, left + width, top + height))


def hflip(image: Any) -> Any:
    return image.transpose(sys.modules["PIL.Image"].Transpose.FLIP_LEFT_RIGHT)


def vflip(image: Any) -> Any:
    return image.transpose(sys.modules["PIL.Image"].Transpose.FLIP_TOP_BOTTOM)


def resize(image: Any, size: tuple[int, int], interpolation: InterpolationMode) -> Any:
    return image.resize(size[::-1], _filter(interpolation))


def rotate(
    image: Any, angle: float, interpolation: InterpolationMode, expand: bool, center: Any, fill: Any
) -> Any:
    return image.rotate(
        angle, _filter(interpolation), expand, center, fillcolor=_fill("rotate", image, fill)
    )


def _fill(owner: str, image: Any, fill: Any) -> Any:
    """A colour as Pillow wants it: a number for one band, else a tuple."""
    bands = len(image.getbands())
    values = list(fill) if isinstance(fill, (list, tuple)) else [0 if fill is None else fill]
    if len(values) not in (1, bands):
        raise ValueError(
            f"{owner}: fill must be a number or have {bands} values, one per band of the image, got "
            f"{fill!r}"
        )
    if image.mode != "F":
        values = [int(v) for v in values]
    return values[0] if bands == 1 else tuple(values * (bands // len(values)))


def pad(image: Any, left: int, top: int, right: int, bottom: int, fill: Any, mode: str) -> Any:
    """Pad; negative widths crop, as they do for tensors."""
    width, height = image.size
    image = image.crop(
        (-min(left, 0), -min(top, 0), width + min(right, 0), height + min(bottom, 0))
    )
    left, top, right, bottom = (max(n, 0) for n in (left, top, right, bottom))
    if mode == "constant":
        new = (image.width + left + right, image.height + top + bottom)
        padded = sys.modules["PIL.Image"].new(image.mode, new, _fill("pad", image, fill))
        if image.mode == "P":
            padded.putpalette(image.getpalette())
        padded.paste(image, (left, top))
        return padded
    pixels = np.asarray(image)
    widths = ((top, bottom), (left, right)) + ((0, 0),) * (pixels.ndim - 2)
    padded = sys.modules["PIL.Image"].fromarray(np.pad(pixels, widths, cast(Any, mode)))
    if image.mode == "P":
        padded.putpalette(image.getpalette())
    return padded
