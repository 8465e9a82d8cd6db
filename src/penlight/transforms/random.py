"""Random transforms. All draw from the default generator.

Called with a batch (N, C, H, W) they do the same to all of its images, as torchvision's do. With
``per_sample=True``, and in the method ``batch``, the parameters of all images are drawn in one call,
each image's independently, and applied in one pass.
"""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from penlight._core.random import numpy_generator
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor
from penlight.tensor.creation import from_numpy
from penlight.transforms import functional as F
from penlight.transforms.batches import crop_each, erase_each, flip_each
from penlight.transforms.geometry import check_padding
from penlight.transforms.images import InterpolationMode, batch_planes, colour

__all__ = [
    "RandomCrop", "RandomErasing", "RandomHorizontalFlip", "RandomRotation", "RandomVerticalFlip",
]  # fmt: skip


class RandomTransform(Module):
    """``forward`` for one image or one draw for all, ``each`` for a draw per image.

    Args:
        per_sample: whether a tensor (N, C, H, W) is a batch whose images are transformed
            independently. Default: False.
    """

    def __init__(self, per_sample: bool = False) -> None:
        super().__init__()
        self.per_sample = per_sample

    def forward(self, img: Any) -> Any:
        if self.per_sample and isinstance(img, Tensor) and img.ndim >= 4:
            return self.batch(img)
        return self.one(img)

    def batch(self, images: Any) -> Any:
        """Transform a batch as if each image were given alone.

        Args:
            images: a tensor (N, C, H, W), or ndarrays (N, H, W) or (N, H, W, C).
        """
        x, restore = batch_planes(images, type(self).__name__)
        return restore(self.each(x))

    def one(self, img: Any) -> Any:
        """Draw once and transform."""
        raise NotImplementedError

    def each(self, x: Tensor) -> Tensor:
        """Draw for every image of (N, C, H, W) and transform."""
        raise NotImplementedError

    def described(self, text: str) -> str:
        """torchvision's text; what torchvision does not have is named only where it is set."""
        return f"{type(self).__name__}({text}{', per_sample=True' if self.per_sample else ''})"


def _uniform(limits: Any, size: Any) -> np.ndarray:
    return numpy_generator(None).uniform(limits[0], limits[1], size)


def _check_probability(owner: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"{owner}: p must be a probability in [0, 1], got {p}")


class RandomCrop(RandomTransform):
    """A window of the image at a random place.

    Args:
        size: (H, W) of the window, or an int for both.
        padding: added before cropping; as in :class:`Pad`. Default: none.
        pad_if_needed: pad an image that is smaller than ``size``. Default: False.
        fill, padding_mode: of the padding, as in :class:`Pad`.
        per_sample: another place for each image of a tensor (N, C, H, W). Default: False.

    Raises:
        ValueError: when called, if the image is smaller than ``size``.
    """

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
        *,
        per_sample: bool = False,
    ) -> None:
        super().__init__(per_sample)
        check_padding("RandomCrop", 0 if padding is None else padding, fill, padding_mode)
        self.size = F.pair(size, "RandomCrop", "size")
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    def padded(self, img: Any) -> Any:
        """The image with the padding that the arguments ask for."""
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, height, width = F.get_dimensions(img)
        if self.pad_if_needed and width < self.size[1]:
            img = F.pad(img, (self.size[1] - width, 0), self.fill, self.padding_mode)
        if self.pad_if_needed and height < self.size[0]:
            img = F.pad(img, (0, self.size[0] - height), self.fill, self.padding_mode)
        return img

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Draw (top, left, height, width) of a window."""
        (top,), (left,) = _places(img, output_size, 1)
        return int(top), int(left), *output_size

    def one(self, img: Any) -> Any:
        img = self.padded(img)
        return F.crop(img, *self.get_params(img, self.size))

    def each(self, x: Tensor) -> Tensor:
        x = self.padded(x)
        tops, lefts = _places(x, self.size, len(x))
        return crop_each(x, tops, lefts, self.size)

    def __repr__(self) -> str:
        return self.described(f"size={self.size}, padding={self.padding}")


def _places(img: Any, size: tuple[int, int], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Tops and lefts of ``count`` windows."""
    _, height, width = F.get_dimensions(img)
    if height < size[0] or width < size[1]:
        raise ValueError(
            f"RandomCrop: size must fit into the image, got {size} for an image of "
            f"{(height, width)}; set padding or pad_if_needed"
        )
    rng = numpy_generator(None)
    return rng.integers(height - size[0] + 1, size=count), rng.integers(
        width - size[1] + 1, size=count
    )


