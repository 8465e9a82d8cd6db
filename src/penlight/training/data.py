"""The images of a run: found, loaded as bytes, and scaled batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from penlight import Tensor, datasets, float32, from_numpy, tensor
from penlight.training.config import TrainConfig
from penlight.training.errors import ConfigError
from penlight.utils.data import Batch, DataLoader, TensorDataset

__all__ = ["ImageData", "Preprocess", "load_images"]


@dataclass(frozen=True)
class ImageData:
    """A labelled set of images, in memory.

    Attributes:
        name: as in ``--data``.
        source: one line for the user: how many images, and from where.
        checksums: MD5 sums of the files, by name.
        classes: names of the K classes.
        mean, std: of the published training images per channel, pixels from 0 to 1.
        train_images, test_images: uint8 (N, C, H, W).
        train_labels, test_labels: int64 (N,).
    """

    name: str
    source: str
    checksums: dict[str, str | None]
    classes: list[str]
    mean: list[float]
    std: list[float]
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor

    @property
    def in_shape(self) -> tuple[int, ...]:
        """(C, H, W) of one image."""
        return tuple(self.train_images.shape[1:])

    def describe(self) -> dict[str, Any]:
        """What a run's metadata say of its data."""
        return {
            "name": self.name,
            "source": self.source,
            "train_images": len(self.train_images),
            "test_images": len(self.test_images),
            "in_shape": list(self.in_shape),
            "classes": self.classes,
            "mean": self.mean,
            "std": self.std,
            "checksums": self.checksums,
        }

    def loader(self, train: bool, **options: Any) -> DataLoader[Any]:
        """Batches (x, y) of the training or test images; ``options`` are DataLoader's."""
        images = self.train_images if train else self.test_images
        labels = self.train_labels if train else self.test_labels
        options = {"collate_fn": Preprocess(self.mean, self.std), **options}
        return DataLoader(TensorDataset(images, labels), **options)


class Preprocess:
    """x = (byte / 255 - mean) / std for a batch of images, varied by ``augment`` before.

    Args:
        mean, std: per channel, of pixels from 0 to 1.
        augment: applied to uint8 (N, C, H, W).
    """

    def __init__(
        self,
        mean: list[float],
        std: list[float],
        augment: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.scale = tensor([1 / (255 * s) for s in std], dtype=float32).reshape(-1, 1, 1)
        self.shift = tensor([-m / s for m, s in zip(mean, std, strict=True)]).reshape(-1, 1, 1)
        self.augment = augment

    def images(self, images: Tensor) -> Tensor:
        """Scale uint8 (N, C, H, W) to float32."""
        return images.to(float32).mul_(self.scale).add_(self.shift)

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The ``collate_fn`` of a loader over images and labels."""
        images, labels = batch.columns
        if self.augment is not None:
            images = self.augment(images)
        return self.images(images), labels


def load_images(
    config: TrainConfig, progress: Callable[[str, int, int], None] | None = None
) -> ImageData:
    """The images that ``config`` asks for, from the first place that has them.

    Args:
        config: of which ``data``, ``data_dir`` and ``train_size`` are used.
        progress: called during a download with the file's name, the bytes so far, and in all.

    Raises:
        DataError: if they are nowhere, or a file is damaged.
        ConfigError: if ``train_size`` is more than there are.
    """
    source = datasets.locate(config.data, config.data_dir, progress=progress)
    train, test = datasets.load(source, train=True), datasets.load(source, train=False)
    size = len(train) if config.train_size is None else config.train_size
    if size > len(train):
        raise ConfigError(f"train_size must be <= {len(train)}, the images there are, got {size}")
    return ImageData(
        name=config.data,
        source=str(source),
        checksums={**train.checksums, **test.checksums},
        classes=list(train.classes),
        mean=np.atleast_1d(train.files.mean).tolist(),
        std=np.atleast_1d(train.files.std).tolist(),
        train_images=_images(train)[:size],
        train_labels=_labels(train)[:size],
        test_images=_images(test),
        test_labels=_labels(test),
    )


def _images(dataset: datasets.VisionDataset) -> Tensor:
    """uint8 (N, C, H, W)."""
    array = np.asarray(dataset.data)
    planes = array[:, None] if array.ndim == 3 else array.transpose(0, 3, 1, 2)
    return from_numpy(np.ascontiguousarray(planes))


def _labels(dataset: datasets.VisionDataset) -> Tensor:
    return from_numpy(np.array(dataset.targets, np.int64))
