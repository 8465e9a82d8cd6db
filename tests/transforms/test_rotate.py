"""Rotation: against torchvision's formula in PyTorch and Pillow, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import penlight
from penlight.testing import gradcheck
from penlight.transforms import InterpolationMode, RandomRotation, functional as F
from tests.transforms.images import numbered, pixels, tensor

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def reference(torch, x, angle, mode, expand, center, fill):
    """torchvision's rotation of a tensor, from the definition of its sampling grid."""
    height, width = x.shape[-2:]
    cx, cy = (0, 0) if center is None else (center[0] - width / 2, center[1] - height / 2)
    cos, sin = math.cos(math.radians(-angle)), math.sin(math.radians(-angle))
    theta = torch.tensor(
        [[cos, sin, cx - cos * cx - sin * cy], [-sin, cos, cy + sin * cx - cos * cy]],
        dtype=torch.float64,
    )
    new_height, new_width = height, width
    if expand:
        corners = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
        half = torch.tensor([width / 2, height / 2])
        corners = (corners * half) @ theta[:, :2].float().T + half
        cut = (corners / 1e-4).trunc() * 1e-4
        new_width, new_height = (cut.amax(0).ceil() - cut.amin(0).floor()).int().tolist()
    xs, ys = (
        torch.linspace((1 - n) / 2, (n - 1) / 2, n, dtype=torch.float64)
        for n in (new_width, new_height)
    )
    places = torch.stack(
        [xs.expand(new_height, -1), ys[:, None].expand(-1, new_width), torch.ones(
            new_height, new_width, dtype=torch.float64)], -1
    )  # fmt: skip
    grid = (places @ theta.T / torch.tensor([width / 2, height / 2]).double()).to(x.dtype)
    covered = torch.cat([x, torch.ones_like(x[:, :1])], 1)
    y = torch.nn.functional.grid_sample(
        covered, grid.expand(len(x), -1, -1, -1), mode=mode, align_corners=False
    )
    y, mask = y[:, :-1], y[:, -1:]
    if fill is None:
        return y
    paint = torch.tensor(fill, dtype=x.dtype).reshape(1, -1, 1, 1)
    if mode == "nearest":
        return torch.where(mask < 0.5, paint, y)
    return y * mask + paint * (1 - mask)


@pytest.mark.parity
@pytest.mark.parametrize("mode", [NEAREST, BILINEAR])
@pytest.mark.parametrize("angle", [13.0, -71.5, 90, 180, 201.25, 360])
@pytest.mark.parametrize(
    ("expand", "center", "fill"),
    [(False, None, None), (True, None, 0.5), (False, (2, 5), (1.0, 2.0, 3.0)), (True, None, None)],
)
def test_as_torchvision(torch, mode, angle, expand, center, fill):
    x = tensor(2, 3, 8, 12, dtype=np.float64)
    ours = F.rotate(x, angle, mode, expand, center, fill)
    theirs = reference(torch, torch.from_numpy(x.numpy()), angle, mode.value, expand, center, fill)
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=0, atol=1e-8)


@pytest.mark.parametrize("shape", [(8, 8), (7, 7), (6, 10), (6, 7)])
@pytest.mark.parametrize("mode", [NEAREST, BILINEAR])
def test_quarter_turns_are_exact(shape, mode):
    x = numbered(2, *shape)
    for turns in range(-4, 5):
        y = F.rotate(x, 90 * turns, mode, expand=True)
        np.testing.assert_array_equal(y.numpy(), np.rot90(x.numpy(), turns, (1, 2)))


