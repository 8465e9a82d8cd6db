"""Labelled images in memory: the base of MNIST, FashionMNIST and CIFAR10.

The classes have torchvision's arguments, attributes and folders. What differs: a sample's image is a
uint8 ndarray, (H, W) or (H, W, C), where torchvision gives a PIL image (Pillow is not needed);
``download=True`` fetches nothing that is on this machine already; and a batch is made at once.

**Batches.** A transform that has a method ``batch(images)``, as those of :mod:`penlight.transforms`
have, is given the images of a whole batch, a uint8 ndarray (N, H, W) or (N, H, W, C). What it returns,
a tensor or an ndarray, is indexed by sample, and sample ``i`` is what the transform would have made of
image ``i``. Any other transform is called for each image.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from penlight.datasets.download import print_progress
from penlight.datasets.errors import DataError, DataNotFoundError
from penlight.datasets.files import DatasetFiles, Files
from penlight.datasets.sources import Source, find
from penlight.tensor import Tensor
from penlight.tensor.creation import from_numpy
from penlight.utils.data.dataset import Batch, Dataset, TensorDataset

__all__ = ["VisionDataset", "as_tensors"]

CHUNK = 1024  # images, in as_tensors: their indices stay in the cache


class VisionDataset(Dataset[tuple[Any, Any]]):
    """Images and their classes; sample ``i`` is ``(transform(image), target_transform(class))``.

    Args:
        root: the folder that the data is in, or is downloaded to.
        train: the training set, or the test set.
        transform: applied to each image, a uint8 ndarray (H, W) or (H, W, C).
        target_transform: applied to each class, an int.
        download: get the data if ``root`` does not have it. If it is elsewhere on this machine (see
            :mod:`penlight.datasets.sources`) it is read from there.

    Attributes:
        data: the images.
        targets: their classes.
        classes: the names of the classes.
        class_to_idx: the number of each.
        source: where the data came from.
        checksums: MD5 sums of the (decompressed) files that were read, by name.

    Raises:
        DataNotFoundError: (a RuntimeError) if ``root`` does not have the data.
        DataFileError: if it has, but a file is truncated, corrupt or another dataset's.
        DownloadError: if it has not, and no mirror gave it.
    """

    files: ClassVar[DatasetFiles]
    folder: ClassVar[str]  # under root, for downloads
    classes: ClassVar[list[str]]
    data: Any
    targets: Any

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        source = self._under(Path(root).expanduser(), download)
        self._load(source, train, transform, target_transform)
        self.root = os.path.expanduser(root)

    @classmethod
    def from_source(
        cls,
        source: Source,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> Self:
        """The dataset from files that :func:`locate` found."""
        if source.dataset.name != cls.files.name:
            raise ValueError(
                f"{cls.__name__}: source must be of {cls.files.name}, got {source.dataset.name}"
            )
        self = cls.__new__(cls)
        self._load(source, train, transform, target_transform)
        self.root = str(source.path)
        return self

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        image = _rows(self.data, index).copy()  # a transform may work in place
        target = int(self.targets[index])
        return (
            image if self.transform is None else self.transform(image),
            target if self.target_transform is None else self.target_transform(target),
        )

    def __getitems__(self, indices: Sequence[int]) -> Sequence[tuple[Any, Any]]:
        """All samples of a batch; by one indexing call if the transform takes batches."""
        whole = getattr(self.transform, "batch", None)
        if self.target_transform is not None or not (self.transform is None or callable(whole)):
            return [self[i] for i in indices]
        images = _rows(self.data, np.asarray(indices, np.intp))
        made = images if whole is None else whole(images)
        raw = isinstance(made, np.ndarray)
        targets = np.array([self.targets[i] for i in indices], np.int64)
        return _Samples([from_numpy(made) if raw else made, from_numpy(targets)], raw)

    def __repr__(self) -> str:
        lines = [
            f"Number of datapoints: {len(self)}",
            f"Root location: {self.root}",
            *self.extra_repr().splitlines(),
        ]
        transforms = [
            _described(head, transform)
            for head, transform in (
                ("Transform: ", self.transform),
                ("Target transform: ", self.target_transform),
            )
            if transform is not None
        ]
        if transforms:
            lines.append("\n".join(["StandardTransform", *transforms]))
        return "\n    ".join([f"Dataset {type(self).__name__}", *lines])

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"

    def _under(self, root: Path, download: bool) -> Source:
        """The source for a root; in torchvision's folder if it is downloaded."""
        files = self.files.find(root)
        if files is not None and not (download and self._broken(files)):
            return self._source(files)
        if not download:
            raise DataNotFoundError(
                f"{type(self).__name__}: Dataset not found. You can use download=True to download it "
                f"({self.files.missing(root)})"
            )
        with contextlib.suppress(DataError):
            elsewhere = find(self.files)
            if elsewhere is not None and elsewhere.full:
                return elsewhere
        return self._source(self.files.fetch(root / self.folder, print_progress))

    def _source(self, files: Files) -> Source:
        return Source(self.files, "folder", files, *self.files.count(files))

    def _broken(self, files: Files) -> bool:
        return any(not check.ok for check in self.files.check(files))

    def _load(
        self,
        source: Source,
        train: bool,
        transform: Callable[[Any], Any] | None,
        target_transform: Callable[[Any], Any] | None,
    ) -> None:
        self.source = source
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        part = self.files.read(source.files, train)
        self.checksums = part.checksums
        self.data, self.targets = self._in_memory(part.images, part.labels)

    @staticmethod
    def _in_memory(images: np.ndarray, labels: np.ndarray) -> tuple[Any, Any]:
        """``data`` and ``targets`` in torchvision's types."""
        return images, labels.tolist()


