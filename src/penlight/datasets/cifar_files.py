"""CIFAR-10 in its "python version": an archive of pickled batches, or the folder it unpacks to."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from penlight._core.files import atomic_write
from penlight.datasets.checksums import CONTENT
from penlight.datasets.cifar_pickles import Pickled, unpickle
from penlight.datasets.download import Progress
from penlight.datasets.errors import DataFileError
from penlight.datasets.files import DatasetFiles, FileCheck, Files, Part

__all__ = ["CifarFiles"]

ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVES = (ARCHIVE, "cifar-10-subset-python.tar.gz")
FOLDER = "cifar-10-batches-py"
META = "batches.meta"
TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
TEST = ("test_batch",)
BLOCK = 1 << 20
PUBLISHED_CASES = 10_000  # in each batch
BROKEN_ARCHIVE = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error)


class CifarFiles(DatasetFiles):
    """``data_batch_1`` to ``5``, ``test_batch`` and ``batches.meta``: in a folder, or in an archive
    that is read without being unpacked. A batch may have any number of images."""

    @property
    def expected(self) -> str:
        return f"{', '.join(CONTENT[self.name])}, or {' or '.join(ARCHIVES)}"

    def match(self, folder: Path) -> Files:
        batches = [self._batches(place) for place in (folder / FOLDER, folder)]
        whole = next((files for files in batches if self.complete(files)), None)
        if whole is not None:
            return whole
        archives = [path for name in ARCHIVES if (path := folder / name).is_file()]
        return {"archive": archives[0]} if archives else max(batches, key=len)

    def _batches(self, folder: Path) -> Files:
        return {name: path for name in CONTENT[self.name] if (path := folder / name).is_file()}

    def complete(self, files: Files) -> bool:
        return "archive" in files or len(files) == len(CONTENT[self.name])

    def count(self, files: Files) -> tuple[int, int]:
        cases = self._cases(files, self._contents(files, (META,), whole=False))
        return len(TRAIN) * cases, len(TEST) * cases

    def read(self, files: Files, train: bool) -> Part:
        names = TRAIN if train else TEST
        contents = self._contents(files, (META, *names))
        cases = self._cases(files, contents)
        batches = [self._batch(_where(files, name), name, contents[name], cases) for name in names]
        planes = np.concatenate([data for data, _ in batches])  # (N, 3 * 32 * 32)
        images = planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # (N, 32, 32, 3)
        sums = {name: _md5(contents[name]) for name in names}
        return Part(images, np.concatenate([labels for _, labels in batches]), sums)

    def check(self, files: Files) -> list[FileCheck]:
        try:
            contents = self._contents(files, tuple(CONTENT[self.name]))
            cases = self._cases(files, contents)
        except (DataFileError, OSError) as error:
            path = next(iter(files.values()))
            return [FileCheck(path, path.stat().st_size, None, None, False, str(error))]
        return [self._check(files, name, contents[name], cases) for name in (META, *TRAIN, *TEST)]

    def fetch(
        self, folder: Path, progress: Progress | None = None, patience: float = 10.0
    ) -> Files:
        unpacked = folder if folder.name == FOLDER else folder / FOLDER
        old = self._batches(unpacked)
        if self.complete(old) and self.keeps(self.check(old)):
            return old
        archive = folder / ARCHIVE
        there = archive.is_file() and self.keeps(self.check({"archive": archive}))
        if not there:
            self._download(list(self.mirrors), ARCHIVE, folder, progress, patience)
        contents = self._contents({"archive": archive}, tuple(CONTENT[self.name]))
        unpacked.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            with atomic_write(unpacked / name) as file:
                file.write(content)
        if not there:
            archive.unlink()
        return self._batches(unpacked)

    def _contents(
        self, files: Files, names: tuple[str, ...], whole: bool = True
    ) -> dict[str, bytes]:
        """The bytes of some of the batches; of an archive, ``whole`` reads on to its checksum."""
        if "archive" not in files:
            return {name: files[name].read_bytes() for name in names}
        path = files["archive"]
        try:
            contents = dict(_members(path, names, whole))
        except BROKEN_ARCHIVE as error:
            raise self.wrong(f"{path}: expected a .tar.gz, found a broken one ({error})") from error
        absent = [name for name in names if name not in contents]
        if absent:
            raise self.wrong(f"{path}: expected {', '.join(absent)} in it, found no such file")
        return contents

    def _cases(self, files: Files, contents: Mapping[str, bytes]) -> int:
        """How many images each batch has; the names of the classes must be those we know."""
        where = _where(files, META)
        meta = self._unpickle(where, contents[META])
        cases, names = meta.get("num_cases_per_batch"), meta.get("label_names")
        if not isinstance(cases, int) or cases < 0:
            raise self.wrong(f"{where}: expected num_cases_per_batch, a number, found {cases!r}")
        if not isinstance(names, list) or tuple(names) != self.classes:
            raise self.wrong(f"{where}: expected label_names {list(self.classes)}, found {names!r}")
        return cases

    def _unpickle(self, where: str, content: bytes) -> Pickled:
        try:
            return unpickle(content, where)
        except DataFileError as error:
            raise self.wrong(str(error)) from error

    def _batch(
        self, where: str, name: str, content: bytes, cases: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The bytes (N, 3072) and the labels (N,) of one batch."""
        batch = self._unpickle(where, content)
        data, labels = batch.get("data"), batch.get("labels")
        found = data.shape if isinstance(data, np.ndarray) else type(data).__name__
        if found != (cases, 3072):
            raise self.wrong(
                f"{where}: expected {cases} images of 3x32x32, as {META} says, found data of "
                f"{f'shape {found}' if isinstance(found, tuple) else found}"
            )
        if not isinstance(labels, list) or not all(type(label) is int for label in labels):
            raise self.wrong(f"{where}: expected a list of labels, found {type(labels).__name__}")
        if len(labels) != cases:
            raise self.wrong(
                f"{where}: expected {cases} labels, one for each image, found {len(labels)}"
            )
        problem = self.not_published(name, _md5(content), cases >= PUBLISHED_CASES)
        if problem:
            raise self.wrong(f"{where}: {problem}")
        assert isinstance(data, np.ndarray)
        return data, self.check_labels(where, labels)

    def _check(self, files: Files, name: str, content: bytes, cases: int) -> FileCheck:
        where = _where(files, name)
        problem, images = None, None
        try:
            if name != META:
                images = len(self._batch(where, name, content, cases)[0])
        except DataFileError as error:
            problem = str(error)
        md5 = _md5(content)
        published = md5 == CONTENT[self.name][name]
        return FileCheck(Path(where), len(content), images, md5, published, problem)


def _where(files: Files, name: str) -> str:
    """The file, also if it is one in an archive."""
    return str(files["archive"] / name if "archive" in files else files[name])


def _members(path: Path, names: tuple[str, ...], whole: bool) -> Iterator[tuple[str, bytes]]:
    """Files of these names in an archive, in whichever folder of it; nothing is written to disk."""
    wanted = set(names)
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            name = PurePosixPath(member.name).name
            if name in wanted and member.isfile() and not member.issparse():
                file = archive.extractfile(member)
                assert file is not None
                with file:
                    yield name, file.read()
                wanted.remove(name)
                if not wanted:
                    break
        while whole and archive.fileobj is not None and archive.fileobj.read(BLOCK):
            pass


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