@pytest.mark.parametrize("angle", [10, -33, 77.7, 180])
@pytest.mark.parametrize("mode", [NEAREST, BILINEAR])
@pytest.mark.parametrize("expand", [False, True])
def test_as_pillow(angle, mode, expand):
    Image = pytest.importorskip("PIL.Image")
    y, x = np.mgrid[:40, :30]
    image = (127 + 60 * np.sin(x / 5) + 60 * np.cos(y / 7)).astype(np.uint8)  # smooth
    ours = F.rotate(image, angle, mode, expand)
    theirs = np.asarray(F.rotate(Image.fromarray(image), angle, mode, expand))
    height, width = (min(a, b) for a, b in zip(ours.shape, theirs.shape, strict=True))
    assert max(np.abs(np.subtract(ours.shape, theirs.shape))) <= 2 * expand  # sizes are rounded
    inside = np.s_[height // 2 - 8 : height // 2 + 8, width // 2 - 8 : width // 2 + 8]
    a, b = (F.center_crop(i, (height, width)).astype(int)[inside] for i in (ours, theirs))
    assert np.abs(a - b).mean() < (1 if not expand else 8)


def test_kinds_and_dtypes():
    for image in (pixels(6, 7), pixels(6, 7, 3), tensor(6, 7), tensor(3, 6, 7, dtype=np.int64)):
        for mode in (NEAREST, BILINEAR):
            y = F.rotate(image, 30, mode, fill=9)
            assert (type(y), y.dtype, y.shape) == (type(image), image.dtype, image.shape)
            corner = y[0, 0] if y.ndim == 2 or isinstance(y, np.ndarray) else y[:, 0, 0]
            assert np.all(np.asarray(corner) == 9)


def test_nothing_is_lost_between_bytes_and_floats():
    image = pixels(9, 9)
    np.testing.assert_array_equal(F.rotate(image, 0, BILINEAR), image)
    exact = F.rotate(image.astype(np.float64), 30, BILINEAR)
    assert np.abs(F.rotate(image, 30, BILINEAR) - exact).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("mode", [NEAREST, BILINEAR])
def test_gradients(mode):
    x = tensor(2, 4, 5, dtype=np.float64).requires_grad_()
    assert gradcheck(lambda x: F.rotate(x, 25, mode, fill=[1.0, 2.0]), (x,))
    assert gradcheck(lambda x: F.rotate(x, 25, mode, expand=True), (x,))


@pytest.mark.parametrize("mode", [NEAREST, BILINEAR])
@pytest.mark.parametrize("fill", [0, (1, 2, 3)])
def test_angles_per_sample(mode, fill, monkeypatch):
    x = tensor(5, 3, 8, 9, dtype=np.uint8)
    transform = RandomRotation(90, mode, center=(3, 4), fill=fill, per_sample=True)
    penlight.manual_seed(4)
    together = transform(x)
    angles = penlight.Generator().manual_seed(4).numpy.uniform(-90, 90, 5)
    assert len(set(angles)) == 5
    for image, angle, result in zip(x, angles, together, strict=True):
        expected = F.rotate(image, angle, mode, center=(3, 4), fill=fill)
        np.testing.assert_array_equal(result.numpy(), expected.numpy())


def test_gradients_per_sample():
    x = tensor(2, 1, 4, 4, dtype=np.float64).requires_grad_()
    transform = RandomRotation(60, BILINEAR, per_sample=True)

    def rotated(x):
        penlight.manual_seed(3)
        return transform(x)

    assert gradcheck(rotated, (x,))


def test_the_angle_is_uniform():
    angles = [RandomRotation.get_params([-10.0, 20.0]) for _ in range(2000)]
    assert min(angles) >= -10
    assert max(angles) <= 20
    assert abs(np.mean(angles) - 5) < 5 * 30 / math.sqrt(12 * 2000)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("a",), TypeError, "angle"),
        ((10, "nearest"), TypeError, "InterpolationMode"),
        ((10, InterpolationMode.BICUBIC), ValueError, "for Pillow images"),
        ((10, NEAREST, False, (1, 2, 3)), ValueError, "center"),
        ((10, NEAREST, False, 3), TypeError, "center"),
        ((10, NEAREST, False, None, (1, 2)), ValueError, "1 or 3 values"),
    ],
)
def test_rotate_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        F.rotate(tensor(3, 4, 5), *arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"degrees": -1}, ValueError, "must be >= 0"),
        ({"degrees": (1, 2, 3)}, ValueError, "degrees must have 2 values"),
        ({"degrees": "a"}, ValueError, "degrees"),
        ({"degrees": None}, TypeError, "degrees"),
        ({"degrees": 1, "center": 3}, TypeError, "center"),
        ({"degrees": 1, "center": (3,)}, ValueError, "center"),
        ({"degrees": 1, "fill": object()}, TypeError, "fill"),
        ({"degrees": 1, "interpolation": "nearest"}, TypeError, "interpolation"),
        ({"degrees": 1, "expand": True, "per_sample": True}, ValueError, "excludes per_sample"),
    ],
)
def test_random_rotation_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        RandomRotation(**arguments)


def test_reprs():
    assert repr(RandomRotation(10)) == (
        "RandomRotation(degrees=[-10.0, 10.0], interpolation=nearest, expand=False, fill=0)"
    )
    assert repr(RandomRotation((0, 5), BILINEAR, True, (1, 2), None)) == (
        "RandomRotation(degrees=[0.0, 5.0], interpolation=bilinear, expand=True, center=(1, 2), "
        "fill=0)"
    )
    assert repr(RandomRotation(10, per_sample=True)).endswith("fill=0, per_sample=True)")


def test_a_batch_needs_one_size():
    assert not hasattr(RandomRotation(10, expand=True), "batch")
    assert RandomRotation(10).batch(pixels(2, 5, 6)).shape == (2, 5, 6)