class _RandomFlip(RandomTransform):
    """Flip with probability p."""

    axis: int

    def __init__(self, p: float = 0.5, *, per_sample: bool = False) -> None:
        super().__init__(per_sample)
        _check_probability(type(self).__name__, p)
        self.p = p

    def one(self, img: Any) -> Any:
        if numpy_generator(None).random() >= self.p:
            return img
        return F.hflip(img) if self.axis == -1 else F.vflip(img)

    def each(self, x: Tensor) -> Tensor:
        return flip_each(x, numpy_generator(None).random(len(x)) < self.p, self.axis)

    def __repr__(self) -> str:
        return self.described(f"p={self.p}")


class RandomHorizontalFlip(_RandomFlip):
    """Left and right exchanged, with probability p.

    Args:
        p: the probability. Default: 0.5.
        per_sample: decide anew for each image of a tensor (N, C, H, W). Default: False.
    """

    axis = -1


class RandomVerticalFlip(_RandomFlip):
    """Top and bottom exchanged, with probability p.

    Args:
        p: the probability. Default: 0.5.
        per_sample: decide anew for each image of a tensor (N, C, H, W). Default: False.
    """

    axis = -2


class RandomRotation(RandomTransform):
    """A rotation by an angle that is uniform in a range.

    Args:
        degrees: (lowest, highest), or a number for (-degrees, degrees).
        interpolation: nearest or bilinear; of Pillow images also bicubic. Default: nearest.
        expand: make the image as large as the rotated one needs. Default: False.
        center: (x, y) to rotate around. Default: the middle.
        fill: for what lies outside of the image, one value or one per channel. Default: 0.
        per_sample: another angle for each image of a tensor (N, C, H, W); not with ``expand``, for
            then their sizes would differ. Default: False.
    """

    def __init__(
        self,
        degrees: Any,
        interpolation: Any = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Any = 0,
        *,
        per_sample: bool = False,
    ) -> None:
        super().__init__(per_sample)
        self.degrees = _angles(degrees)
        if center is not None:
            _check_pair("RandomRotation", "center", center)
        self.center = center
        self.interpolation = F.interpolation_mode("RandomRotation", interpolation)
        if expand and per_sample:
            raise ValueError(
                "RandomRotation: expand gives each image another size, which excludes per_sample"
            )
        self.expand = expand
        if not isinstance(fill, (numbers.Number, Sequence, type(None))):
            raise TypeError(f"RandomRotation: fill must be a number or a sequence, got {fill!r}")
        self.fill = 0 if fill is None else fill

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """Draw an angle."""
        return float(numpy_generator(None).uniform(degrees[0], degrees[1]))

    @property
    def batch(self) -> Any:
        """Transform a batch; there is no such method with ``expand``, where the sizes would differ."""
        if self.expand:
            raise AttributeError("RandomRotation: with expand=True it can't transform batches")
        return super().batch

    def one(self, img: Any) -> Any:
        angle = self.get_params(self.degrees)
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, self.fill)

    def each(self, x: Tensor) -> Tensor:
        angles = _uniform(self.degrees, len(x))
        return F.rotate_batch(
            x, angles, self.interpolation, tuple(x.shape[-2:]), self.center, self.fill
        )

    def __repr__(self) -> str:
        text = (
            f"degrees={self.degrees}, interpolation={self.interpolation.value}, "
            f"expand={self.expand}"
        )
        if self.center is not None:
            text += f", center={self.center}"
        return self.described(f"{text}, fill={self.fill}")


def _angles(degrees: Any) -> list[float]:
    if isinstance(degrees, numbers.Number):
        if degrees < 0:  # type: ignore[operator]
            raise ValueError(
                f"RandomRotation: a single number of degrees must be >= 0, got {degrees}"
            )
        degrees = [-degrees, degrees]  # type: ignore[operator]
    _check_pair("RandomRotation", "degrees", degrees)
    return [float(d) for d in degrees]


