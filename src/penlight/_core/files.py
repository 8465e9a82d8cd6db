"""Files replaced whole or not at all: whatever happens while writing, the old or the new one stands."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["atomic_write", "finite", "read_json", "write_json"]


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open ``path`` for writing so that a reader sees the old file or the whole new one.

    The bytes go to a temporary file in the same folder and are forced to disk; only then do they
    take the name. Should anything fail on the way, the temporary file is removed and the old one
    stays. A symbolic link is followed, and stays a link.

    Args:
        path: the file to make or replace; its folder must exist.

    Yields:
        A binary file, open for writing.

    Raises:
        OSError: where the folder is missing or can't be written, or the disk is full: the subclass
            and ``errno`` are the system's, the message names the file.
    """
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename in (None, temporary):
            raise _explain(error, os.fspath(path), target) from error
        raise
    _sync_folder(folder)


def _explain(error: OSError, path: str, target: str) -> OSError:
    """The system's error, about the file the user named instead of the temporary one."""
    old = "; the file that was there is unchanged" if os.path.exists(target) else ""
    return OSError(error.errno, f"cannot write {path}: {error.strerror or error}{old}")


def _sync_folder(folder: str) -> None:
    """Force the new name to disk; without this a power cut could bring the old file back."""
    if os.name != "posix":  # Windows can't open folders
        return
    with contextlib.suppress(OSError):  # some network file systems can't sync folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def finite(value: Any) -> Any:
    """``value`` with NaN and infinities replaced by None: JSON has no word for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON, atomically; NaN and infinities become null."""
    text = json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_write(path) as file:
        file.write(text.encode() + b"\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: if the file is no JSON; the message names the file and the place.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: expected a JSON file, but {error}") from error
