"""MNIST, and Fashion-MNIST in its form."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import numpy as np

from penlight.datasets.catalog import FASHION_MNIST_FILES, MNIST_FILES
from penlight.datasets.vision import VisionDataset
from penlight.tensor.creation import from_numpy

__all__ = ["MNIST", "FashionMNIST"]


class MNIST(VisionDataset):
    """Handwritten digits: 60,000 + 10,000 images of 28x28. For arguments see :class:`VisionDataset`.

    The files lie in ``root/MNIST/raw``. ``data`` is a uint8 tensor (N, 28, 28), ``targets`` an int64
    tensor (N,).

    Source: LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document
    recognition", 1998.
    """

    files = MNIST_FILES
    folder = "MNIST/raw"
    classes: ClassVar[list[str]] = list(MNIST_FILES.classes)

    @property
    def raw_folder(self) -> str:
        """Where torchvision keeps the files."""
        return os.path.join(self.root, *self.folder.split("/"))

    @staticmethod
    def _in_memory(images: np.ndarray, labels: np.ndarray) -> tuple[Any, Any]:
        return from_numpy(images), from_numpy(labels)


class FashionMNIST(MNIST):
    """Articles of clothing: 60,000 + 10,000 images of 28x28. For arguments see
    :class:`VisionDataset`.

    The files lie in ``root/FashionMNIST/raw``; the rest is as in :class:`MNIST`.

    Source: Xiao, Rasul & Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine
    learning algorithms", 2017.
    """

    files = FASHION_MNIST_FILES
    folder = "FashionMNIST/raw"
    classes: ClassVar[list[str]] = list(FASHION_MNIST_FILES.classes)
