"""A small real dataset as files: part of the sample in the package, in MNIST's format."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from penlight.datasets import load, locate
from penlight.datasets.idx import idx_bytes
from penlight.datasets.sources import find_sample

__all__ = ["write_small_data"]


def write_small_data(folder: Path, train: int = 600, test: int = 200) -> Path:
    """Write the first images of the sample into ``folder`` as Fashion-MNIST's four files."""
    dataset = locate("fashion-mnist", download=False).dataset
    sample = find_sample(dataset)
    assert sample is not None
    folder.mkdir(parents=True, exist_ok=True)
    for part, size in (("train", train), ("t10k", test)):
        images = load(sample, train=part == "train")
        data = np.asarray(images.data)[:size]
        labels = np.asarray(images.targets)[:size].astype(np.uint8)
        for name, array in (
            (f"{part}-images-idx3-ubyte", data),
            (f"{part}-labels-idx1-ubyte", labels),
        ):
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array), 1))
    return folder
