"""What counts as an image, and how each kind becomes planes (..., C, H, W) and comes back."""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np

from penlight._core.dtypes import dtype_of
from penlight.autograd.base import wrap
from penlight.tensor import Tensor

__all__ = [
    "InterpolationMode", "batch_planes", "colour", "get_dimensions", "get_image_size", "is_pillow",
    "planes",
]  # fmt: skip

Restore = Callable[[Tensor], Any]


class InterpolationMode(Enum):
    """How values between the pixels are made; the last three for Pillow images alone."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


def is_pillow(image: Any) -> bool:
    """Whether it is a Pillow image, found out without importing Pillow."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def _on(array: np.ndarray) -> Tensor:
    """A tensor on the array's memory, also if it is read-only; on a copy if it runs backwards."""
    if min(array.strides, default=0) < 0:
        array = array.copy()
    dtype_of(array)  # refuses what tensors don't have
    return wrap(Tensor, array)


def planes(image: Any, owner: str) -> tuple[Tensor, Restore]:
    """The image as a tensor (..., C, H, W) on the same memory, and the way back to its own kind.

    Raises:
        TypeError: if it is neither a tensor with two or more dimensions nor an ndarray (H, W) or
            (H, W, C).
    """
    if isinstance(image, Tensor):
        if image.ndim < 2:
            raise TypeError(f"{owner}: a tensor image must be (..., C, H, W), got {_shape(image)}")
        return image, _same
    if not isinstance(image, np.ndarray):
        raise _not_an_image(image, owner)
    if image.ndim == 2:
        return _on(image[None]), lambda t: t.numpy()[0]
    if image.ndim == 3:
        return _on(image.transpose(2, 0, 1)), lambda t: t.numpy().transpose(1, 2, 0)
    raise TypeError(
        f"{owner}: an ndarray image must be (H, W) or (H, W, C), got {_shape(image)}; make a batch "
        "a tensor (N, C, H, W), or give it to the transform's method batch"
    )


def batch_planes(images: Any, owner: str) -> tuple[Tensor, Restore]:
    """As :func:`planes`, for a batch: a tensor (..., C, H, W) becomes (N, C, H, W).

    Raises:
        TypeError: if it is neither a tensor with four or more dimensions nor an ndarray (N, H, W)
            or (N, H, W, C).
    """
    if isinstance(images, Tensor):
        if images.ndim < 4:
            raise TypeError(f"{owner}: a batch must be (N, C, H, W), got {_shape(images)}")
        if images.ndim == 4:
            return images, _same
        lead = images.shape[:-3]
        flat = images.reshape(math.prod(lead), *images.shape[-3:])
        return flat, lambda t: t.reshape(*lead, *t.shape[1:])
    if not isinstance(images, np.ndarray):
        raise _not_an_image(images, owner)
    if images.ndim == 3:
        return _on(images[:, None]), lambda t: t.numpy()[:, 0]
    if images.ndim == 4:
        return _on(images.transpose(0, 3, 1, 2)), lambda t: t.numpy().transpose(0, 2, 3, 1)
    raise TypeError(
        f"{owner}: a batch of ndarrays must be (N, H, W) or (N, H, W, C), got {_shape(images)}"
    )


def _same(t: Tensor) -> Tensor:
    return t


def _shape(image: Any) -> tuple[int, ...]:
    return tuple(image.shape)


def _not_an_image(image: Any, owner: str) -> TypeError:
    return TypeError(
        f"{owner}: an image must be a Tensor, an ndarray or a Pillow image, got "
        f"{type(image).__name__}"
    )


def get_dimensions(img: Any) -> list[int]:
    """[C, H, W] of an image of any kind; C is 1 for a tensor (H, W)."""
    if is_pillow(img):
        width, height = img.size
        return [len(img.getbands()), height, width]
    x, _ = planes(img, "get_dimensions")
    return [1 if x.ndim == 2 else x.shape[-3], *x.shape[-2:]]


def get_image_size(img: Any) -> list[int]:
    """[W, H] of an image of any kind."""
    _, height, width = get_dimensions(img)
    return [width, height]


def colour(
    owner: str, fill: Any, channels: int, dtype: np.dtype[Any], name: str = "fill"
) -> np.ndarray:
    """``fill``, a number or one per channel, in the image's dtype: an array (1,) or (C,).

    Raises:
        TypeError: if it is neither.
        ValueError: for another number of values, or values that an integer dtype can't hold.
    """
    values = list(fill) if isinstance(fill, (list, tuple)) else [fill]
    if not all(isinstance(v, numbers.Real) for v in values):
        raise TypeError(f"{owner}: {name} must be a number or a sequence of numbers, got {fill!r}")
    if len(values) not in (1, channels):
        raise ValueError(
            f"{owner}: {name} must be a number or have 1 or {channels} values, one per channel of the "
            f"image, got {fill!r}"
        )
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not all(limits.min <= v <= limits.max for v in values):
            raise ValueError(
                f"{owner}: {name} must lie in [{limits.min}, {limits.max}] for {dtype} images, got "
                f"{fill!r}"
            )
        values = [int(v) for v in values]
    return np.array(values, dtype)
