"""Where a dataset comes from: the first place that has it.

An explicit folder, or that named by ``PENLIGHT_DATA``; the cache folder; the system's folders of
datasets; ``../shared/data`` beside a checkout; a download into the cache; the sample in the package.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from penlight.datasets.catalog import dataset_files
from penlight.datasets.download import Progress
from penlight.datasets.errors import DataNotFoundError, DownloadError
from penlight.datasets.files import DatasetFiles, FileCheck, Files

__all__ = [
    "Source", "cache_folder", "explicit_folder", "find", "find_files", "find_sample",
    "folder_of", "locate", "not_found", "places",
    "sample_folder",
]  # fmt: skip

SYSTEM_FOLDERS = (Path("/usr/share/datasets"), Path("/usr/local/share/datasets"))  # Debian's
ROOT = Path(__file__).resolve().parents[3]  # of the repository, when running from a checkout
PATIENCE = 2.0  # seconds for each mirror, when a download is only one of the places to look


@dataclass(frozen=True)
class Source:
    """The files of a dataset, found.

    Args:
        dataset: which.
        kind: ``"folder"``, ``"cache"``, ``"system"``, ``"checkout"``, ``"download"`` or ``"sample"``.
        files: where each lies.
        train, test: how many images there are.
        note: what the user should know of how it was found; empty if nothing.
    """

    dataset: DatasetFiles
    kind: str
    files: Files
    train: int
    test: int
    note: str = ""

    @property
    def path(self) -> Path:
        """The folder of the files, or the archive."""
        return folder_of(self.files)

    @property
    def full(self) -> bool:
        """Whether these are as many images as were published."""
        return (self.train, self.test) == self.dataset.images

    def check(self) -> list[FileCheck]:
        """Read all the files: sizes, numbers of images, checksums, and what is wrong."""
        return self.dataset.check(self.files)

    def checksums(self) -> dict[str, str | None]:
        """The MD5 sums of all (decompressed) files, by name. Reads them; a dataset that was loaded
        has those of its own files."""
        return {check.path.name: check.md5 for check in self.check()}

    def __str__(self) -> str:
        where = "the sample in the package" if self.kind == "sample" else str(self.path)
        note = f" ({self.note})" if self.note else ""
        return f"{self.dataset.title}: {self.train:,} + {self.test:,} images from {where}{note}"


def locate(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    sample: bool = True,
    progress: Progress | None = None,
) -> Source:
    """Find a dataset, in the order that this module's docstring gives.

    Args:
        name: ``"mnist"``, ``"fashion-mnist"`` or ``"cifar10"``.
        data_dir: a folder that has it: then nowhere else is looked. Default: ``PENLIGHT_DATA``, if
            that is set.
        download: whether to fetch what no folder has. Without a network that takes seconds.
        sample: whether the sample in the package will do if all else fails.
        progress: called during a download with the file's name, the bytes so far, and in all.

    Raises:
        UnknownDatasetError: if there is no such dataset.
        DataNotFoundError: if the explicit folder, or no place at all, has it.
        DataFileError: if files were found that are broken.
    """
    dataset = dataset_files(name)
    source = find(dataset, data_dir)
    if source is not None:
        return source
    note = f"'penlight data get {dataset.name}' fetches all {sum(dataset.images):,}"
    failure = ""
    if download:
        try:
            return _fetched(dataset, progress)
        except (DownloadError, OSError) as error:
            failure = f"\nThe download failed: {error}"
            note = f"no folder has the full data, and the download failed; {note}"
    fallback = find_sample(dataset, note) if sample else None
    if fallback is None:
        raise DataNotFoundError(not_found(dataset) + failure)
    return fallback


def find(dataset: DatasetFiles, data_dir: str | os.PathLike[str] | None = None) -> Source | None:
    """The dataset in the explicit folder, if there is one; else in the first place that has it.

    Raises:
        DataNotFoundError: if the explicit folder does not have it.
        DataFileError: if files were found that are broken.
    """
    found = find_files(dataset, data_dir)
    return None if found is None else Source(dataset, *found, *dataset.count(found[1]))


def find_files(
    dataset: DatasetFiles, data_dir: str | os.PathLike[str] | None = None
) -> tuple[str, Files] | None:
    """As :func:`find`, but only which kind of place it is and where the files are: none is read."""
    explicit = explicit_folder(data_dir)
    if explicit is not None:
        folder, origin = explicit
        files = dataset.find(folder)
        if files is None:
            raise DataNotFoundError(f"{origin}: {dataset.missing(folder)}")
        return "folder", files
    found = ((kind, dataset.find(folder)) for kind, folder in places())
    return next(((kind, files) for kind, files in found if files is not None), None)


def find_sample(dataset: DatasetFiles, note: str = "") -> Source | None:
    """The part of the dataset that comes with the package, if one does."""
    if dataset.sample is None:
        return None
    files = dataset.match(dataset.sample)
    return Source(dataset, "sample", files, *dataset.count(files), note)


def sample_folder() -> Path:
    """The folder of the part of Fashion-MNIST that comes with the package; it does for a ``data_dir``."""
    return Path(__file__).parent / "sample"


def explicit_folder(data_dir: str | os.PathLike[str] | None) -> tuple[Path, str] | None:
    """The folder that the user named, and how; ``None`` if none was named."""
    if data_dir is not None:
        return Path(data_dir).expanduser(), "data_dir"
    if os.environ.get("PENLIGHT_DATA"):
        return Path(os.environ["PENLIGHT_DATA"]).expanduser(), "PENLIGHT_DATA"
    return None


def cache_folder() -> Path:
    """Where downloads go: ``PENLIGHT_CACHE``, or the system's place for such files.

    That is ``penlight`` in ``XDG_CACHE_HOME``; else in ``~/.cache``, ``~/Library/Caches`` (macOS) or
    ``%LOCALAPPDATA%`` (Windows).
    """
    if os.environ.get("PENLIGHT_CACHE"):
        return Path(os.environ["PENLIGHT_CACHE"]).expanduser()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):  # the specification: ignore relative ones
        return Path(xdg) / "penlight"
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local") / "penlight"
    if sys.platform == "darwin":
        return home / "Library/Caches/penlight"
    return home / ".cache/penlight"


def places() -> Iterator[tuple[str, Path]]:
    """The folders that are searched when none was named."""
    yield "cache", cache_folder()
    for folder in SYSTEM_FOLDERS:
        yield "system", folder
    if (ROOT / "pyproject.toml").is_file() and (ROOT / "src" / "penlight").is_dir():
        yield "checkout", ROOT.parent / "shared" / "data"


def folder_of(files: Files) -> Path:
    """Where a dataset's files lie; or the archive that they are in."""
    first = next(iter(files.values()))
    return first if "archive" in files else first.parent


def not_found(dataset: DatasetFiles) -> str:
    """The error when no place has it."""
    looked = ", ".join(str(folder) for _, folder in places())
    return (
        f"{dataset.title} not found in {looked}; run 'penlight data get {dataset.name}', or name "
        "the folder that has it (--data-dir, data_dir=, or PENLIGHT_DATA)"
    )


def _fetched(dataset: DatasetFiles, progress: Progress | None) -> Source:
    files = dataset.fetch(cache_folder() / dataset.name, progress, PATIENCE)
    return Source(dataset, "download", files, *dataset.count(files))
