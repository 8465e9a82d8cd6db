"""Datasets in four IDX files: MNIST and those that took over its form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from penlight.datasets.checksums import CONTENT
from penlight.datasets.download import Progress
from penlight.datasets.errors import DataFileError
from penlight.datasets.files import DatasetFiles, FileCheck, Files, Part
from penlight.datasets.idx import IdxArray, read_idx, read_idx_shape

__all__ = ["IdxFiles"]

SUFFIXES = ("", ".gz", ".xz")


class IdxFiles(DatasetFiles):
    """``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, and ``t10k-...`` for the test set;
    as they are or compressed."""

    @property
    def expected(self) -> str:
        return ", ".join(CONTENT[self.name]) + " (plain, .gz or .xz)"

    def match(self, folder: Path) -> Files:
        candidates = {
            name: [path for suffix in SUFFIXES if (path := folder / (name + suffix)).is_file()]
            for name in CONTENT[self.name]
        }
        return {name: paths[0] for name, paths in candidates.items() if paths}

    def complete(self, files: Files) -> bool:
        return len(files) == len(CONTENT[self.name])

    def count(self, files: Files) -> tuple[int, int]:
        return self._count(files, train=True), self._count(files, train=False)

    def _count(self, files: Files, train: bool) -> int:
        images, labels = _names(train)
        with self._explained():
            counts = [read_idx_shape(files[name], self._item(name))[0] for name in (images, labels)]
        self._check_counts(files, train, *counts)
        self._read(files, labels)  # small, and enough to tell one dataset from another
        return counts[0]

    def read(self, files: Files, train: bool) -> Part:
        names = _, labels_name = _names(train)
        images, labels = (self._read(files, name) for name in names)
        self._check_counts(files, train, len(images.array), len(labels.array))
        sums = {
            files[name].name: idx.md5 for name, idx in zip(names, (images, labels), strict=True)
        }
        return Part(images.array, self.check_labels(files[labels_name], labels.array), sums)

    def check(self, files: Files) -> list[FileCheck]:
        checks = {name: self._check(name, path) for name, path in files.items()}
        for train in (True, False):
            names = _, labels_name = _names(train)
            images, labels = (checks.get(name) for name in names)
            if images is not None and labels is not None and images.ok and labels.ok:
                try:
                    self._check_counts(files, train, images.images, labels.images)
                except DataFileError as error:
                    checks[labels_name] = replace(labels, problem=str(error))
        return list(checks.values())

    def fetch(
        self, folder: Path, progress: Progress | None = None, patience: float = 10.0
    ) -> Files:
        mirrors = list(self.mirrors)
        found: dict[str, Path] = {}
        for name in CONTENT[self.name]:
            old = self.match(folder).get(name)
            if old is not None and self.keeps([self._check(name, old)]):
                found[name] = old
                continue
            found[name] = self._download(mirrors, name + ".gz", folder, progress, patience)
            if old is not None and old != found[name]:
                old.unlink()  # broken, and would be read first
        return found

    def _item(self, name: str) -> tuple[int, ...]:
        return self.image if "images" in name else ()

    def _full(self, name: str, count: int) -> bool:
        return count >= self.images[0 if name.startswith("train") else 1]

    def _read(self, files: Files, name: str) -> IdxArray:
        with self._explained():
            idx = read_idx(files[name], self._item(name))
        problem = self.not_published(name, idx.md5, self._full(name, len(idx.array)))
        if problem:
            raise self.wrong(f"{files[name]}: {problem}")
        return idx

    def _check(self, name: str, path: Path) -> FileCheck:
        size = path.stat().st_size
        try:
            idx = read_idx(path, self._item(name))
            if "labels" in name:
                self.check_labels(path, idx.array)
        except (DataFileError, OSError) as error:
            return FileCheck(path, size, None, None, False, str(error))
        count = len(idx.array)
        problem = self.not_published(name, idx.md5, self._full(name, count))
        published = idx.md5 == CONTENT[self.name][name]
        return FileCheck(path, size, count, idx.md5, published, problem and f"{path}: {problem}")

    def _check_counts(
        self, files: Files, train: bool, images: int | None, labels: int | None
    ) -> None:
        if images != labels:
            images_path, labels_path = (files[name] for name in _names(train))
            raise self.wrong(
                f"{labels_path}: expected {images} labels, one for each image in "
                f"{images_path.name}, found {labels}"
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DataFileError as error:
            raise self.wrong(str(error)) from error


def _names(train: bool) -> tuple[str, str]:
    part = "train" if train else "t10k"
    return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