class _Samples(Batch):
    """A batch whose samples are as the dataset gives them one by one: the class is an int, and an
    image that no transform made a tensor is an ndarray."""

    __slots__ = ("raw",)

    def __init__(self, columns: Iterable[Any], raw: bool) -> None:
        super().__init__(columns)
        self.raw = raw

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return _Samples((column[index] for column in self.columns), self.raw)
        image, target = super().__getitem__(index)
        return image.numpy() if self.raw else image, int(target)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


def _rows(values: Any, index: Any) -> np.ndarray:
    """Some of the images; by NumPy's indexing, which copies where ``index`` is an array."""
    return (values.numpy() if isinstance(values, Tensor) else np.asarray(values))[index]


def _described(head: str, transform: Any) -> str:
    return head + repr(transform).replace("\n", "\n" + " " * len(head))


def as_tensors(
    dataset: VisionDataset,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
) -> TensorDataset:
    """The whole dataset as tensors, x = (byte / 255 - mean) / std: nothing is left to do per batch.

    A byte has 256 values, so the normalisation is a table of 256 numbers for each channel.

    Args:
        dataset: images, without transforms.
        mean, std: per channel, or one for all. Default: those of the published training images;
            ``mean=0, std=1`` gives values from 0 to 1.

    Returns:
        Images, float32 (N, C, H, W), and classes, int64 (N,).

    Raises:
        ValueError: if the dataset has transforms, or ``mean`` and ``std`` don't fit its channels.
    """
    if dataset.transform is not None or dataset.target_transform is not None:
        raise ValueError(
            f"as_tensors: dataset must have no transform (it would not be applied), got {dataset!r}"
        )
    images = _rows(dataset.data, slice(None))
    planes = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)  # (N, C, H, W)
    channels = planes.shape[1]
    mu = _per_channel("mean", dataset.files.mean if mean is None else mean, channels)
    sigma = _per_channel("std", dataset.files.std if std is None else std, channels)
    if not np.all(sigma > 0):
        raise ValueError(f"as_tensors: std must be above 0, got {std}")
    byte = np.arange(256, dtype=np.float32) / np.float32(255)
    table = (byte - mu[:, None]) / sigma[:, None]  # (C, 256)
    x = np.empty(planes.shape, np.float32)
    for start in range(0, len(planes), CHUNK):
        rows = slice(start, start + CHUNK)
        for c in range(channels):
            x[rows, c] = table[c][planes[rows, c]]
    targets = np.array(dataset.targets, np.int64)
    return TensorDataset(from_numpy(x), from_numpy(targets))


def _per_channel(name: str, values: float | Sequence[float], channels: int) -> np.ndarray:
    array = np.atleast_1d(np.asarray(values, np.float32))
    if array.shape not in ((1,), (channels,)):
        raise ValueError(f"as_tensors: {name} must have 1 or {channels} values, got {values}")
    return np.broadcast_to(array, (channels,))
