"""The images of a run: found, loaded as bytes, and scaled batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penlight import Tensor, datasets, float32, from_numpy, tensor
from penlight.training.config import TrainConfig
from penlight.training.errors import ConfigError
from penlight.utils.data import Batch, Dataset

__all__ = ["ImageData", "Preprocess", "ScaledImages", "load_images"]


@dataclass(frozen=True)
class ImageData:
    """A labelled set of images, in memory.

    Attributes:
        name: as in ``--data``.
        title: as in sentences.
        source: one line for the user: how many images, and from where.
        checksums: MD5 sums of the files, by name.
        classes: names of the K classes.
        mean, std: of the published training images per channel, pixels from 0 to 1.
        train_images, test_images: uint8 (N, C, H, W).
        train_labels, test_labels: int64 (N,).
    """

    name: str
    title: str
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
            "title": self.title,
            "source": self.source,
            "train_images": len(self.train_images),
            "test_images": len(self.test_images),
            "in_shape": list(self.in_shape),
            "classes": self.classes,
            "mean": self.mean,
            "std": self.std,
            "checksums": self.checksums,
        }

    def training_set(self, augment: Callable[[Tensor], Tensor] | None = None) -> ScaledImages:
        """The training images as samples (x, y), varied by ``augment``."""
        prepare = Preprocess(self.mean, self.std, augment)
        return ScaledImages(self.train_images, self.train_labels, prepare)

    def test_set(self) -> ScaledImages:
        """The test images as samples (x, y)."""
        return ScaledImages(self.test_images, self.test_labels, Preprocess(self.mean, self.std))


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

    def __call__(self, images: Tensor) -> Tensor:
        """Scale uint8 (N, C, H, W) to float32."""
        if self.augment is not None:
            images = self.augment(images)
        return images.to(float32).mul_(self.scale).add_(self.shift)


class ScaledImages(Dataset[tuple[Tensor, Tensor]]):
    """Images kept as bytes, of which a batch at a time becomes numbers: a quarter of the memory.

    Args:
        images: uint8 (N, C, H, W).
        labels: int64 (N,).
        prepare: makes x from a batch of images.
    """

    def __init__(self, images: Tensor, labels: Tensor, prepare: Callable[[Tensor], Tensor]) -> None:
        self.images, self.labels, self.prepare = images, labels, prepare

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.prepare(self.images[index : index + 1])[0], self.labels[index]

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        rows = np.asarray(indices, np.intp)
        return Batch([self.prepare(self.images[rows]), self.labels[rows]])


def load_images(
    config: TrainConfig, progress: Callable[[str, int, int | None], None] | None = None
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
        title=source.dataset.title,
        source=str(source),
        checksums={**train.checksums, **test.checksums},
        classes=list(train.classes),
        mean=_per_channel(train.files.mean, config.input_mean),
        std=_per_channel(train.files.std, config.input_std),
        train_images=_images(train)[:size],
        train_labels=_labels(train)[:size],
        test_images=_images(test),
        test_labels=_labels(test),
    )


def _per_channel(published: Any, wanted: float | None) -> list[float]:
    values = np.atleast_1d(np.asarray(published, float))
    return values.tolist() if wanted is None else [float(wanted)] * len(values)


def _images(dataset: datasets.VisionDataset) -> Tensor:
    """uint8 (N, C, H, W)."""
    array = np.asarray(dataset.data)
    planes = array[:, None] if array.ndim == 3 else array.transpose(0, 3, 1, 2)
    return from_numpy(np.ascontiguousarray(planes))


def _labels(dataset: datasets.VisionDataset) -> Tensor:
    return from_numpy(np.array(dataset.targets, np.int64))
