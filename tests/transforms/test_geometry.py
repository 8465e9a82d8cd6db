"""Padding, cropping, flipping, erasing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import penlight
from penlight.testing import gradcheck
from penlight.transforms import CenterCrop, Pad, functional as F
from tests.transforms.images import numbered, pixels, tensor

KINDS = {
    "tensor": lambda: tensor(3, 6, 7),
    "batch": lambda: tensor(2, 3, 6, 7),
    "plane": lambda: tensor(6, 7),
    "bytes": lambda: tensor(3, 6, 7, dtype=np.uint8),
    "gray": lambda: pixels(6, 7),
    "colour": lambda: pixels(6, 7, 3),
}


def as_chw(image):
    """Any kind as an ndarray whose last dimensions are H, W."""
    if isinstance(image, np.ndarray):
        return image.transpose(2, 0, 1) if image.ndim == 3 else image
    return image.numpy()


OPERATIONS = {
    "crop": (lambda i: F.crop(i, 1, 2, 3, 4), lambda a: a[..., 1:4, 2:6]),
    "crop outside": (
        lambda i: F.crop(i, -2, 3, 6, 6),
        lambda a: np.pad(a, [(0, 0)] * (a.ndim - 2) + [(2, 0), (0, 2)])[..., :6, 3:],
    ),
    "crop beyond": (
        lambda i: F.crop(i, 10, -20, 2, 3),
        lambda a: np.zeros((*a.shape[:-2], 2, 3), a.dtype),
    ),
    "hflip": (F.hflip, lambda a: a[..., ::-1]),
    "vflip": (F.vflip, lambda a: a[..., ::-1, :]),
    "center_crop": (lambda i: F.center_crop(i, 4), lambda a: a[..., 1:5, 2:6]),
    "center_crop larger": (
        lambda i: F.center_crop(i, (9, 3)),
        lambda a: np.pad(a, [(0, 0)] * (a.ndim - 2) + [(1, 2), (0, 0)])[..., 2:5],
    ),
    "pad": (
        lambda i: F.pad(i, (1, 2, 0, 3), fill=7),
        lambda a: np.pad(
            a, [(0, 0)] * (a.ndim - 2) + [(2, 3), (1, 0)], constant_values=7
        ),
    ),
    "pad and crop": (
        lambda i: F.pad(i, (-2, 1)),
        lambda a: np.pad(a[..., 2:-2], [(0, 0)] * (a.ndim - 2) + [(1, 1), (0, 0)]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_keep_the_kind(name, kind):
    operation, expected = OPERATIONS[name]
    image = KINDS[kind]()
    before = as_chw(image).copy()
    result = operation(image)
    assert type(result) is type(image)
    assert result.dtype == image.dtype
    np.testing.assert_array_equal(as_chw(result), expected(before))
    np.testing.assert_array_equal(as_chw(image), before)


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric"])
@pytest.mark.parametrize("kind", KINDS)
def test_padding_modes(mode, kind):
    image = KINDS[kind]()
    a = as_chw(image)
    expected = np.pad(a, [(0, 0)] * (a.ndim - 2) + [(2, 0), (1, 3)], mode)
    np.testing.assert_array_equal(as_chw(F.pad(image, [1, 2, 3, 0], 0, mode)), expected)


@given(st.integers(-2, 3), st.integers(-2, 3), st.integers(-2, 3), st.integers(-2, 3))
def test_cropping_undoes_padding(left, top, right, bottom):
    x = numbered(2, 5, 6)
    padded = F.pad(x, (left, top, right, bottom))
    assert padded.shape == (2, 5 + top + bottom, 6 + left + right)
    back = F.crop(padded, top, left, 5, 6).numpy()
    kept = np.zeros_like(back)
    rows, columns = (slice(max(-a, 0), n - max(-b, 0)) for a, b, n in
        ((top, bottom, 5), (left, right, 6)))  # fmt: skip
    kept[:, rows, columns] = x.numpy()[:, rows, columns]
    np.testing.assert_array_equal(back, kept)


def test_fill_per_channel():
    y = F.pad(tensor(3, 2, 2), 1, fill=(1, 2, 3))
    assert y[:, 0, 0].tolist() == [1, 2, 3]
    image = F.pad(pixels(2, 2, 3), 1, fill=[4, 5, 6])
    assert image[0, 0].tolist() == [4, 5, 6]


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
def test_gradients_flow(mode):
    x = tensor(2, 3, 4, dtype=np.float64).requires_grad_()
    assert gradcheck(lambda x: F.pad(x, (1, 2, 2, 0), 0, mode), (x,))


def test_more_gradients():
    x = tensor(2, 3, 4, dtype=np.float64).requires_grad_()
    assert gradcheck(lambda x: F.crop(x, -1, 2, 3, 4), (x,))
    assert gradcheck(lambda x: F.hflip(F.vflip(x)), (x,))
    assert gradcheck(lambda x: F.center_crop(x, (2, 6)), (x,))
    assert gradcheck(lambda x: F.erase(x, 0, 1, 2, 2, 5.0), (x,))


def test_erase():
    x = numbered(2, 3, 4)
    y = F.erase(x, 1, 2, 2, 1, penlight.tensor([70.0, 80.0])[:, None, None])
    expected = x.numpy().copy()
    expected[0, 1:3, 2], expected[1, 1:3, 2] = 70, 80
    np.testing.assert_array_equal(y.numpy(), expected)
    assert x[0, 1, 2] != 70
    assert F.erase(x, 0, 0, 1, 1, 0, inplace=True) is x
    assert x[:, 0, 0].tolist() == [0, 0]
    with pytest.raises(TypeError, match="img must be a Tensor, got ndarray"):
        F.erase(pixels(3, 3), 0, 0, 1, 1, 0)


def test_sizes():
    assert F.get_dimensions(tensor(2, 3, 6, 7)) == [3, 6, 7]
    assert F.get_dimensions(tensor(6, 7)) == [1, 6, 7]
    assert F.get_dimensions(pixels(6, 7)) == [1, 6, 7]
    assert F.get_image_size(pixels(6, 7, 3)) == [7, 6]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("1",), TypeError, "padding must be an int or a sequence of ints"),
        (([1, 2, 3],), ValueError, "1, 2 or 4 values"),
        (([],), ValueError, "1, 2 or 4 values"),
        ((1, "white"), TypeError, "fill"),
        ((1, 0, 3), TypeError, "padding_mode must be a string"),
        ((1, 0, "mirror"), ValueError, "constant, edge, reflect, symmetric, got 'mirror'"),
    ],
)
def test_pad_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        F.pad(tensor(3, 4, 5), *arguments)


@pytest.mark.parametrize(
    ("fill", "dtype", "error", "message"),
    [
        ((1, 2), np.float32, ValueError, "1 or 3 values, one per channel"),
        (300, np.uint8, ValueError, r"lie in \[0, 255\] for uint8"),
        (-1, np.uint8, ValueError, r"lie in \[0, 255\] for uint8"),
        (["x"], np.float32, TypeError, "sequence of numbers"),
    ],
)
def test_fills_that_do_not_fit(fill, dtype, error, message):
    with pytest.raises(error, match=message):
        F.pad(tensor(3, 4, 5, dtype=dtype), 1, fill)


def test_mirrors_reach_only_so_far():
    x = tensor(3, 4, 5)
    assert F.pad(x, 3, 0, "reflect").shape == (3, 10, 11)
    assert F.pad(x, 4, 0, "symmetric").shape == (3, 12, 13)
    with pytest.raises(RuntimeError, match=r"reflect padding of 4 pixels must be at most 3"):
        F.pad(x, 4, 0, "reflect")
    with pytest.raises(RuntimeError, match=r"symmetric padding of 4 pixels must be at most 4"):
        F.pad(x, 5, 0, "symmetric")


@pytest.mark.parametrize("operation", [F.hflip, F.get_dimensions, lambda i: F.resize(i, 3)])
def test_what_is_no_image(operation):
    with pytest.raises(TypeError, match=r"must be a Tensor, an ndarray or a Pillow image, got str"):
        operation("cat.png")
    with pytest.raises(TypeError, match=r"tensor image must be \(\.\.\., C, H, W\), got \(3,\)"):
        operation(penlight.zeros(3))
    with pytest.raises(TypeError, match=r"ndarray image must be .* make a batch a tensor"):
        operation(pixels(2, 3, 4, 5))


@pytest.mark.parametrize("transform", [Pad(2), CenterCrop(4), Pad(1, padding_mode="edge")])
@pytest.mark.parametrize("shape", [(5, 6, 7), (5, 6, 7, 3)])
def test_batches_are_their_images(transform, shape):
    images = pixels(*shape)
    batch = transform.batch(images)
    assert batch.dtype == np.uint8
    for image, result in zip(images, batch, strict=True):
        np.testing.assert_array_equal(result, transform(image))


def test_reprs_and_arguments():
    assert repr(Pad(2)) == "Pad(padding=2, fill=0, padding_mode=constant)"
    assert repr(Pad((1, 2), (3, 4, 5), "edge")) == (
        "Pad(padding=(1, 2), fill=(3, 4, 5), padding_mode=edge)"
    )
    assert repr(CenterCrop(10)) == "CenterCrop(size=(10, 10))"
    assert repr(CenterCrop([3])) == "CenterCrop(size=(3, 3))"
    with pytest.raises(ValueError, match=r"CenterCrop: size must be an int or \(height, width\)"):
        CenterCrop((1, 2, 3))
    for arguments, error in (
        (("a",), TypeError), (([1, 2, 3],), ValueError), ((1, None), TypeError),
        ((1, 0, "x"), ValueError),
    ):  # fmt: skip
        with pytest.raises(error):
            Pad(*arguments)
