"""The transforms as functions, with torchvision's names and arguments; nothing here is random.

An image is a tensor (..., C, H, W), an ndarray (H, W) or (H, W, C), or a Pillow image, and the
result is of the same kind. Gradients flow through tensors.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from penlight._core.dtypes import float32, float64, get_default_dtype
from penlight.tensor import Tensor
from penlight.tensor.creation import as_tensor, from_numpy
from penlight.transforms import pillow
from penlight.transforms.images import (
    InterpolationMode,
    colour,
    get_dimensions,
    get_image_size,
    is_pillow,
    planes,
)
from penlight.transforms.padding import pad_planes, parse_padding
from penlight.transforms.resampling import nearest_indices, resample, smaller_edge
from penlight.transforms.rotation import expanded_size, rotate_planes

__all__ = [
    "InterpolationMode", "center_crop", "convert_image_dtype", "crop", "erase", "get_dimensions",
    "get_image_size", "hflip", "normalize", "pad", "resize", "rotate", "to_tensor", "vflip",
]  # fmt: skip


# -- dtypes and values -----------------------------------------------------------------------


def to_tensor(pic: Any) -> Tensor:
    """An ndarray (H, W) or (H, W, C), or a Pillow image, as a tensor (C, H, W).

    Bytes become floats in [0, 1], x / 255 in the default dtype. Other dtypes are kept; a Pillow
    image of 16-bit integers becomes int32.

    Raises:
        TypeError: if it is neither.
        ValueError: for an ndarray with another number of dimensions.
    """
    if is_pillow(pic):
        pic = pillow.to_array(pic)
    if not isinstance(pic, np.ndarray):
        raise TypeError(
            f"to_tensor: pic must be an ndarray or a Pillow image, got {type(pic).__name__}"
        )
    if pic.ndim not in (2, 3):
        raise ValueError(f"to_tensor: pic must be (H, W) or (H, W, C), got shape {pic.shape}")
    x, _ = planes(pic, "to_tensor")
    return scaled_bytes(x)


def scaled_bytes(x: Tensor) -> Tensor:
    """x / 255 in the default dtype if ``x`` holds bytes; in any case in memory of its own."""
    array = x.numpy()
    if array.dtype != np.uint8:
        return from_numpy(np.array(array, order="C"))
    y = np.empty(array.shape, get_default_dtype().numpy)
    np.divide(array, y.dtype.type(255), out=y, casting="same_kind")
    return from_numpy(y)


def convert_image_dtype(image: Tensor, dtype: Any = float32) -> Tensor:
    """Change the dtype and the range with it: floats are in [0, 1], integers up to their maximum.

    From integers to floats x / max; back floor(x (max + 1 - 0.001)); between integers of different
    width by powers of two.

    Raises:
        TypeError: if ``image`` is no tensor.
        RuntimeError: from floats to integers that they are not precise enough for.
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"convert_image_dtype: image must be a Tensor, got {type(image).__name__}")
    old, new = image.dtype, as_tensor(0, dtype=dtype).dtype
    if old is new:
        return image
    if old.is_floating_point:
        if new.is_floating_point:
            return image.to(new)
        top = _highest(new)
        if new.itemsize >= 4 and (old is not float64 or new.itemsize == 8):
            raise RuntimeError(
                f"convert_image_dtype: {old} is not precise enough to be scaled to {new}; convert "
                "to a smaller integer dtype, or from float64"
            )
        return (image * (top + 1 - 1e-3)).to(new)
    top = _highest(old)
    if new.is_floating_point:
        return image.to(new) / top
    new_top = _highest(new)
    if top > new_top:
        return (image // ((top + 1) // (new_top + 1))).to(new)
    return image.to(new) * ((new_top + 1) // (top + 1))


def _highest(dtype: Any) -> int:
    """White, in an integer dtype."""
    return 1 if dtype.numpy.kind == "b" else int(np.iinfo(dtype.numpy).max)


def normalize(
    tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """(x - mean) / std, per channel.

    Args:
        tensor: floating, (..., C, H, W).
        mean, std: one value, or C.
        inplace: change ``tensor`` itself. Default: False.

    Raises:
        TypeError: if it is no tensor, or not of a floating dtype.
        ValueError: if it has fewer than 3 dimensions, or a ``std`` is 0.
        RuntimeError: if the number of values is not that of the channels.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"normalize: tensor must be a Tensor, got {type(tensor).__name__}")
    if not tensor.dtype.is_floating_point:
        raise TypeError(
            f"normalize: tensor must have a floating dtype, got {tensor.dtype}; use ToTensor or "
            "ConvertImageDtype first"
        )
    if tensor.ndim < 3:
        raise ValueError(f"normalize: tensor must be (..., C, H, W), got {tuple(tensor.shape)}")
    mu, sigma = (
        _per_channel(name, values, tensor) for name, values in (("mean", mean), ("std", std))
    )
    if not np.all(sigma.numpy()):
        raise ValueError(f"normalize: std must not be 0 in {tensor.dtype}, got {std}")
    y = (tensor - mu) / sigma
    return tensor.copy_(y) if inplace else y


def _per_channel(name: str, values: Any, x: Tensor) -> Tensor:
    array = np.atleast_1d(np.asarray(values, x.dtype.numpy))
    channels = x.shape[-3]
    if array.ndim != 1 or len(array) not in (1, channels):
        raise RuntimeError(
            f"normalize: {name} must have 1 or {channels} values, one per channel of the image, got "
            f"{values}"
        )
    return from_numpy(array[:, None, None])


# -- geometry --------------------------------------------------------------------------------


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """Add pixels around the image; negative numbers take pixels away.

    Args:
        padding: for all sides; or (left and right, top and bottom); or (left, top, right, bottom).
        fill: for ``"constant"``, one value or one per channel. Default: 0.
        padding_mode: ``"constant"``; ``"edge"``, the pixels at the edge again and again;
            ``"reflect"``, the image mirrored at its last pixels; or ``"symmetric"``, mirrored at
            its edge.

    Raises:
        TypeError: for arguments of other types.
        ValueError: for another number of paddings, or another mode.
        RuntimeError: if the image is too small to be mirrored so far.
    """
    left, top, right, bottom = parse_padding(padding, padding_mode)
    if not isinstance(fill, (numbers.Number, tuple, list)):
        raise TypeError(f"pad: fill must be a number or a sequence of numbers, got {fill!r}")
    if is_pillow(img):
        return pillow.pad(img, left, top, right, bottom, fill, padding_mode)
    x, restore = planes(img, "pad")
    return restore(pad_planes(x, left, top, right, bottom, fill, padding_mode))


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """The part of the image from (top, left) on; what lies outside of the image is 0."""
    if is_pillow(img):
        return pillow.crop(img, top, left, height, width)
    x, restore = planes(img, "crop")
    old_height, old_width = x.shape[-2:]
    bottom, right = top + height, left + width
    inside = x[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if min(top, left) < 0 or bottom > old_height or right > old_width:
        above = min(max(-top, 0), height)
        before = min(max(-left, 0), width)
        below, after = height - above - inside.shape[-2], width - before - inside.shape[-1]
        inside = pad_planes(inside, before, above, after, below, 0, "constant")
    return restore(inside)


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle of the image, (H, W) or an int for both; a smaller image is padded with 0."""
    height, width = pair(output_size, "center_crop", "output_size")
    _, old_height, old_width = get_dimensions(img)
    missing_height, missing_width = max(height - old_height, 0), max(width - old_width, 0)
    if missing_height or missing_width:
        left, top = missing_width // 2, missing_height // 2
        img = pad(img, (left, top, missing_width - left, missing_height - top))
        _, old_height, old_width = get_dimensions(img)
    top = round((old_height - height) / 2)
    left = round((old_width - width) / 2)
    return crop(img, top, left, height, width)


def pair(size: Any, owner: str, name: str) -> tuple[int, int]:
    """An int, or a sequence of one or two, as (height, width)."""
    if isinstance(size, numbers.Number):
        return int(size), int(size)  # type: ignore[call-overload]
    if isinstance(size, Sequence) and len(size) in (1, 2):
        return int(size[0]), int(size[-1])
    raise ValueError(f"{owner}: {name} must be an int or (height, width), got {size!r}")


def hflip(img: Any) -> Any:
    """Left and right exchanged."""
    if is_pillow(img):
        return pillow.hflip(img)
    x, restore = planes(img, "hflip")
    return restore(x.flip(-1))


def vflip(img: Any) -> Any:
    """Top and bottom exchanged."""
    if is_pillow(img):
        return pillow.vflip(img)
    x, restore = planes(img, "vflip")
    return restore(x.flip(-2))


def interpolation_mode(owner: str, interpolation: Any) -> InterpolationMode:
    if isinstance(interpolation, InterpolationMode):
        return interpolation
    try:
        return _OF_PILLOW_NUMBER[interpolation]
    except (KeyError, TypeError):
        raise TypeError(
            f"{owner}: interpolation must be an InterpolationMode or a number of Pillow's, got "
            f"{interpolation!r}"
        ) from None


_OF_PILLOW_NUMBER = {
    0: InterpolationMode.NEAREST,
    1: InterpolationMode.LANCZOS,
    2: InterpolationMode.BILINEAR,
    3: InterpolationMode.BICUBIC,
    4: InterpolationMode.BOX,
    5: InterpolationMode.HAMMING,
}


def resize(
    img: Any,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """The image with other numbers of pixels.

    Args:
        size: (H, W); or an int, or a sequence of one, for the smaller of both: the other follows.
        interpolation: nearest, nearest-exact, bilinear or bicubic; of Pillow images any.
        max_size: the most that the larger of both may become; ``size`` gives way.
        antialias: when shrinking, let every old pixel count (bilinear and bicubic); Pillow always
            does. Default: True.

    Raises:
        TypeError: for an interpolation or size of another type.
        ValueError: for sizes below 1 or too many of them, a ``max_size`` that does not go with
            ``size``, or an interpolation that is Pillow's alone.
    """
    mode = interpolation_mode("resize", interpolation)
    _, height, width = get_dimensions(img)
    new = _new_size((height, width), size, max_size)
    if new == (height, width):
        return img
    if is_pillow(img):
        return pillow.resize(img, new, mode)
    x, restore = planes(img, "resize")
    if mode in (InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT):
        exact = mode is InterpolationMode.NEAREST_EXACT
        rows, columns = (nearest_indices(*n, exact) for n in zip(x.shape[-2:], new, strict=True))
        return restore(x[..., rows[:, None], columns])
    if mode not in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
        raise ValueError(f"resize: interpolation {mode.value!r} is for Pillow images alone")
    y = resample(_as_floats(x.contiguous()), new, mode.value, bool(antialias))
    return restore(_back(y, x))


def _new_size(old: tuple[int, int], size: Any, max_size: int | None) -> tuple[int, int]:
    sizes: Any = [size] if isinstance(size, numbers.Integral) else size
    if not isinstance(sizes, Sequence) or isinstance(sizes, str):
        raise TypeError(f"resize: size must be an int or (height, width), got {size!r}")
    if len(sizes) not in (1, 2):
        raise ValueError(f"resize: size must have 1 or 2 values, got {size!r}")
    if max_size is not None and (len(sizes) == 2 or max_size <= sizes[0]):
        raise ValueError(
            f"resize: max_size must be greater than the size of the smaller edge, an int, got "
            f"max_size={max_size} with size={size!r}"
        )
    new = tuple(sizes) if len(sizes) == 2 else smaller_edge(old, sizes[0], max_size)
    if min(*old, *new) < 1:
        raise ValueError(
            f"resize: sizes must be at least 1, got {new} (height, width) for an image of {old}"
        )
    return int(new[0]), int(new[1])


def _as_floats(x: Tensor) -> Tensor:
    return x if x.dtype in (float32, float64) else x.to(float32)


def _back(y: Tensor, x: Tensor) -> Tensor:
    """The result in the image's dtype, rounded and within its range."""
    if y.dtype is x.dtype:
        return y
    if x.dtype.numpy.kind in "iu":
        limits = np.iinfo(x.dtype.numpy)
        y = y.round().clamp(limits.min, limits.max)
    return y.to(x.dtype)


def rotate(
    img: Any,
    angle: float,
    interpolation: Any = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Any:
    """Rotate counter-clockwise.

    Args:
        angle: in degrees.
        interpolation: nearest or bilinear; of Pillow images also bicubic.
        expand: make the image as large as the rotated one needs; for rotations around the middle.
        center: (x, y) to rotate around, in pixels from the upper left corner. Default: the middle.
        fill: for what lies outside of the image, one value or one per channel. Default: 0. With
            bilinear interpolation of tensors a given fill is blended in at the border.

    Raises:
        TypeError: for arguments of other types.
        ValueError: for an interpolation that tensors don't have, or a ``fill`` or ``center`` of
            another length.
    """
    mode = interpolation_mode("rotate", interpolation)
    if not isinstance(angle, numbers.Real):
        raise TypeError(f"rotate: angle must be a number, got {angle!r}")
    if center is not None and (not isinstance(center, Sequence) or len(center) != 2):
        error = ValueError if isinstance(center, Sequence) else TypeError
        raise error(f"rotate: center must be (x, y), got {center!r}")
    if is_pillow(img):
        return pillow.rotate(img, angle, mode, expand, center, fill)
    if mode not in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
        raise ValueError(f"rotate: interpolation {mode.value!r} is for Pillow images alone")
    x, restore = planes(img, "rotate")
    angles = np.array([angle], np.float64)
    size = tuple(x.shape[-2:])
    new = expanded_size(float(angle), size, center) if expand else size
    channels = 1 if x.ndim == 2 else x.shape[-3]
    batch = x.reshape(math.prod(x.shape[:-3]), channels, *size)
    y = rotate_batch(batch, angles, mode, new, center, fill)
    return restore(y.reshape(*x.shape[:-2], *new))


def rotate_batch(
    x: Tensor, angles: np.ndarray, mode: InterpolationMode, new: Any, center: Any, fill: Any
) -> Tensor:
    """Rotate (N, C, H, W) by (N,) angles, or by (1,) for all, in any dtype."""
    floats = x if mode is InterpolationMode.NEAREST else _as_floats(x)
    paint = None
    if fill is not None:
        paint = colour("rotate", fill, x.shape[1], x.dtype.numpy).astype(floats.dtype.numpy)
    return _back(rotate_planes(floats, angles, mode.value, new, center, paint), x)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """Put ``v`` into the rectangle of ``h`` rows and ``w`` columns from row ``i``, column ``j``.

    Args:
        img: (..., C, H, W).
        v: a number, or a tensor that can be broadcast to (..., C, h, w).
        inplace: change ``img`` itself. Default: False.

    Raises:
        TypeError: if ``img`` is no tensor.
    """
    if not isinstance(img, Tensor):
        raise TypeError(f"erase: img must be a Tensor, got {type(img).__name__}")
    y = img if inplace else img.clone()
    y[..., i : i + h, j : j + w] = v
    return y
