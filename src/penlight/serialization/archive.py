"""The zip archive around PyTorch's files: records stored as they are, each at a multiple of 64 bytes.

::

    archive/data.pkl                the pickled object; storages are persistent ids in it
    archive/byteorder               "little" or "big": of the storages' elements
    archive/data/0, data/1 ...      the storages' bytes
    archive/version                 of the format: "3"
    archive/.data/serialization_id  a number for the contents

Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", sections 4.3 and 4.5.3.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["Archive", "read_into", "write_all", "write_archive"]

ALIGNMENT = 64
FOLDER = "archive"
ELSEWHERE = 0xFFFFFFFF  # in place of a number that stands in a 64-bit field
WIDE = ELSEWHERE  # numbers from here on do

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_ZIP64_END = struct.Struct("<4sQ2H2I4Q")
_ZIP64_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")
_MADE_BY = 3 << 8 | 45  # Unix, version 4.5
_UTF8 = 0x800
_DATE = 0x21  # 1 January 1980: the same contents give the same bytes
_MODE = 0o100644 << 16
_PADDING = 0x4246


# -- writing -------------------------------------------------------------------------------------


def write_archive(file: Any, records: Iterable[tuple[str, Any]]) -> None:
    """Write records, pairs of a name and a buffer, to ``file``, which needs ``write`` alone."""
    directory, at, count, checksum = bytearray(), 0, 0, 0

    def add(name: str, data: Any) -> None:
        nonlocal at, count, checksum
        data = memoryview(data)
        header, entry = _headers(f"{FOLDER}/{name}".encode(), data, at)
        write_all(file, header)
        write_all(file, data)
        directory.extend(entry)
        at += len(header) + data.nbytes
        count += 1
        checksum = zlib.crc32(entry, checksum)

    for name, data in records:
        add(name, data)
    add(".data/serialization_id", f"{count:020}{checksum:020}".encode())
    write_all(file, bytes(directory) + _end(count, len(directory), at))


def write_all(file: Any, data: Any) -> None:
    """Write a buffer to a file object, which may take it in pieces (unbuffered files do)."""
    view = memoryview(data)
    while view.nbytes:
        count = file.write(view)
        view = view[len(view) if count is None else count :]


def _headers(path: bytes, data: memoryview, at: int) -> tuple[bytes, bytes]:
    """The header before a record at byte ``at``, and its entry in the directory."""
    size = data.nbytes
    wide = struct.pack("<2H2Q", 1, 16, size, size) if size >= WIDE else b""
    padding = -(at + _LOCAL.size + len(path) + len(wide) + 4) % ALIGNMENT
    extra = wide + struct.pack("<2H", _PADDING, padding) + bytes(padding)
    common = (45, _UTF8, 0, 0, _DATE, zlib.crc32(data), _narrow(size), _narrow(size), len(path))
    local = _LOCAL.pack(b"PK\3\4", *common, len(extra))
    if size >= WIDE or at >= WIDE:
        fields = [size, size] * (size >= WIDE) + [at] * (at >= WIDE)
        wide = struct.pack(f"<2H{len(fields)}Q", 1, 8 * len(fields), *fields)
    central = _CENTRAL.pack(
        b"PK\1\2", _MADE_BY, *common, len(wide), 0, 0, 0, _MODE, _narrow(at)
    )  # fmt: skip
    return local + path + extra, central + path + wide


def _narrow(number: int) -> int:
    return ELSEWHERE if number >= WIDE else number


def _end(count: int, size: int, at: int) -> bytes:
    """What follows a directory of ``count`` entries and ``size`` bytes at byte ``at``."""
    wide = b""
    if count >= 0xFFFF or max(size, at) >= WIDE:
        wide = _ZIP64_END.pack(b"PK\6\6", 44, _MADE_BY, 45, 0, 0, count, count, size, at)
        wide += _ZIP64_LOCATOR.pack(b"PK\6\7", 0, at + size, 1)
    counts = (min(count, 0xFFFF),) * 2
    return wide + _END.pack(b"PK\5\6", 0, 0, *counts, _narrow(size), _narrow(at), 0)


# -- reading -------------------------------------------------------------------------------------


class Archive:
    """Reads the records of an archive; whatever is wrong with it is a RuntimeError.

    Args:
        file: a binary file, at the archive's first byte; the archive reaches to the file's end.
        name: what to call it in errors.
    """

    def __init__(self, file: Any, name: str) -> None:
        self.file, self.name = file, name
        self.start = file.tell()
        self.size = file.seek(0, 2)
        self.records = self._directory()
        self.has_checksums = any(info.CRC for info in self.records.values())  # can be switched off
        self._map: Any = None

    def _directory(self) -> dict[str, Any]:
        """The directory's entries by name, without the folder that all records lie in."""
        import zipfile  # takes 9 ms to import

        try:
            with zipfile.ZipFile(self.file) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise self.error(f"the zip archive's directory can't be read ({error})") from error
        if not entries:
            raise self.error("the zip archive holds no records")
        first = min(entry.header_offset for entry in entries)
        if first != self.start:
            raise self.error(
                f"the file is read from byte {self.start}, but the zip archive in it begins at "
                f"byte {first}; use f.seek() to go there"
            )
        if sum(entry.file_size for entry in entries) > self.size - self.start:
            raise self.error(
                f"its records claim {sum(entry.file_size for entry in entries)} bytes, more than "
                f"the file's {self.size - self.start}"
            )
        folder = entries[0].filename.partition("/")[0] + "/"
        records = {entry.filename.removeprefix(folder): entry for entry in entries}
        if len(records) != len(entries):
            raise self.error("the zip archive holds several records of the same name")
        return records

    def error(self, what: str) -> RuntimeError:
        """An error about this file."""
        return RuntimeError(f"load: {self.name}: {what}")

    def __contains__(self, record: str) -> bool:
        return record in self.records

    def _locate(self, record: str) -> tuple[Any, int]:
        """A record's entry and the byte at which its data begin."""
        entry = self.records.get(record)
        if entry is None:
            names = ", ".join(list(self.records)[:8])
            raise self.error(f"record {record!r} is missing; found {names} ...")
        if entry.compress_type or entry.flag_bits & 1 or entry.compress_size != entry.file_size:
            raise self.error(
                f"record {record!r} is compressed or encrypted; expected bytes stored as they are"
            )
        header = self._bytes(entry.header_offset, _LOCAL.size).tobytes()
        signature, *_, path_length, extra_length = _LOCAL.unpack(header)
        if signature != b"PK\3\4":
            raise self.error(
                f"record {record!r}: expected a header at byte {entry.header_offset}, found "
                f"{signature!r}"
            )
        return entry, entry.header_offset + _LOCAL.size + path_length + extra_length

    def _bytes(self, at: int, size: int) -> np.ndarray:
        if at < 0 or at + size > self.size:
            raise self.error(
                f"truncated: expected {size} bytes at byte {at}, the file ends at {self.size}"
            )
        self.file.seek(at)
        raw = np.empty(size, np.uint8)
        if read_into(self.file, raw) != size:
            raise self.error(f"truncated: expected {size} bytes at byte {at}")
        return raw

    def read(self, record: str) -> np.ndarray:
        """A record's bytes, in fresh memory."""
        entry, at = self._locate(record)
        raw = self._bytes(at, entry.file_size)
        if self.has_checksums and zlib.crc32(raw.data) != entry.CRC:
            raise self.error(
                f"record {record!r} is damaged: expected checksum {entry.CRC:#010x}, found "
                f"{zlib.crc32(raw.data):#010x}"
            )
        return raw

    def map(self, record: str) -> np.ndarray:
        """A record's bytes, to be read from disk when they are used; changes don't reach the file."""
        entry, at = self._locate(record)
        if at + entry.file_size > self.size:
            raise self.error(f"truncated: record {record!r} ends after the file")
        if self._map is None:
            self._map = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_COPY)
        if at % 16 or not entry.file_size:
            return self.read(record)
        return np.frombuffer(self._map, np.uint8, entry.file_size, at)


def read_into(file: Any, array: np.ndarray) -> int:
    """Fill ``array`` from a file object, which may lack ``readinto``; the number of bytes read."""
    view = array.data
    done = 0
    while done < len(view):
        if hasattr(file, "readinto"):
            count = file.readinto(view[done:]) or 0
        else:
            piece = file.read(len(view) - done)
            count = len(piece)
            view[done : done + count] = piece
        if not count:
            break
        done += count
    return done
