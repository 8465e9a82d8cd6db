"""The IDX format of MNIST: a header, then the bytes of one array.

Two zero bytes, the type of the elements (0x08: unsigned bytes), the number of dimensions; the sizes
as big-endian 32-bit integers; the elements, last index fastest.

Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits", 1998.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

import numpy as np

from penlight.datasets.errors import DataFileError

__all__ = ["IdxArray", "idx_bytes", "read_idx", "read_idx_shape"]

UNSIGNED_BYTE = 0x08
BLOCK = 1 << 20


@dataclass(frozen=True)
class IdxArray:
    """The array of an IDX file, and the MD5 sum of the file's (decompressed) content."""

    array: np.ndarray
    md5: str


def idx_bytes(array: np.ndarray) -> bytes:
    """The content of an IDX file that holds ``array`` (uint8)."""
    assert array.dtype == np.uint8
    header = bytes([0, 0, UNSIGNED_BYTE, array.ndim])
    return header + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def read_idx_shape(path: str | os.PathLike[str], item: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that the header says; for arguments and errors see :func:`read_idx`."""
    with _open(path) as file:
        _, shape = _read_header(path, file, item)
        return shape


def read_idx(path: str | os.PathLike[str], item: tuple[int, ...]) -> IdxArray:
    """Read a whole IDX file of unsigned bytes: plain, gzip or xz, whatever its name says.

    Args:
        path: the file.
        item: the shape of one element along the first dimension: ``(28, 28)`` for images, ``()`` for
            labels.

    Returns:
        An array of shape ``(N, *item)``, writable, and the checksum.

    Raises:
        DataFileError: if the file is no such array, or not exactly as long as its header says.
        OSError: if it can't be read.
    """
    with _open(path) as file:
        content, shape = _read_header(path, file, item)
        size = len(content) + math.prod(shape)
        try:
            while len(content) <= size and (block := file.read(BLOCK)):
                content += block
        except _stream_errors() as error:
            raise _wrong_size(path, shape, size, content, f" ({error})") from error
    if len(content) != size:
        raise _wrong_size(path, shape, size, content)
    array = np.frombuffer(content, np.uint8, offset=size - math.prod(shape)).reshape(shape)
    return IdxArray(array, hashlib.md5(content, usedforsecurity=False).hexdigest())


@contextmanager
def _open(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """The decompressed content."""
    with open(path, "rb") as raw:
        start = raw.read(6)
        raw.seek(0)
        if start.startswith(b"\x1f\x8b"):
            with gzip.open(raw) as file:
                yield cast("BinaryIO", file)
        elif start.startswith(b"\xfd7zXZ\x00"):
            with _lzma(path).open(raw) as file:
                yield file
        else:
            yield raw


def _lzma(path: str | os.PathLike[str]):  # type: ignore[no-untyped-def] # gives a module
    """The module, which a Python compiled without liblzma does not have."""
    try:
        import lzma
    except ImportError as error:
        raise DataFileError(
            f"{path}: this Python can't read .xz files ({error}); install a Python with lzma, or "
            "data that is compressed with gzip"
        ) from error
    return lzma


def _stream_errors() -> tuple[type[Exception], ...]:
    """What a broken compressed stream raises."""
    try:
        from lzma import LZMAError
    except ImportError:
        return (EOFError, gzip.BadGzipFile, zlib.error)
    return (EOFError, gzip.BadGzipFile, zlib.error, LZMAError)


def _read_header(
    path: str | os.PathLike[str], file: BinaryIO, item: tuple[int, ...]
) -> tuple[bytearray, tuple[int, ...]]:
    """The bytes of the header, and the shape it gives."""
    ndim = 1 + len(item)
    magic = bytes([0, 0, UNSIGNED_BYTE, ndim])
    try:
        header = bytearray(file.read(4 + 4 * ndim))
    except _stream_errors() as error:
        raise DataFileError(
            f"{path}: expected an IDX file, found a broken one ({error})"
        ) from error
    if not header.startswith(magic):
        found = f"bytes {header[:4].hex(' ')}" if header else "an empty file"
        raise DataFileError(
            f"{path}: expected an IDX file of {_what(item)}, which starts with bytes "
            f"{magic.hex(' ')}, found {found}"
        )
    if len(header) < 4 + 4 * ndim:
        raise DataFileError(
            f"{path}: expected an IDX header of {4 + 4 * ndim} bytes, found {len(header)} bytes"
        )
    shape = tuple(int(n) for n in np.frombuffer(header, ">u4", offset=4))
    if shape[1:] != item:
        raise DataFileError(
            f"{path}: expected {_what(item)}, found arrays of {'x'.join(map(str, shape[1:]))}"
        )
    return header, shape


def _what(item: tuple[int, ...]) -> str:
    return f"images of {'x'.join(map(str, item))}" if item else "labels"


def _wrong_size(
    path: str | os.PathLike[str], shape: tuple[int, ...], size: int, found: bytearray, why: str = ""
) -> DataFileError:
    many = f"more than {size}" if len(found) > size else f"{len(found)}"
    return DataFileError(
        f"{path}: expected {shape[0]} {_what(shape[1:])} ({size} bytes), found {many} bytes{why}"
    )
