"""ToTensor, ConvertImageDtype, Normalize."""

from __future__ import annotations

import numpy as np
import pytest

import penlight
from penlight.testing import gradcheck
from penlight.transforms import ConvertImageDtype, Normalize, ToTensor, functional as F
from tests.transforms.images import pixels, tensor


def test_bytes_become_fractions():
    image = pixels(4, 5, 3)
    x = ToTensor()(image)
    assert x.dtype is penlight.float32
    assert x.is_contiguous()
    np.testing.assert_array_equal(x.numpy(), image.transpose(2, 0, 1) / np.float32(255))
    assert ToTensor()(image[:, :, 0]).shape == (1, 4, 5)


def test_the_default_dtype_is_used():
    try:
        penlight.set_default_dtype(penlight.float64)
        assert F.to_tensor(pixels(2, 2)).dtype is penlight.float64
    finally:
        penlight.set_default_dtype(penlight.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
def test_other_dtypes_are_kept_and_copied(dtype):
    image = (pixels(4, 5, 3) % 2).astype(dtype)
    x = F.to_tensor(image)
    np.testing.assert_array_equal(x.numpy(), image.transpose(2, 0, 1))
    assert x.numpy().dtype == dtype
    assert not np.shares_memory(x.numpy(), image)


@pytest.mark.parametrize("shape", [(6, 4, 5), (6, 4, 5, 3), (0, 4, 5)])
def test_to_tensor_of_a_batch(shape):
    images = pixels(*shape)
    x = ToTensor().batch(images)
    assert x.shape == (shape[0], *(shape[3:] or (1,)), 4, 5)
    assert x.is_contiguous()
    for i, image in enumerate(images):
        np.testing.assert_array_equal(x[i].numpy(), ToTensor()(image).numpy())


def test_read_only_and_backward_arrays():
    image = pixels(4, 5, 3)
    image.flags.writeable = False
    np.testing.assert_array_equal(F.crop(image, 1, 1, 2, 2), image[1:3, 1:3])
    np.testing.assert_array_equal(
        F.to_tensor(image[::-1, :, ::-1]).numpy(),
        F.to_tensor(image).numpy()[::-1, ::-1],
    )
    np.testing.assert_array_equal(F.hflip(image[::-1]), image[::-1, ::-1])


def test_to_tensor_refuses():
    with pytest.raises(TypeError, match=r"to_tensor: pic must be .* got Tensor"):
        ToTensor()(tensor(3, 4, 5))
    with pytest.raises(TypeError, match="got list"):
        ToTensor()([[1]])
    with pytest.raises(ValueError, match=r"\(H, W\) or \(H, W, C\), got shape \(1, 2, 3, 4\)"):
        ToTensor()(pixels(1, 2, 3, 4))
    with pytest.raises(TypeError, match="images must be an ndarray"):
        ToTensor().batch(tensor(2, 3, 4, 5))
    with pytest.raises(TypeError, match=r"a batch of ndarrays must be .* got \(4, 5\)"):
        ToTensor().batch(pixels(4, 5))


def test_normalize():
    x = tensor(2, 3, 4, 5)
    mean, std = (0.5, 0.25, 0.0), (0.5, 1.0, 2.0)
    expected = (x.numpy() - np.float32(mean)[:, None, None]) / np.float32(std)[:, None, None]
    np.testing.assert_array_equal(Normalize(mean, std)(x).numpy(), expected)
    np.testing.assert_array_equal(Normalize(mean, std).batch(x).numpy(), expected)
    one = F.normalize(x, [0.5], [2.0])
    np.testing.assert_array_equal(one.numpy(), (x.numpy() - np.float32(0.5)) / 2)


def test_normalize_in_place():
    x = tensor(1, 4, 5)
    before = x.numpy().copy()
    assert F.normalize(x, [0.0], [2.0]) is not x
    np.testing.assert_array_equal(x.numpy(), before)
    assert Normalize([0.0], [2.0], inplace=True)(x) is x
    np.testing.assert_array_equal(x.numpy(), before / 2)


def test_gradients_of_normalize():
    x = tensor(2, 3, 3, dtype=np.float64).requires_grad_()
    assert gradcheck(lambda x: F.normalize(x, [0.5, 0.1], [0.5, 2.0]), (x,))


def test_normalize_refuses():
    with pytest.raises(TypeError, match=r"tensor must be a Tensor, got ndarray"):
        F.normalize(pixels(3, 4, 5, dtype=np.float32), [0.5], [0.5])
    with pytest.raises(TypeError, match=r"floating dtype, got torch.uint8; use ToTensor"):
        F.normalize(tensor(3, 4, 5, dtype=np.uint8), [0.5], [0.5])
    with pytest.raises(ValueError, match=r"must be \(\.\.\., C, H, W\), got \(4, 5\)"):
        F.normalize(tensor(4, 5), [0.5], [0.5])
    with pytest.raises(ValueError, match=r"std must not be 0"):
        F.normalize(tensor(3, 4, 5), [0.5], [0.5, 0.0, 0.5])
    with pytest.raises(ValueError, match=r"std must not be 0 in torch.float32"):
        F.normalize(tensor(3, 4, 5), [0.5], [1e-60])
    with pytest.raises(RuntimeError, match=r"mean must have 1 or 1 values"):
        F.normalize(tensor(1, 4, 5), [0.5, 0.5, 0.5], [0.5])


def values_of(dtype):
    if dtype.is_floating_point:
        return penlight.tensor([[0.0, 0.25, 0.999, 1.0]], dtype=dtype)
    top = 1 if dtype is penlight.bool else penlight.iinfo(dtype).max
    return penlight.tensor([[0, top // 3, top]], dtype=dtype)


WIDTHS = ["uint8", "int16", "int32", "int64", "float32", "float64"]


@pytest.mark.parametrize("new", WIDTHS)
@pytest.mark.parametrize("old", WIDTHS)
def test_white_stays_white(old, new):
    a, b = getattr(penlight, old), getattr(penlight, new)
    x = values_of(a)
    too_wide = not b.is_floating_point and b.itemsize >= 4 and (a.itemsize, b.itemsize) != (8, 4)
    if a.is_floating_point and too_wide:
        with pytest.raises(RuntimeError, match="not precise enough"):
            F.convert_image_dtype(x, b)
        return
    y = ConvertImageDtype(b)(x)
    assert y.dtype is b
    assert y[0, 0] == 0
    white, got = values_of(b)[0, -1].item(), y[0, -1].item()
    widened = not b.is_floating_point and a.itemsize < b.itemsize
    assert got == white or (widened and white * (1 - 2 ** -(8 * a.itemsize - 1)) <= got < white)


def test_convert_image_dtype_by_hand():
    x = penlight.tensor([[0, 1, 128, 255]], dtype=penlight.uint8)
    assert F.convert_image_dtype(x, penlight.int16).tolist() == [[0, 128, 128 * 128, 255 * 128]]
    y = F.convert_image_dtype(x)
    np.testing.assert_array_equal(y.numpy(), x.numpy() / np.float32(255))
    assert F.convert_image_dtype(y, penlight.uint8).tolist() == x.tolist()
    assert F.convert_image_dtype(x, penlight.uint8) is x
    halves = penlight.tensor([[0.5, 0.9999]])
    assert F.convert_image_dtype(halves, penlight.uint8).tolist() == [[127, 255]]
    with pytest.raises(TypeError, match="image must be a Tensor, got ndarray"):
        F.convert_image_dtype(pixels(2, 2))


def test_reprs():
    assert repr(ToTensor()) == "ToTensor()"
    assert repr(ConvertImageDtype(penlight.float32)) == "ConvertImageDtype()"
    assert repr(Normalize((0.5,), [0.25])) == "Normalize(mean=(0.5,), std=[0.25])"
