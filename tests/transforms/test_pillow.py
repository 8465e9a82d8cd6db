"""Pillow images: the same results as arrays, in Pillow's modes."""

from __future__ import annotations

import numpy as np
import pytest

import penlight
from penlight.transforms import (
    CenterCrop,
    Compose,
    InterpolationMode,
    Normalize,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
    ToTensor,
    functional as F,
)
from tests.transforms.images import pixels

Image = pytest.importorskip("PIL.Image")

MODES = {"L": (6, 7), "RGB": (6, 7, 3), "RGBA": (6, 7, 4), "LA": (6, 7, 2)}
OPERATIONS = {
    "crop": lambda i: F.crop(i, 1, 2, 3, 4),
    "crop outside": lambda i: F.crop(i, -1, 4, 9, 6),
    "hflip": F.hflip,
    "vflip": F.vflip,
    "center_crop": lambda i: F.center_crop(i, (4, 9)),
    "pad": lambda i: F.pad(i, (1, 2, 3, 0), 7),
    "pad and crop": lambda i: F.pad(i, (-1, 2)),
    "edge": lambda i: F.pad(i, 2, 0, "edge"),
    "reflect": lambda i: F.pad(i, (1, -2), 0, "reflect"),
    "nearest": lambda i: F.resize(i, (8, 3), InterpolationMode.NEAREST_EXACT),
    "quarter turn": lambda i: F.rotate(i, 90, expand=True),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_as_arrays(name, mode):
    array = pixels(*MODES[mode])
    image = Image.fromarray(array)
    assert image.mode == mode
    result = OPERATIONS[name](image)
    assert result.mode == mode
    np.testing.assert_array_equal(np.asarray(result), OPERATIONS[name](array))
    np.testing.assert_array_equal(np.asarray(image), array)


@pytest.mark.parametrize("name", OPERATIONS)
def test_palettes_are_kept(name):
    image = Image.fromarray(pixels(6, 7, 3)).quantize(8)
    result = OPERATIONS[name](image)
    assert result.mode == "P"
    assert result.getpalette()[:24] == image.getpalette()[:24]


def test_fill_has_one_value_per_band():
    image = Image.fromarray(pixels(4, 4, 3))
    assert F.pad(image, 1, (1, 2, 3)).getpixel((0, 0)) == (1, 2, 3)
    assert F.pad(image, 1, 5).getpixel((0, 0)) == (5, 5, 5)
    assert F.rotate(image, 45, fill=[4, 5, 6]).getpixel((0, 0)) == (4, 5, 6)
    with pytest.raises(ValueError, match=r"fill must be a number or have 3 values"):
        F.pad(image, 1, (1, 2))


def test_to_tensor_of_every_mode():
    for mode, shape in MODES.items():
        array = pixels(*shape)
        x = F.to_tensor(Image.fromarray(array))
        assert x.shape == (len(mode), 6, 7)
        np.testing.assert_array_equal(x.numpy(), F.to_tensor(array).numpy())
    black_and_white = Image.fromarray(pixels(6, 7) > 127)
    assert set(F.to_tensor(black_and_white).flatten().tolist()) == {0.0, 1.0}
    floats = F.to_tensor(Image.fromarray(pixels(6, 7, dtype=np.float32)))
    assert floats.dtype is penlight.float32
    deep = pixels(6, 7, dtype=np.uint16) * 256
    x = F.to_tensor(Image.fromarray(deep))
    assert x.dtype is penlight.int32
    np.testing.assert_array_equal(x.numpy()[0], deep)


def test_dimensions():
    image = Image.fromarray(pixels(6, 7, 3))
    assert F.get_dimensions(image) == [3, 6, 7]
    assert F.get_image_size(image) == [7, 6]


def test_interpolations_of_pillow_alone():
    image = Image.fromarray(pixels(6, 7))
    for mode in InterpolationMode:
        assert F.resize(image, 3, mode).size == (3, 3)
    assert F.rotate(image, 10, InterpolationMode.BICUBIC).size == (7, 6)


def test_a_pipeline():
    transform = Compose(
        [
            Resize(12), RandomCrop(10, 1), CenterCrop(9), Pad(1), RandomHorizontalFlip(1.0),
            RandomVerticalFlip(1.0), RandomRotation(10), ToTensor(), Normalize([0.5], [0.5]),
        ]
    )  # fmt: skip
    x = transform(Image.fromarray(pixels(20, 30, 3)))
    assert (x.shape, x.dtype) == ((3, 11, 11), penlight.float32)
