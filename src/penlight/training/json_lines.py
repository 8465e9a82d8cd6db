"""Append-only files of JSON lines, for what must survive a killed process."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import IO, Any

from penlight._core.files import finite
from penlight.training.errors import RunError

__all__ = ["JsonLines"]


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
        line = json.dumps(finite(record), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        try:
            if self._open().write(line) != len(line):  # an unbuffered write stops at a full disk
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self.close()  # the next append starts by cutting off what was written of this line
            raise OSError(error.errno, f"cannot write {self.path}: {error.strerror}") from error

    def read(self) -> list[dict[str, Any]]:
        """All whole lines, in order; an empty list when the file is missing.

        Raises:
            RunError: When a line other than the last is broken; names the file and the line.
        """
        if not self.path.exists():
            return []
        *lines, _torn = self.path.read_bytes().split(b"\n")
        records = []
        for number, line in enumerate(lines, start=1):
            try:
                records.append(json.loads(line))
            except ValueError as error:
                raise RunError(
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
            RunError: When the file is shorter than ``size``: lines have been lost.
        """
        length = self.path.stat().st_size if self.path.exists() else 0
        if length < size:
            raise RunError(
                f"{self.path}: expected at least {size} bytes, found {length}; "
                "the file was shortened after the checkpoint was written"
            )
        self._open().truncate(size)

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
