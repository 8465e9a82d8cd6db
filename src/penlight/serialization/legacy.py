"""PyTorch's file format before version 1.6: pickles one after another, then the storages' bytes.

::

    pickle: the magic number     pickle: 1001, the format's version     pickle: sizes of C types
    pickle: the object           pickle: list of the storages' keys
    of each storage: its length (8 bytes, little-endian), then its elements
"""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Mapping
from pickle import UnpicklingError
from typing import Any

import numpy as np

from penlight.serialization.archive import write_all
from penlight.serialization.persistent import Storages
from penlight.serialization.storage import Storage, StorageType, decode, short
from penlight.serialization.unpickler import SafeUnpickler

__all__ = ["read_legacy", "write_legacy"]

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001


def write_legacy(
    file: Any, pickled: bytes, storages: Mapping[str, tuple[Any, int]], protocol: int
) -> None:
    """Write an object that was pickled with six-part persistent ids.

    Args:
        storages: by key, a storage's bytes and the size of one element.
    """
    system = {
        "protocol_version": PROTOCOL_VERSION,
        "little_endian": sys.byteorder == "little",
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    for header in (MAGIC_NUMBER, PROTOCOL_VERSION, system):
        pickle.dump(header, file, protocol)
    write_all(file, pickled)
    keys = sorted(storages)
    pickle.dump(keys, file, protocol)
    for key in keys:
        raw, itemsize = storages[key]
        file.write(struct.pack("<q", len(raw) // itemsize))
        write_all(file, raw)


def read_legacy(file: Any, name: str, unpickle: Any, map_location: Any) -> Any:
    """Read the object.

    Args:
        unpickle: from bytes, a byte and a ``persistent_load`` to the object and the next byte.

    Raises:
        RuntimeError: if the file is something else, or not whole.
        UnpicklingError: if it contradicts itself.
    """
    start = file.tell()
    data = file.read()
    at = _check_header(data, name)
    made: dict[str, tuple[StorageType, Storage]] = {}
    claimed = 0

    def make(key: str, kind: StorageType, length: int) -> Storage:
        nonlocal claimed
        claimed += length * kind.in_file.itemsize
        if claimed > len(data):
            raise UnpicklingError(f"its storages claim {claimed} bytes, the file has {len(data)}")
        made[key] = kind, Storage(np.zeros(length, kind.dtype.numpy))
        return made[key][1]

    storages = Storages(6, make, map_location)

    def persistent_load(identifier: Any) -> Any:
        if isinstance(identifier, tuple) and len(identifier) == 4 and identifier[0] == "module":
            return identifier[1]  # a class; its source text follows
        return storages(identifier)

    loaded, at = unpickle(data, at, persistent_load)
    keys, at = _plain(data, at)
    if keys != sorted(made):
        raise UnpicklingError("the list of the storages' keys does not match the storages")
    for key in keys:
        kind, storage = made[key]
        at += _fill(storage, key, kind, np.frombuffer(data, np.uint8)[at:], name)
    file.seek(start + at)  # where another may begin
    return loaded


def _fill(storage: Storage, key: str, kind: StorageType, raw: np.ndarray, name: str) -> int:
    """Take a storage's elements from the beginning of ``raw``; returns the bytes they took."""
    size = 8 + len(storage) * kind.in_file.itemsize
    if raw.size < size:
        raise RuntimeError(
            f"load: {name}: truncated: storage {key!r} has {size} bytes, found {raw.size}"
        )
    length = struct.unpack("<q", raw[:8].data)[0]
    if length != len(storage):
        raise UnpicklingError(f"storage {key!r}: expected {len(storage)} elements, found {length}")
    try:
        storage.fill(decode(raw[8:size], kind))
    except ValueError as error:
        raise UnpicklingError(f"storage {key!r}: {error}") from None
    return size


def _check_header(data: bytes, name: str) -> int:
    """Check the three pickles at the start; returns the byte after them."""
    try:
        magic, at = _plain(data, 0)
    except UnpicklingError:
        magic, at = None, 0
    if magic != MAGIC_NUMBER:
        raise RuntimeError(
            f"load: {name}: a pickle, but none that torch.save wrote (its magic number is missing); "
            "if you trust it, read it with pickle.load"
        )
    version, at = _plain(data, at)
    if version != PROTOCOL_VERSION:
        raise RuntimeError(
            f"load: {name}: expected format version {PROTOCOL_VERSION}, found {short(version)}"
        )
    return _plain(data, at)[1]


def _plain(data: bytes, at: int) -> tuple[Any, int]:
    """The object without tensors that is pickled at byte ``at``, and the byte after it."""

    def refuse(identifier: Any) -> Any:
        raise UnpicklingError("a storage was not expected here")

    unpickler = SafeUnpickler(data, refuse, start=at)
    return unpickler.load(), unpickler.at
