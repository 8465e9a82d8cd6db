"""From files that were found to the dataset they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight.datasets.cifar import CIFAR10
from penlight.datasets.mnist import MNIST, FashionMNIST
from penlight.datasets.sources import Source
from penlight.datasets.vision import VisionDataset

__all__ = ["load"]

CLASSES: dict[str, type[VisionDataset]] = {
    cls.files.name: cls for cls in (MNIST, FashionMNIST, CIFAR10)
}


def load(
    source: Source,
    train: bool = True,
    transform: Callable[[Any], Any] | None = None,
    target_transform: Callable[[Any], Any] | None = None,
) -> VisionDataset:
    """The training or the test set of what :func:`locate` found.

    Raises:
        DataFileError: if a file is truncated, corrupt or another dataset's.
    """
    return CLASSES[source.dataset.name].from_source(source, train, transform, target_transform)
