"""What is known of a dataset's files, apart from their format: names, folders, mirrors, checksums."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from penlight.datasets.checksums import CONTENT, DOWNLOAD, owner_of
from penlight.datasets.download import Progress, download
from penlight.datasets.errors import DataFileError

__all__ = ["DatasetFiles", "FileCheck", "Files", "Part"]

Files = Mapping[str, Path]
"""Where each file of a dataset lies, by its published name."""


class Part(NamedTuple):
    """The training or the test set, read and checked."""

    images: np.ndarray  # uint8, (N, *image)
    labels: np.ndarray  # int64, (N,)
    checksums: dict[str, str]  # MD5 of the decompressed files, by name


@dataclass(frozen=True)
class FileCheck:
    """What was found out about one file."""

    path: Path
    size: int  # bytes on disk
    images: int | None  # how many images or labels it holds
    md5: str | None  # of the decompressed content
    published: bool  # whether that is the published file's
    problem: str | None  # what is wrong with it; None if nothing is

    @property
    def ok(self) -> bool:
        return self.problem is None


@dataclass(frozen=True, kw_only=True, repr=False)
class DatasetFiles(abc.ABC):
    """One dataset: facts, and what can be done with its files.

    Args:
        name: what it is called on the command line.
        title: what it is called in sentences.
        classes: the names of the classes, in the order of the labels.
        mean, std: of each channel of the training images, as fractions of 255.
        image: the shape of an image.
        images: how many images the published training and test sets have.
        licence: the terms, and whose they are.
        download_size: bytes to fetch.
        mirrors: URLs of folders that hold the files.
        folders: where, under a folder given or searched, the files may lie; in that order.
        sample: the folder of the part that comes with the package, if one does.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    image: tuple[int, ...]
    images: tuple[int, int]
    licence: str
    download_size: int
    mirrors: tuple[str, ...]
    folders: tuple[str, ...]
    sample: Path | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.title}>"

    @abc.abstractmethod
    def match(self, folder: Path) -> Files:
        """Those files that lie in this very folder (or the one that an archive unpacks to)."""

    @abc.abstractmethod
    def complete(self, files: Files) -> bool:
        """Whether these are all that it takes."""

    @property
    @abc.abstractmethod
    def expected(self) -> str:
        """The names of the files, for people."""

    @abc.abstractmethod
    def count(self, files: Files) -> tuple[int, int]:
        """How many training and test images there are, from the headers.

        Raises:
            DataFileError: if a header is broken, two disagree, or this is another dataset.
        """

    @abc.abstractmethod
    def read(self, files: Files, train: bool) -> Part:
        """Read and check one half of the data.

        Raises:
            DataFileError: if a file is truncated, corrupt, or not what was published (as many
                images, but other ones).
        """

    @abc.abstractmethod
    def check(self, files: Files) -> list[FileCheck]:
        """Read everything, and report on each file rather than raise."""

    @abc.abstractmethod
    def fetch(
        self, folder: Path, progress: Progress | None = None, patience: float = 10.0
    ) -> Files:
        """Download what ``folder`` lacks, or has broken.

        Raises:
            DownloadError: if no mirror gave a file.
            DataFileError: if whole files of other data are in the way.
            OSError: if the folder can't be written.
        """

    def find(self, folder: Path) -> Files | None:
        """The files under ``folder``, in the first of :attr:`folders` that has all of them."""
        for sub in self.folders:
            files = self.match(folder / sub)
            if self.complete(files):
                return files
        return None

    def missing(self, folder: Path) -> str:
        """Why :meth:`find` found nothing there: a sentence for an error."""
        if not folder.is_dir():
            return f"expected a folder with {self.title}, found none at {folder}"
        subfolders = ", ".join(f"{sub}/" for sub in self.folders if sub != ".")
        found = [path.name for sub in self.folders for path in self.match(folder / sub).values()]
        rest = f"found only {', '.join(found)}" if found else "found none of them"
        return f"expected {self.expected} in {folder} or its {subfolders}; {rest}"

    def keeps(self, checks: Sequence[FileCheck]) -> bool:
        """Whether a download leaves these files as they are: the published ones; not broken ones.

        Raises:
            DataFileError: if they are whole, but not the published ones: they are the user's.
        """
        if all(check.published for check in checks):
            return True
        if all(check.ok for check in checks):
            raise DataFileError(
                f"{checks[0].path}: expected no file, or that of {self.title}, found other data of the "
                "same form; it is left as it is. Download to another folder, or move it away"
            )
        return False

    def wrong(self, message: str) -> DataFileError:
        """An error with what to do about it."""
        return DataFileError(
            f"{message}; delete the file, then run 'penlight data get {self.name}' or pass "
            "download=True"
        )

    def not_published(self, name: str, md5: str, full: bool) -> str | None:
        """What is wrong with content that has this checksum; ``None`` if nothing is.

        Fewer images than were published are a part of them, which no checksum is known of.
        """
        expected = CONTENT[self.name][name]
        if md5 == expected:
            return None
        owner = owner_of(md5)
        if owner is not None and owner != self.name:
            return f"expected {self.title}, found a file of {owner}"
        if full:
            return f"expected the published file (MD5 {expected}), found other content (MD5 {md5})"
        return None

    def check_labels(self, path: Any, labels: Sequence[int] | np.ndarray) -> np.ndarray:
        """Labels as int64, all of which name a class."""
        array = np.asarray(labels, np.int64)
        bad = np.flatnonzero((array < 0) | (array >= len(self.classes)))
        if len(bad):
            raise self.wrong(
                f"{path}: expected labels from 0 to {len(self.classes) - 1}, found "
                f"{array[bad[0]]} at position {bad[0]}"
            )
        return array

    def _download(
        self,
        mirrors: list[str],
        name: str,
        folder: Path,
        progress: Progress | None,
        patience: float,
    ) -> Path:
        """One file; the mirror that gave it is asked first for the next one."""
        path = folder / name
        urls = [mirror + name for mirror in mirrors]
        url = download(urls, path, DOWNLOAD[self.name][name], progress, patience)
        if url:
            mirrors.sort(key=lambda mirror: mirror + name != url)
        return path
