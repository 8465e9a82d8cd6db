"""Resizing: against PyTorch's interpolate and Pillow, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import penlight
from penlight.testing import gradcheck
from penlight.transforms import InterpolationMode, Resize, functional as F
from tests.transforms.images import pixels, tensor

SIZES = [(4, 6), (3, 17), (24, 10), (7, 9), (1, 1), (11, 13), (40, 2), (22, 26)]
SMOOTH = [InterpolationMode.BILINEAR, InterpolationMode.BICUBIC]


@pytest.mark.parity
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("mode", SMOOTH)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_as_interpolate(torch, size, antialias, mode, dtype):
    x = tensor(2, 3, 11, 13, dtype=dtype)
    ours = F.resize(x, size, mode, antialias=antialias)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(x.numpy()), size, mode=mode.value, antialias=antialias
    )
    assert ours.numpy().dtype == dtype
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=0, atol=2e-6)


@pytest.mark.parity
@given(st.integers(1, 60), st.integers(1, 60))
@pytest.mark.parametrize("mode", [InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT])
def test_nearest_as_interpolate(torch, mode, old, new):
    x = penlight.from_numpy(np.arange(old, dtype=np.uint8).reshape(1, 1, old))
    ours = F.resize(x, (2, new), mode)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(x.numpy())[None], (2, new), mode=mode.value
    )
    assert ours.tolist() == theirs[0].tolist()
    assert ours.dtype is penlight.uint8


@pytest.mark.parity
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("mode", SMOOTH)
def test_bytes_as_interpolate(torch, antialias, mode):
    x = tensor(1, 3, 11, 13, dtype=np.uint8)
    ours = F.resize(x, (5, 30), mode, antialias=antialias)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(x.numpy()).float(), (5, 30), mode=mode.value, antialias=antialias
    )
    assert ours.dtype is penlight.uint8
    assert np.abs(ours.numpy() - theirs.clamp(0, 255).round().numpy()).max() <= 1
    assert np.mean(ours.numpy() != theirs.clamp(0, 255).round().numpy()) < 0.01


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", [*SMOOTH, InterpolationMode.NEAREST_EXACT])
@pytest.mark.parametrize("shape", [(11, 13), (11, 13, 3)])
def test_as_pillow(size, mode, shape):
    Image = pytest.importorskip("PIL.Image")
    image = pixels(*shape) // 2 + 64  # Pillow clips what a bicubic overshoots after either pass
    ours = F.resize(image, size, mode)
    theirs = F.resize(Image.fromarray(image), size, mode)
    assert theirs.size == size[::-1]
    difference = np.abs(ours.astype(int) - np.asarray(theirs).astype(int))
    assert difference.max() <= (0 if mode is InterpolationMode.NEAREST_EXACT else 1)


def test_by_hand():
    x = penlight.tensor([[0.0, 2.0, 4.0, 6.0]])
    assert F.resize(x, (1, 2), antialias=False).tolist() == [[1.0, 5.0]]
    third = F.resize(x, (1, 2))  # a triangle of radius 2 around 1: weights 3, 5, 5... of 16
    np.testing.assert_allclose(
        third.numpy(), [[(0 * 3 + 2 * 3 + 4 * 1) / 7, (2 * 1 + 4 * 3 + 6 * 3) / 7]]
    )
    assert F.resize(x, (1, 8))[0, :3].tolist() == [0.0, 0.5, 1.5]
    assert F.resize(x, (2, 4), InterpolationMode.NEAREST).tolist() == x.tolist() * 2


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from(SMOOTH), st.booleans())
def test_a_plain_colour_stays(old, new, mode, antialias):
    x = penlight.full((1, old, old), 0.75)
    y = F.resize(x, (new, new), mode, antialias=antialias)
    np.testing.assert_allclose(y.numpy(), 0.75, rtol=1e-6)


@pytest.mark.parametrize("size", [(2, 9), (6, 3)])
@pytest.mark.parametrize("mode", [*SMOOTH, InterpolationMode.NEAREST])
@pytest.mark.parametrize("antialias", [True, False])
def test_gradients(size, mode, antialias):
    x = tensor(2, 4, 5, dtype=np.float64).requires_grad_()
    assert gradcheck(lambda x: F.resize(x, size, mode, antialias=antialias), (x,))


def test_what_is_infinite_stays_where_it_is():
    x = penlight.zeros(1, 1, 20)
    x[0, 0, 3] = float("inf")
    y = F.resize(x, (1, 10))
    assert np.isfinite(y.numpy()[0, 0, 4:]).all()


@pytest.mark.parametrize(
    ("old", "size", "max_size", "new"),
    [
        ((20, 30), 10, None, (10, 15)),
        ((30, 20), 10, None, (15, 10)),
        ((20, 30), [10], None, (10, 15)),
        ((20, 31), 10, None, (10, 15)),
        ((20, 30), 10, 12, (8, 12)),
        ((20, 30), (5, 6), None, (5, 6)),
        ((20, 20), 10, 12, (10, 10)),
    ],
)
def test_the_new_size(old, size, max_size, new):
    assert F.resize(tensor(3, *old), size, max_size=max_size).shape == (3, *new)
    assert Resize(size, max_size=max_size).batch(pixels(2, *old)).shape == (2, *new)


def test_nothing_to_do():
    x = tensor(3, 8, 9)
    assert F.resize(x, (8, 9)) is x
    assert F.resize(x, 8) is x


def test_batches_and_kinds():
    images = pixels(4, 12, 14, 3)
    transform = Resize((6, 20))
    batch = transform.batch(images)
    assert (batch.dtype, batch.shape) == (np.uint8, (4, 6, 20, 3))
    for image, result in zip(images, batch, strict=True):
        np.testing.assert_array_equal(result, transform(image))
    half = tensor(3, 12, 14, dtype=np.float16)
    assert transform(half).dtype is penlight.float16


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"size": "big"}, TypeError, "size must be an int or"),
        ({"size": 1.5}, TypeError, "size must be an int or"),
        ({"size": (1, 2, 3)}, ValueError, "1 or 2 values"),
        ({"size": 0}, ValueError, "at least 1"),
        ({"size": (4, 0)}, ValueError, "at least 1"),
        ({"size": (4, 5), "max_size": 9}, ValueError, "max_size"),
        ({"size": 4, "max_size": 4}, ValueError, "max_size"),
        ({"size": 4, "interpolation": "bilinear"}, TypeError, "InterpolationMode"),
        ({"size": 4, "interpolation": 17}, TypeError, "InterpolationMode"),
        ({"size": 4, "interpolation": InterpolationMode.LANCZOS}, ValueError, "for Pillow images"),
    ],
)
def test_resize_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        F.resize(tensor(3, 8, 9), **arguments)
    with pytest.raises((TypeError, ValueError), match=r"size|interpolation"):
        Resize(**arguments)(tensor(3, 8, 9))


def test_an_empty_image():
    with pytest.raises(ValueError, match=r"at least 1, got \(4, 4\) .* image of \(0, 5\)"):
        F.resize(tensor(3, 0, 5), (4, 4))
    assert F.resize(tensor(0, 3, 8, 9), (4, 5)).shape == (0, 3, 4, 5)


def test_reprs():
    assert repr(Resize(256)) == (
        "Resize(size=256, interpolation=bilinear, max_size=None, antialias=True)"
    )
    assert repr(Resize((2, 3), 0, antialias=False)) == (
        "Resize(size=(2, 3), interpolation=nearest, max_size=None, antialias=False)"
    )
