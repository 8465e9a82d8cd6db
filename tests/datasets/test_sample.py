"""The sample in the package, and the real data where it is at hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from penlight.datasets import DataError, Source, as_tensors, load, locate, verify_dataset
from penlight.datasets.catalog import CATALOG, FASHION_MNIST_FILES
from penlight.datasets.sources import find, find_sample

FOLDER = Path(__file__).parents[2] / "src/penlight/datasets/sample"


def full(name: str) -> Source:
    """The data that this machine has; the test is skipped where it has none."""
    try:
        source = find(CATALOG[name])
    except DataError:
        source = None
    if source is None:
        pytest.skip(f"{name} is not on this machine")
    return source


@pytest.fixture(scope="module")
def sample() -> Source:
    source = find_sample(FASHION_MNIST_FILES)
    assert source is not None
    return source


def test_the_sample_is_small_and_has_its_licence(sample):
    assert sample.path.samefile(FOLDER)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2_700_000
    licence = (FOLDER / "LICENSE").read_text()
    assert "Copyright (c) 2017 Zalando SE" in licence
    assert "MIT" in licence


def test_the_sample_is_balanced_and_real_looking(sample):
    assert (sample.train, sample.test, sample.full) == (6000, 1000, False)
    for train, per_class in ((True, 600), (False, 100)):
        dataset = load(sample, train=train)
        assert dataset.data.shape == (10 * per_class, 28, 28)
        np.testing.assert_array_equal(np.bincount(dataset.targets.numpy()), [per_class] * 10)
        images = dataset.data.numpy().reshape(-1, 784)
        assert len(np.unique(images, axis=0)) == len(images)
        x = as_tensors(dataset).tensors[0]
        assert abs(float(x.mean())) < 0.02  # the published images have mean 0 and deviation 1
        assert abs(float(x.std()) - 1) < 0.02


def test_classes_of_the_sample_can_be_told_apart(sample):
    """Labels belong to their images: the nearest mean of a class is mostly the right one."""
    (x, y), (tx, ty) = (
        [t.numpy() for t in as_tensors(load(sample, train=t)).tensors] for t in (True, False)
    )
    means = np.stack([x[y == c].reshape(-1, 784).mean(0) for c in range(10)])
    distances = ((tx.reshape(-1, 1, 784) - means) ** 2).sum(2)
    assert (distances.argmin(1) == ty).mean() > 0.6


def test_the_sample_is_part_of_the_full_data_and_reproducible(sample, tmp_path):
    source = full("fashion-mnist")
    if not source.full:
        pytest.skip("only a part of Fashion-MNIST is on this machine")
    path = Path(__file__).parents[2] / "tools/make_sample.py"
    spec = importlib.util.spec_from_file_location("make_sample", path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    for train in (True, False):
        everything, part = load(source, train), load(sample, train)
        labels = everything.targets.numpy()
        chosen = tool.choose(labels, tool.PER_CLASS[train])
        np.testing.assert_array_equal(part.data.numpy(), everything.data.numpy()[chosen])
        np.testing.assert_array_equal(part.targets.numpy(), labels[chosen])


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_real_files_are_the_published_ones(name):
    source = full(name)
    assert source.full
    verified = verify_dataset(name)
    assert verified.ok
    assert verified.published
    x, y = as_tensors(load(source, train=True)).tensors
    assert x.shape == (60_000, 1, 28, 28)
    assert abs(float(x.mean())) < 1e-3
    assert abs(float(x.std()) - 1) < 1e-3
    assert np.bincount(y.numpy()).sum() == 60_000
    assert locate(name).files == source.files


def test_real_cifar():
    source = full("cifar10")
    for train in (True, False):
        dataset = load(source, train=train)
        assert len(dataset) == (source.train if train else source.test)
        assert dataset.data.shape == (len(dataset), 32, 32, 3)
        assert set(dataset.targets) == set(range(10))
    x = as_tensors(load(source)).tensors[0]
    assert np.allclose(x.numpy().mean((0, 2, 3)), 0, atol=0.02)
    assert np.allclose(x.numpy().std((0, 2, 3)), 1, atol=0.02)
