"""The datasets as a program meets them: torchvision's contract, batches, all at once."""

from __future__ import annotations

import dataclasses
import gzip
import pickle

import numpy as np
import pytest

import penlight as torch
from penlight import transforms
from penlight.datasets import (
    CIFAR10,
    MNIST,
    DataError,
    FashionMNIST,
    as_tensors,
    load,
    locate,
)
from penlight.utils.data import Batch, DataLoader, default_collate

from .conftest import publish, set_mirrors
from .synthetic import (
    cifar_contents,
    idx_contents,
    images_and_labels,
    write_batches,
    write_idx,
)


class Scale:
    """A transform that also takes batches; counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, image):
        return self.batch(image[None])[0]

    def batch(self, images):
        self.calls += 1
        return torch.from_numpy(images.astype(np.float32) / np.float32(255))

    def __repr__(self):
        return "Scale(\n    255\n)"


@pytest.fixture
def root(machine):
    write_idx(machine / "data/MNIST/raw", seed=1)
    write_idx(machine / "data/FashionMNIST/raw", seed=2, suffix="")
    return write_batches(machine / "data", cifar_contents(4))


def test_attributes_are_torchvisions(root):
    dataset = MNIST(root)
    images, labels = images_and_labels(30, seed=1)
    assert isinstance(dataset.data, torch.Tensor)
    assert dataset.data.dtype == torch.uint8
    assert dataset.targets.dtype == torch.int64
    np.testing.assert_array_equal(dataset.data.numpy(), images)
    np.testing.assert_array_equal(dataset.targets.numpy(), labels)
    assert len(dataset) == 30
    assert len(MNIST(root, train=False)) == 20
    assert dataset.classes[7] == "7 - seven"
    assert dataset.class_to_idx["7 - seven"] == 7
    assert dataset.raw_folder == str(root / "MNIST" / "raw")
    assert (dataset.train, dataset.root) == (True, str(root))
    other = FashionMNIST(str(root), False)
    np.testing.assert_array_equal(other.data.numpy(), images_and_labels(20, seed=3)[0])
    assert other.classes[9] == "Ankle boot"
    colour = CIFAR10(root)
    assert isinstance(colour.data, np.ndarray)
    assert isinstance(colour.targets, list)
    assert colour.class_to_idx == {name: i for i, name in enumerate(colour.classes)}


def test_a_sample_is_an_array_and_an_int(root):
    for dataset, shape in ((MNIST(root), (28, 28)), (CIFAR10(root), (32, 32, 3))):
        image, label = dataset[-1]
        assert isinstance(image, np.ndarray)
        assert (image.shape, image.dtype) == (shape, np.uint8)
        assert type(label) is int
        np.testing.assert_array_equal(image, np.asarray(dataset.data)[-1])
        assert label == int(dataset.targets[-1])
        with pytest.raises(IndexError):
            dataset[len(dataset)]


def test_transforms_are_applied(root):
    dataset = MNIST(root, transform=lambda image: image.sum(), target_transform=lambda y: f"<{y}>")
    image, label = dataset[3]
    assert image == dataset.data[3].numpy().sum()
    assert label == f"<{int(dataset.targets[3])}>"


def test_a_transform_that_works_in_place_leaves_the_data_alone(root):
    def black(image):
        image[:] = 0
        return image

    for make in (MNIST, CIFAR10):
        dataset = make(root, transform=black)
        before = np.array(dataset.data)
        dataset[0]
        dataset.__getitems__([0, 1])
        np.testing.assert_array_equal(dataset.data, before)


@pytest.mark.parametrize("make", [MNIST, CIFAR10])
@pytest.mark.parametrize("transform", [None, Scale(), lambda image: image * 2.0])
@pytest.mark.parametrize("target_transform", [None, lambda y: y + 1])
def test_a_batch_is_what_its_samples_are(root, make, transform, target_transform):
    dataset = make(root, transform=transform, target_transform=target_transform)
    indices = [3, 0, 3, -1, 19]
    batch = dataset.__getitems__(indices)
    singles = [dataset[i] for i in indices]
    assert len(batch) == 5
    for found in (list(batch), [batch[i] for i in range(5)], list(batch[:2]) + list(batch[2:])):
        for (image, label), (expected, expected_label) in zip(found, singles, strict=True):
            assert type(image) is type(expected)
            np.testing.assert_array_equal(image, expected)
            assert type(label) is int
            assert label == expected_label
    for column, expected in zip(default_collate(batch), default_collate(singles), strict=True):
        assert column.dtype == expected.dtype
        np.testing.assert_array_equal(column.numpy(), expected.numpy())


def test_a_transform_of_batches_is_called_once(root):
    scale = Scale()
    batch = MNIST(root, transform=scale).__getitems__(range(10))
    assert isinstance(batch, Batch)
    assert scale.calls == 1


@pytest.mark.parametrize("make", [MNIST, CIFAR10])
@pytest.mark.parametrize(
    "steps",
    [
        [transforms.ToTensor(), transforms.Normalize((0.5,), (0.25,))],
        [transforms.Pad(2), transforms.ToTensor()],
        [transforms.CenterCrop(20)],
    ],
    ids=["normalised", "padded", "arrays"],
)
def test_a_batch_through_transforms_is_what_its_samples_are(root, make, steps):
    dataset = make(root, transform=transforms.Compose(steps))
    singles = [dataset[i] for i in (3, 0, 19)]
    batch = dataset.__getitems__([3, 0, 19])
    assert isinstance(batch, Batch)
    for (image, label), (expected, expected_label) in zip(batch, singles, strict=True):
        assert type(image) is type(expected)
        np.testing.assert_array_equal(image, expected)
        assert label == expected_label
    images, labels = next(iter(DataLoader(dataset, batch_size=4)))
    assert isinstance(images, torch.Tensor)
    np.testing.assert_array_equal(images.numpy(), [np.asarray(dataset[i][0]) for i in range(4)])
    assert labels.tolist() == [dataset[i][1] for i in range(4)]


def test_random_transforms_draw_for_each_image(root):
    dataset = MNIST(root, transform=transforms.RandomHorizontalFlip())
    images = default_collate(dataset.__getitems__([0] * 30))[0].numpy()
    flipped = (images == dataset.data[0].numpy()[:, ::-1]).all((1, 2))
    assert 3 < flipped.sum() < 27


def test_changed_data_and_targets_are_used(root):
    """Keeping a few classes is often done so."""
    for dataset in (MNIST(root), CIFAR10(root)):
        keep = np.flatnonzero(np.asarray(dataset.targets) < 5)
        expected = np.asarray(dataset.data)[keep]
        dataset.data = dataset.data[keep]
        dataset.targets = [int(dataset.targets[i]) for i in keep]
        assert len(dataset) == len(keep)
        np.testing.assert_array_equal(dataset[1][0], expected[1])
        np.testing.assert_array_equal(
            default_collate(dataset.__getitems__([1, 0]))[0], expected[[1, 0]]
        )


def test_repr_is_torchvisions(root):
    assert repr(MNIST(root, train=False)) == (
        f"Dataset MNIST\n    Number of datapoints: 20\n    Root location: {root}\n    Split: Test"
    )
    assert repr(CIFAR10(root, transform=Scale(), target_transform=3)) == (
        f"Dataset CIFAR10\n    Number of datapoints: 20\n    Root location: {root}\n"
        "    Split: Train\n    StandardTransform\n"
        "Transform: Scale(\n               255\n           )\nTarget transform: 3"
    )


def test_pickles_for_workers(root):
    dataset = pickle.loads(pickle.dumps(MNIST(root)))
    assert len(dataset) == 30
    assert dataset.source.train == 30
    np.testing.assert_array_equal(dataset[0][0], MNIST(root)[0][0])


@pytest.mark.parametrize("make", [MNIST, FashionMNIST, CIFAR10])
def test_a_root_without_the_data(machine, make):
    message = rf"{make.__name__}: Dataset not found\. You can use download=True"
    with pytest.raises(RuntimeError, match=message) as caught:
        make(machine / "nothing")
    assert isinstance(caught.value, DataError)
    assert "nothing" in str(caught.value)


def test_a_tilde_is_the_home(machine):
    write_idx(machine / "home/data/MNIST/raw")
    assert len(MNIST("~/data")) == 30


def test_download_takes_what_is_elsewhere_if_that_is_all_of_it(machine, monkeypatch):
    write_idx(machine / "system/fashion-mnist", 30, 20)
    with pytest.raises(DataError, match="no mirror"):  # 30 images are not all of it
        FashionMNIST(machine / "data", download=True)
    monkeypatch.setattr(
        FashionMNIST, "files", dataclasses.replace(FashionMNIST.files, images=(30, 20))
    )
    publish(monkeypatch, "fashion-mnist", idx_contents(30, 20), {})
    dataset = FashionMNIST(machine / "data", download=True)
    assert len(dataset) == 30
    assert dataset.source.path == machine / "system/fashion-mnist"


def test_download_goes_to_torchvisions_folder(machine, monkeypatch, server):
    contents = idx_contents()
    server.pages = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    publish(monkeypatch, "fashion-mnist", contents, server.pages)
    set_mirrors(monkeypatch, "fashion-mnist", (server.url,))
    dataset = FashionMNIST(machine / "data", download=True)
    assert len(dataset) == 30
    assert sorted(p.name for p in (machine / "data/FashionMNIST/raw").iterdir()) == sorted(
        server.pages
    )
    server.requests.clear()
    FashionMNIST(machine / "data", download=True)
    assert server.requests == []
    broken = machine / "data/FashionMNIST/raw/t10k-images-idx3-ubyte.gz"
    broken.write_bytes(broken.read_bytes()[:200])
    FashionMNIST(machine / "data", download=True)  # repairs it
    assert server.requests == [("t10k-images-idx3-ubyte.gz", None)]
    assert broken.read_bytes() == server.pages["t10k-images-idx3-ubyte.gz"]


# all at once


def test_as_tensors_is_to_tensor_and_normalize(root):
    x, y = as_tensors(MNIST(root)).tensors
    dataset = MNIST(root)
    expected = dataset.data.numpy()[:, None].astype(np.float32) / np.float32(255)
    expected = (expected - np.float32(0.1307)) / np.float32(0.3081)
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
    np.testing.assert_array_equal(x.numpy(), expected)
    np.testing.assert_array_equal(y.numpy(), dataset.targets.numpy())
    normalise = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    for i, (image, _) in enumerate(MNIST(root, transform=normalise)):
        np.testing.assert_array_equal(x[i].numpy(), image.numpy())
    assert i == 29


def test_as_tensors_of_colours_is_per_channel(root):
    x, y = as_tensors(CIFAR10(root), mean=(0.1, 0.2, 0.3), std=(1, 2, 4)).tensors
    dataset = CIFAR10(root)
    assert x.shape == (20, 3, 32, 32)
    for c, (mean, std) in enumerate(((0.1, 1), (0.2, 2), (0.3, 4))):
        expected = (dataset.data[..., c] / 255 - mean) / std
        np.testing.assert_allclose(x.numpy()[:, c], expected, rtol=1e-5, atol=1e-6)
    assert y.tolist() == dataset.targets


def test_as_tensors_works_through_chunks(root, monkeypatch):
    from penlight.datasets import vision

    whole = as_tensors(MNIST(root), 0, 1).tensors[0].numpy()
    monkeypatch.setattr(vision, "CHUNK", 7)
    np.testing.assert_array_equal(as_tensors(MNIST(root), 0, 1).tensors[0].numpy(), whole)
    assert (whole.min(), whole.max()) == (0, 1)


def test_as_tensors_does_not_share_memory(root):
    for dataset in (MNIST(root), CIFAR10(root)):
        before = list(map(int, dataset.targets))
        as_tensors(dataset).tensors[1].zero_()
        assert list(map(int, dataset.targets)) == before


def test_as_tensors_refuses_what_it_would_not_do(root):
    with pytest.raises(ValueError, match="dataset must have no transform"):
        as_tensors(MNIST(root, transform=Scale()))
    with pytest.raises(ValueError, match="mean must have 1 or 1 values"):
        as_tensors(MNIST(root), mean=(1, 2))
    with pytest.raises(ValueError, match="std must be above 0, got 0"):
        as_tensors(MNIST(root), std=0)


def test_a_source_of_another_dataset_is_refused(root):
    with pytest.raises(ValueError, match="CIFAR10: source must be of cifar10, got mnist"):
        CIFAR10.from_source(locate("mnist", root))


@pytest.mark.parametrize(("name", "make"), [("mnist", MNIST), ("cifar-10", CIFAR10)])
def test_load_gives_the_class(root, name, make):
    dataset = load(locate(name, root), train=False, transform=Scale())
    assert type(dataset) is make
    np.testing.assert_array_equal(dataset.data, make(root, train=False).data)
    assert dataset.checksums.keys() <= dataset.source.checksums().keys()
    assert all(dataset.source.checksums()[name] == md5 for name, md5 in dataset.checksums.items())