def _check_pair(owner: str, name: str, value: Any) -> None:
    if not isinstance(value, Sequence):
        raise TypeError(f"{owner}: {name} must be a sequence of 2 numbers, got {value!r}")
    if len(value) != 2:
        raise ValueError(f"{owner}: {name} must have 2 values, got {value!r}")


class RandomErasing(RandomTransform):
    """With probability p a random rectangle of the image is filled.

    Its area is uniform in ``scale`` times the image's, the logarithm of its ratio of height to
    width uniform in that of ``ratio``; rectangles that don't fit are drawn again, ten times at most.

    Args:
        p: the probability. Default: 0.5.
        scale: (least, most) of the image's area. Default: (0.02, 0.33).
        ratio: (least, most) of height to width. Default: (0.3, 3.3).
        value: to fill with, one or one per channel; ``"random"`` for standard normal noise.
        inplace: change the tensor itself. Default: False.
        per_sample: decide and draw anew for each image of a tensor (N, C, H, W). Default: False.

    Shape:
        (..., C, H, W).

    Source: Zhong et al., "Random erasing data augmentation", AAAI 2020, algorithm 1.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
        *,
        per_sample: bool = False,
    ) -> None:
        super().__init__(per_sample)
        if not isinstance(value, (numbers.Number, str, tuple, list)):
            raise TypeError(
                f"RandomErasing: value must be a number, a sequence or 'random', got {value!r}"
            )
        if isinstance(value, str) and value != "random":
            raise ValueError(f"RandomErasing: the only string for value is 'random', got {value!r}")
        for name, limits in (("scale", scale), ("ratio", ratio)):
            if not isinstance(limits, Sequence):
                raise TypeError(f"RandomErasing: {name} must be (least, most), got {limits!r}")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn(
                f"RandomErasing: scale and ratio should be (least, most), got {scale} and {ratio}",
                stacklevel=2,
            )
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError(f"RandomErasing: scale must lie in [0, 1], got {scale}")
        _check_probability("RandomErasing", p)
        self.p = p
        self.scale = scale
        self.ratio = ratio
        self.value = value
        self.inplace = inplace

    def one(self, img: Any) -> Any:
        if not isinstance(img, Tensor):
            raise TypeError(f"RandomErasing: img must be a Tensor, got {type(img).__name__}")
        values = self._values(img)
        rng = numpy_generator(None)
        if rng.random() >= self.p:
            return img
        ((top,), (left,), (height,), (width,)) = self._boxes(1, tuple(img.shape[-2:])).tolist()
        if values is None:
            noise = rng.standard_normal((img.shape[-3], height, width), np.float32)
            fill = from_numpy(noise.astype(img.dtype.numpy))
        else:
            fill = from_numpy(values[:, None, None])
        return F.erase(img, top, left, height, width, fill, self.inplace)

    def each(self, x: Tensor) -> Tensor:
        values = self._values(x)
        boxes = self._boxes(len(x), tuple(x.shape[-2:]))
        boxes[2] *= numpy_generator(None).random(len(x)) < self.p
        return erase_each(x, boxes, values, self.inplace)

    def _values(self, x: Tensor) -> np.ndarray | None:
        if isinstance(self.value, str):
            return None
        return colour("RandomErasing", self.value, x.shape[-3], x.dtype.numpy, "value")

    def _boxes(self, count: int, size: tuple[int, int]) -> np.ndarray:
        """(top, left, height, width) of rectangles, (4, count); height 0 where none did fit."""
        rng = numpy_generator(None)
        area = size[0] * size[1] * _uniform(self.scale, (count, 10))
        ratio = np.exp(_uniform(np.log(self.ratio), (count, 10)))
        heights = np.rint(np.sqrt(area * ratio)).astype(np.intp)
        widths = np.rint(np.sqrt(area / ratio)).astype(np.intp)
        fits = (heights < size[0]) & (widths < size[1])
        first = np.arange(count), fits.argmax(1)
        height, width = heights[first] * fits[first], widths[first] * fits[first]
        top, left = rng.integers(size[0] - height + 1), rng.integers(size[1] - width + 1)
        return np.stack([top, left, height, width])

    def __repr__(self) -> str:
        return self.described(
            f"p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, "
            f"inplace={self.inplace}"
        )
