"""What ``penlight data list``, ``get`` and ``verify`` do; they print nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from penlight.datasets.catalog import CATALOG, dataset_files
from penlight.datasets.download import Progress
from penlight.datasets.errors import DataError, DataNotFoundError
from penlight.datasets.files import DatasetFiles, FileCheck
from penlight.datasets.sources import (
    Source,
    cache_folder,
    explicit_folder,
    find,
    find_files,
    find_sample,
    folder_of,
    not_found,
)

__all__ = ["Listing", "Verification", "get_dataset", "list_datasets", "verify_dataset"]


@dataclass(frozen=True)
class Listing:
    """One dataset, and whether it is on this machine."""

    name: str
    title: str
    licence: str
    images: tuple[int, int]  # training and test images in the published data
    download_size: int  # bytes
    source: Source | None  # where it was found; the sample if only that was
    problem: str | None  # what is wrong with what was found, or with the folder named


@dataclass(frozen=True)
class Verification:
    """Every file of a dataset, read and checked."""

    name: str
    path: Path  # the folder of the files, or the archive
    checks: list[FileCheck]

    @property
    def ok(self) -> bool:
        """Nothing is wrong (a part of the published data is all right)."""
        return all(check.ok for check in self.checks)

    @property
    def published(self) -> bool:
        """Each file is, byte for byte, the published one."""
        return all(check.published for check in self.checks)


def list_datasets(data_dir: str | os.PathLike[str] | None = None) -> list[Listing]:
    """All datasets that Penlight knows; nothing is downloaded."""
    return [_listing(dataset, data_dir) for dataset in CATALOG.values()]


def _listing(dataset: DatasetFiles, data_dir: str | os.PathLike[str] | None) -> Listing:
    source, problem = None, None
    try:
        source = find(dataset, data_dir) or find_sample(dataset)
    except (DataError, OSError) as error:
        problem = str(error)
    return Listing(
        dataset.name, dataset.title, dataset.licence, dataset.images, dataset.download_size,
        source, problem,
    )  # fmt: skip


def get_dataset(
    name: str, data_dir: str | os.PathLike[str] | None = None, progress: Progress | None = None
) -> Source:
    """Download what is missing or broken of a dataset; what is there and right is kept.

    Args:
        name: which.
        data_dir: where to. Default: ``PENLIGHT_DATA``; else the cache folder, unless the published
            data is somewhere else already.
        progress: called with the file's name, the bytes so far, and in all.

    Raises:
        UnknownDatasetError: if there is no such dataset.
        DownloadError: if no mirror gave a file.
        DataFileError: if whole files of other data are in the way.
        OSError: if the folder can't be written.
    """
    dataset = dataset_files(name)
    explicit = explicit_folder(data_dir)
    if explicit is None:
        found = find_files(dataset)
        if found is not None and all(check.published for check in dataset.check(found[1])):
            return Source(dataset, *found, *dataset.count(found[1]))
    folder = explicit[0] if explicit else cache_folder()
    files = dataset.fetch(_target(dataset, folder), progress)
    return Source(dataset, "folder" if explicit else "cache", files, *dataset.count(files))


def _target(dataset: DatasetFiles, folder: Path) -> Path:
    """Where the files lie already, or are to lie, under ``folder``."""
    matches = (dataset.match(folder / sub) for sub in dataset.folders)
    files = next((match for match in matches if match), None)
    return next(iter(files.values())).parent if files else folder / dataset.name


def verify_dataset(name: str, data_dir: str | os.PathLike[str] | None = None) -> Verification:
    """Read every file of the dataset that would be used, and check sizes, counts and checksums.

    Raises:
        UnknownDatasetError: if there is no such dataset.
        DataNotFoundError: if it is nowhere to be found.
    """
    dataset = dataset_files(name)
    found = find_files(dataset, data_dir)
    if found is not None:
        files = found[1]
    elif dataset.sample is not None:
        files = dataset.match(dataset.sample)
    else:
        raise DataNotFoundError(not_found(dataset))
    return Verification(dataset.name, folder_of(files), dataset.check(files))
