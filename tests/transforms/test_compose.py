"""Compose and Lambda; whole pipelines, also in a DataLoader."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest

import penlight
from penlight import transforms
from penlight.transforms import (
    CenterCrop,
    Compose,
    Lambda,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    Resize,
    ToTensor,
)
from tests.transforms.images import pixels

AUGMENT = Compose([RandomCrop(6, 2), RandomHorizontalFlip(), ToTensor(), Normalize((0.5,), (0.5,))])


def test_one_after_the_other():
    image = pixels(8, 8, 3)
    y = Compose([CenterCrop(4), ToTensor(), lambda x: x * 2])(image)
    np.testing.assert_array_equal(y.numpy(), 2 * ToTensor()(image[2:6, 2:6]).numpy())
    assert Compose([])(image) is image


@pytest.mark.parametrize("shape", [(5, 8, 8), (5, 8, 8, 3)])
def test_a_batch_is_its_images(shape):
    images = pixels(*shape)
    transform = Compose([Resize(7), CenterCrop(5), ToTensor(), Normalize([0.1], [0.3])])
    batch = transform.batch(images)
    for image, result in zip(images, batch, strict=True):
        np.testing.assert_array_equal(result.numpy(), transform(image).numpy())
    assert AUGMENT.batch(images).shape == (5, *(shape[3:] or (1,)), 6, 6)


def test_batches_need_all_parts():
    assert hasattr(Compose([Resize(7), ToTensor()]), "batch")
    for part in (lambda x: x, Lambda(lambda x: x), Compose([lambda x: x])):
        assert not hasattr(Compose([Resize(7), part]), "batch")


def test_lambda():
    assert Lambda(lambda x: x + 1)(1) == 2
    assert repr(Lambda(abs)) == "Lambda()"
    with pytest.raises(TypeError, match="lambd must be callable, got int"):
        Lambda(3)


def test_repr():
    assert repr(AUGMENT) == (
        "Compose(\n    RandomCrop(size=(6, 6), padding=2)\n    RandomHorizontalFlip(p=0.5)\n"
        "    ToTensor()\n    Normalize(mean=(0.5,), std=(0.5,))\n)"
    )


def test_pipelines_go_into_workers():
    copied = pickle.loads(pickle.dumps(AUGMENT))
    assert repr(copied) == repr(AUGMENT)
    penlight.manual_seed(1)
    first = copied(pixels(8, 8))
    penlight.manual_seed(1)
    assert AUGMENT(pixels(8, 8)).tolist() == first.tolist()


SIGNATURES = {  # torchvision's
    "Compose": "(transforms)",
    "ConvertImageDtype": "(dtype)",
    "Normalize": "(mean, std, inplace=False)",
    "Resize": "(size, interpolation=<InterpolationMode.BILINEAR: 'bilinear'>, max_size=None, "
    "antialias=True)",
    "CenterCrop": "(size)",
    "Pad": "(padding, fill=0, padding_mode='constant')",
    "Lambda": "(lambd)",
    "RandomApply": "(transforms, p=0.5)",
    "RandomCrop": "(size, padding=None, pad_if_needed=False, fill=0, padding_mode='constant')",
    "RandomHorizontalFlip": "(p=0.5)",
    "RandomVerticalFlip": "(p=0.5)",
    "RandomRotation": "(degrees, interpolation=<InterpolationMode.NEAREST: 'nearest'>, "
    "expand=False, center=None, fill=0)",
    "RandomErasing": "(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False)",
}
FUNCTIONS = {
    "to_tensor": "(pic)",
    "convert_image_dtype": "(image, dtype=torch.float32)",
    "normalize": "(tensor, mean, std, inplace=False)",
    "pad": "(img, padding, fill=0, padding_mode='constant')",
    "crop": "(img, top, left, height, width)",
    "center_crop": "(img, output_size)",
    "resize": "(img, size, interpolation=<InterpolationMode.BILINEAR: 'bilinear'>, max_size=None, "
    "antialias=True)",
    "hflip": "(img)",
    "vflip": "(img)",
    "rotate": "(img, angle, interpolation=<InterpolationMode.NEAREST: 'nearest'>, expand=False, "
    "center=None, fill=None)",
    "erase": "(img, i, j, h, w, v, inplace=False)",
}


def shown(function):
    """A signature without types, ``self``, and what only this library has."""
    parameters = inspect.signature(function).parameters.values()
    return str(
        inspect.Signature(
            [
                p.replace(annotation=p.empty)
                for p in parameters
                if p.kind is not p.KEYWORD_ONLY and p.name != "self"
            ]
        )
    )


def test_signatures_are_torchvisions():
    assert {n: shown(getattr(transforms, n)) for n in SIGNATURES} == SIGNATURES
    functional = transforms.functional
    assert {n: shown(getattr(functional, n)) for n in FUNCTIONS} == FUNCTIONS


def test_pillow_is_not_imported():
    program = (
        "import sys, numpy as np, penlight.transforms as t; "
        "t.Compose([t.Resize(4), t.ToTensor()])(np.zeros((8, 8), np.uint8)); "
        "assert not any(m.startswith('PIL') for m in sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
