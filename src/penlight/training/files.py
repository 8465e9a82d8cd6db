"""Files that survive a crash: whole files replaced atomically, and append-only JSON lines."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

__all__ = ["JsonLines", "atomic_write", "read_json", "write_json"]


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open ``path`` for writing so that a reader sees the old file or the whole new one.

    The bytes go to a temporary file in the same folder, are forced to disk, and only then take
    the name. Should anything fail on the way, the temporary file is removed and the old one stays.

    Args:
        path: The file to replace; its folder must exist.

    Yields:
        A binary file to write to.

    Raises:
        OSError: When the folder is missing or unwritable, or the disk is full; same errno as
            the system's, the message names the file.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        _remove(temporary)
        raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}") from error
    except BaseException:
        _remove(temporary)
        raise


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _sync_folder(folder: Path) -> None:
    """Force the new name to disk; without this a power cut could bring the old file back."""
    if os.name != "posix":  # Windows cannot open folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _finite(value: Any) -> Any:
    """``value`` with NaN and infinities replaced by None: JSON has no word for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON, atomically; NaN and infinities become null."""
    text = json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_write(path) as file:
        file.write(text.encode() + b"\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: When the file is no JSON; the message names the file and the place.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: expected a JSON file, but {error}") from error


class JsonLines:
    """An append-only file with one JSON object a line (https://jsonlines.org).

    Each line reaches the operating system before ``append`` returns, so a killed process loses at
    most the line it was writing. Such a torn last line is skipped by ``read`` and cut off before
    the next ``append``.

    Args:
        path: The file; it is created by the first ``append``.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self._file: IO[bytes] | None = None

    def append(self, record: dict[str, Any]) -> None:
        """Add one line."""
        line = json.dumps(_finite(record), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        try:
            if self._open().write(line) != len(line):  # an unbuffered write stops at a full disk
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self.close()  # the next append starts by cutting off what was written of this line
            raise OSError(error.errno, f"cannot write {self.path}: {error.strerror}") from error

    def read(self) -> list[dict[str, Any]]:
        """All whole lines, in order; an empty list when the file is missing.

        Raises:
            ValueError: When a line other than the last is broken; names the file and the line.
        """
        if not self.path.exists():
            return []
        *lines, _torn = self.path.read_bytes().split(b"\n")
        records = []
        for number, line in enumerate(lines, start=1):
            try:
                records.append(json.loads(line))
            except ValueError as error:
                raise ValueError(
                    f"{self.path}, line {number}: expected a JSON object, received {line[:40]!r}"
                ) from error
        return records

    def sync(self) -> int:
        """Force everything to disk; return the length in bytes, to ``rewind`` to later."""
        file = self._open()
        os.fsync(file.fileno())
        return file.seek(0, os.SEEK_END)

    def rewind(self, size: int) -> None:
        """Forget all that was appended after the file had ``size`` bytes.

        Raises:
            ValueError: When the file is shorter than ``size``: lines have been lost.
        """
        file = self._open()
        length = file.seek(0, os.SEEK_END)
        if length < size:
            raise ValueError(
                f"{self.path}: expected at least {size} bytes, found {length}; "
                "the file was shortened after the checkpoint was written"
            )
        file.truncate(size)

    def close(self) -> None:
        """Close the file; a later ``append`` opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> IO[bytes]:
        if self._file is None:
            # Unbuffered append: one line is one write call, always at the end.
            self._file = open(self.path, "ab+", buffering=0)  # noqa: SIM115 -- held open
            self._file.seek(0)
            content = self._file.read()
            self._file.truncate(content.rfind(b"\n") + 1)
        return self._file
