"""Random crops, flips and erasing: one draw for all, or one per image."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st

import penlight
from penlight.testing import gradcheck
from penlight.transforms import (
    Pad,
    RandomApply,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
    functional as F,
)
from tests.transforms.images import numbered, pixels, tensor

TRANSFORMS = {
    "crop": lambda **k: RandomCrop(6, padding=2, **k),
    "crop with modes": lambda **k: RandomCrop((5, 9), 3, True, 0, "reflect", **k),
    "hflip": lambda **k: RandomHorizontalFlip(**k),
    "vflip": lambda **k: RandomVerticalFlip(**k),
    "rotation": lambda **k: RandomRotation(90, **k),
    "erasing": lambda **k: RandomErasing(0.8, value=3, **k),
    "apply": lambda **k: RandomApply([RandomRotation((20, 30))], 0.5, **k),
}
every = pytest.mark.parametrize("name", TRANSFORMS)


def same(a, b):
    return np.array_equal(a.numpy(), b.numpy())


@every
def test_one_draw_holds_for_all_images_of_a_call(name):
    image = tensor(1, 3, 8, 8)
    for _ in range(8):
        together = TRANSFORMS[name]()(image.expand(20, -1, -1, -1))
        assert all(same(y, together[0]) for y in together)


@every
def test_per_sample_draws_for_each(name):
    image = tensor(1, 3, 8, 8)
    transform = TRANSFORMS[name](per_sample=True)
    together = transform(image.expand(30, -1, -1, -1))
    assert not all(same(y, together[0]) for y in together)
    assert transform(image[0]).shape == together.shape[1:]
    assert repr(transform).count("per_sample=True") == 1


@every
@pytest.mark.parametrize("per_sample", [False, True])
def test_the_seed_decides(name, per_sample):
    transform = TRANSFORMS[name](per_sample=per_sample)
    x = tensor(9, 3, 8, 8)

    def results(seed):
        penlight.manual_seed(seed)
        return np.stack([transform(x).numpy() for _ in range(5)])

    first = results(1)
    np.testing.assert_array_equal(results(1), first)
    assert not np.array_equal(results(2), first)


@every
@pytest.mark.parametrize("per_sample", [False, True])
def test_the_input_is_left_alone(name, per_sample):
    x = tensor(9, 3, 8, 8)
    before = x.numpy().copy()
    for _ in range(5):
        TRANSFORMS[name](per_sample=per_sample)(x)
    np.testing.assert_array_equal(x.numpy(), before)


@every
def test_batches_of_every_kind(name):
    transform = TRANSFORMS[name]()
    size = transform(tensor(3, 8, 8)).shape[-2:]
    for shape, expected in (
        ((5, 8, 8), (5, *size)),
        ((5, 8, 8, 3), (5, *size, 3)),
    ):
        batch = transform.batch(pixels(*shape))
        assert (batch.shape, batch.dtype) == (expected, np.uint8)
    for lead in ((5,), (2, 3), (0,)):
        batch = transform.batch(tensor(*lead, 3, 8, 8, dtype=np.uint8))
        assert (batch.shape, batch.dtype) == ((*lead, 3, *size), penlight.uint8)
    with pytest.raises(TypeError, match=r"a batch must be \(N, C, H, W\), got \(3, 8, 8\)"):
        transform.batch(tensor(3, 8, 8))
    with pytest.raises(TypeError, match="an image must be a Tensor, an ndarray or a Pillow image"):
        transform.batch([1, 2])


@pytest.mark.parametrize("name", [n for n in TRANSFORMS if n != "erasing"])
def test_arrays_of_one_image(name):
    for shape in ((8, 8), (8, 8, 3)):
        result = TRANSFORMS[name]()(pixels(*shape))
        assert isinstance(result, np.ndarray)
        assert result.ndim == len(shape)


# -- crops -----------------------------------------------------------------------------------


@given(st.integers(1, 7), st.integers(1, 9), st.integers(0, 3), st.booleans())
def test_every_crop_is_a_window(height, width, padding, per_sample):
    x = numbered(4, 1, 7, 9)
    transform = RandomCrop((height, width), padding, per_sample=per_sample)
    padded = np.pad(x.numpy(), [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), (2, 3))
    for image, options in zip(transform(x).numpy(), windows, strict=True):
        assert (options[0] == image).all((-1, -2)).any()


@pytest.mark.parametrize("per_sample", [False, True])
def test_all_places_come_equally_often(per_sample):
    x = numbered(1, 1, 3, 4)
    if per_sample:
        crops = RandomCrop(2, per_sample=True)(x.expand(3000, -1, -1, -1))
        firsts = crops[:, 0, 0, 0].tolist()
    else:
        crop = RandomCrop(2)
        firsts = [crop(x)[0, 0, 0, 0].item() for _ in range(3000)]
    counts = Counter(firsts)
    assert set(counts) == {1, 2, 3, 5, 6, 7}
    assert all(abs(count - 500) < 5 * 21 for count in counts.values())


def test_pad_if_needed():
    assert RandomCrop((6, 9), pad_if_needed=True)(tensor(3, 4, 5)).shape == (3, 6, 9)
    transform = RandomCrop(4, pad_if_needed=True, fill=7, per_sample=True)
    y = transform(penlight.zeros(8, 1, 2, 4))
    assert sorted(set(y.flatten().tolist())) == [0, 7]
    assert RandomCrop(4, pad_if_needed=True)(tensor(3, 4, 5)).shape == (3, 4, 4)


@pytest.mark.parametrize("per_sample", [False, True])
def test_a_crop_that_does_not_fit(per_sample):
    with pytest.raises(ValueError, match=r"got \(6, 4\) for an image of \(5, 5\); set padding"):
        RandomCrop((6, 4), per_sample=per_sample)(tensor(2, 3, 5, 5))


# -- flips -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "flip"), [(RandomHorizontalFlip, F.hflip), (RandomVerticalFlip, F.vflip)]
)
def test_flips(cls, flip):
    x = numbered(6, 2, 3, 4)
    assert cls(0.0)(x) is x
    assert same(cls(1.0)(x), flip(x))
    assert same(cls(1.0, per_sample=True)(x), flip(x))
    assert same(cls(0.0, per_sample=True)(x), x)
    many = x[:1].expand(4000, -1, -1, -1)
    flipped = (cls(0.3, per_sample=True)(many) != many).any(-1).any(-1).any(-1)
    assert abs(flipped.sum().item() - 1200) < 5 * 29
    single = sum(cls(0.3)(x) is not x for _ in range(2000))
    assert abs(single - 600) < 5 * 21


# -- erasing ---------------------------------------------------------------------------------


def boxes(x, y):
    """For each image the rectangle in which it differs, and whether all of the rectangle does."""
    changed = (x.numpy() != y.numpy()).all(1)
    for image in changed:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        if not len(rows):
            yield None
            continue
        box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert box.all()
        yield box.shape


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("value", [0, [5000, 6000, 7000], "random"])
def test_erased_rectangles(per_sample, value):
    x = numbered(40, 3, 20, 24)
    transform = RandomErasing(1.0, (0.1, 0.2), (0.5, 2.0), value, per_sample=per_sample)
    calls = [transform(x)] if per_sample else [transform(x[:1]) for _ in range(40)]
    found = [box for y in calls for box in boxes(x[: len(y)], y)]
    assert len(set(found)) > 5
    for height, width in found:
        assert 0.1 * 480 - 24 <= height * width <= 0.2 * 480 + 24
        assert 0.5 * 0.8 <= height / width <= 2.0 * 1.25
    if isinstance(value, list):
        y = calls[0]
        changed = y.numpy() != x[: len(y)].numpy()
        assert (y.numpy() * changed).max((0, 2, 3)).tolist() == value
    if value == "random":
        noise = np.concatenate([y.numpy()[y.numpy() != x[: len(y)].numpy()] for y in calls])
        assert abs(noise.mean()) < 0.05
        assert abs(noise.std() - 1) < 0.05


@pytest.mark.parametrize("per_sample", [False, True])
def test_how_often_and_in_place(per_sample):
    x = penlight.ones(400, 1, 8, 8)
    never = RandomErasing(0.0, per_sample=per_sample)(x)
    assert same(never, x)
    assert RandomErasing(1.0, inplace=True, per_sample=per_sample)(x) is x
    assert (x == 0).any()
    if per_sample:
        x = penlight.ones(2000, 1, 8, 8)
        erased = sum(box is not None for box in boxes(x, RandomErasing(0.4, per_sample=True)(x)))
        assert abs(erased - 800) < 5 * 22


@pytest.mark.parametrize("per_sample", [False, True])
def test_rectangles_that_never_fit(per_sample):
    x = penlight.ones(5, 1, 4, 4)
    transform = RandomErasing(1.0, (1.0, 1.0), (1.0, 1.0), per_sample=per_sample)
    assert same(transform(x), x)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"value": None}, TypeError, "value"),
        ({"value": "noise"}, ValueError, "'random'"),
        ({"scale": 0.1}, TypeError, "scale"),
        ({"ratio": 1}, TypeError, "ratio"),
        ({"scale": (0.1, 1.5)}, ValueError, r"scale must lie in \[0, 1\]"),
        ({"p": 1.5}, ValueError, "p must be a probability"),
    ],
)
def test_erasing_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        RandomErasing(**arguments)


def test_erasing_warns_and_wants_tensors():
    with pytest.warns(UserWarning, match=r"scale and ratio should be \(least, most\)"):
        RandomErasing(ratio=(3, 1))
    with pytest.raises(TypeError, match="img must be a Tensor, got ndarray"):
        RandomErasing(1.0)(pixels(4, 4))
    with pytest.raises(ValueError, match=r"value must be a number or have 1 or 3 values"):
        RandomErasing(1.0, value=[1, 2])(tensor(3, 8, 8))


# -- applying --------------------------------------------------------------------------------


def test_random_apply():
    x = numbered(1, 2, 2)
    double = RandomApply([lambda x: x * 2, lambda x: x + 1], 0.25)
    applied = sum(double(x) is not x for _ in range(2000))
    assert abs(applied - 500) < 5 * 20
    assert same(RandomApply([lambda x: x * 2, lambda x: x + 1], 1.0)(x), x * 2 + 1)
    assert RandomApply([lambda x: x * 2], 0.0)(x) is x


def test_random_apply_per_sample():
    x = numbered(1, 1, 2, 3).expand(2000, -1, -1, -1)
    transform = RandomApply([RandomHorizontalFlip(1.0), RandomVerticalFlip(1.0)], 0.25,
        per_sample=True)  # fmt: skip
    y = transform(x)
    turned = (y[:, 0, 0, 0] == 6).numpy()
    assert abs(turned.sum() - 500) < 5 * 20
    np.testing.assert_array_equal(y.numpy()[turned], x.numpy()[turned][..., ::-1, ::-1])
    np.testing.assert_array_equal(y.numpy()[~turned], x.numpy()[~turned])


def test_random_apply_refuses():
    with pytest.raises(TypeError, match="transforms must be a sequence, got function"):
        RandomApply(lambda x: x)
    with pytest.raises(AttributeError, match="batch"):
        RandomApply([lambda x: x], per_sample=True)
    with pytest.raises(RuntimeError, match=r"must keep shape and dtype, got .* \(1, 6, 6\) from"):
        RandomApply([Pad(1)], 1.0).batch(tensor(2, 1, 4, 4))


# -- gradients and arguments -----------------------------------------------------------------


@every
def test_gradients_per_sample(name):
    x = tensor(3, 1, 8, 8, dtype=np.float64).requires_grad_()
    transform = TRANSFORMS[name](per_sample=True)

    def transformed(x):
        penlight.manual_seed(2)
        return transform(x)

    assert gradcheck(transformed, (x,))


def test_reprs():
    assert repr(RandomCrop(32, padding=4)) == "RandomCrop(size=(32, 32), padding=4)"
    assert repr(RandomHorizontalFlip()) == "RandomHorizontalFlip(p=0.5)"
    assert repr(RandomVerticalFlip(0.1)) == "RandomVerticalFlip(p=0.1)"
    assert repr(RandomErasing()) == (
        "RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False)"
    )
    assert repr(RandomApply([Pad(1), RandomHorizontalFlip()], p=0.3)) == (
        "RandomApply(\n    p=0.3\n    Pad(padding=1, fill=0, padding_mode=constant)\n"
        "    RandomHorizontalFlip(p=0.5)\n)"
    )


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: RandomCrop((1, 2, 3)), ValueError),
        (lambda: RandomCrop(4, padding="a"), TypeError),
        (lambda: RandomCrop(4, padding=[1, 2, 3]), ValueError),
        (lambda: RandomHorizontalFlip(1.1), ValueError),
        (lambda: RandomVerticalFlip(-0.1), ValueError),
    ],
)
def test_bad_arguments(make, error):
    with pytest.raises(error, match=r"size|padding|p must be"):
        make()


def test_they_are_modules():
    stack = penlight.nn.Sequential(RandomCrop(4), RandomHorizontalFlip())
    assert stack(tensor(3, 8, 8)).shape == (3, 4, 4)
    assert list(stack.parameters()) == []
