"""CIFAR-10."""

from __future__ import annotations

from typing import ClassVar

from penlight.datasets.catalog import CIFAR10_FILES
from penlight.datasets.vision import VisionDataset

__all__ = ["CIFAR10"]


class CIFAR10(VisionDataset):
    """Photographs: 50,000 + 10,000 images of 32x32 in colour. For arguments see
    :class:`VisionDataset`.

    The files lie in ``root/cifar-10-batches-py``, or unopened in ``root/cifar-10-python.tar.gz``.
    ``data`` is a uint8 ndarray (N, 32, 32, 3), ``targets`` a list of ints.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """

    files = CIFAR10_FILES
    classes: ClassVar[list[str]] = list(CIFAR10_FILES.classes)
    folder = "."  # the archive brings its own
    base_folder = "cifar-10-batches-py"
