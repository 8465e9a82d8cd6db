"""Persistent ids: how a pickle refers to the storages that lie outside it.

``("storage", type, key, location, length)``, with a sixth part in the format before PyTorch 1.6.
"""

from __future__ import annotations

from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

from penlight._core.device import device
from penlight.serialization.storage import Storage, StorageType, are_counts, short

__all__ = ["Storages"]


class Storages:
    """The storages of one file, each made when its id is first met.

    Args:
        parts: how many parts an id has.
        make: makes the storage of a key, a type and a length.
        map_location: as ``load`` takes it.
    """

    def __init__(
        self, parts: int, make: Callable[[str, StorageType, int], Storage], map_location: Any
    ) -> None:
        self.parts, self.make, self.map_location = parts, make, map_location
        self.kinds: dict[str, tuple[StorageType, int]] = {}
        self.placed: dict[str, Storage] = {}

    def __call__(self, identifier: Any) -> Storage:
        """The storage.

        Raises:
            UnpicklingError: if the id is none, or contradicts an earlier one.
            RuntimeError: if the storage is to lie elsewhere than on the CPU.
        """
        kind, key, location, length = self._split(identifier)
        if key not in self.kinds:
            made = self.make(key, kind, length)
            self.placed[key] = place(made, location, self.map_location)
            self.kinds[key] = kind, length
        elif self.kinds[key] != (kind, length):
            before, length_before = self.kinds[key]
            raise UnpicklingError(
                f"storage {key!r} is {length} elements of {kind.name} here, but {length_before} of "
                f"{before.name} before"
            )
        return self.placed[key]

    def _split(self, identifier: Any) -> tuple[StorageType, str, str, int]:
        if not isinstance(identifier, tuple) or len(identifier) != self.parts:
            raise UnpicklingError(
                f"a storage's id must be a tuple of {self.parts}, got {short(identifier)}"
            )
        _, kind, key, location, length = (_text(part) for part in identifier[:5])
        if not (type(kind) is StorageType and type(key) is str and type(location) is str):
            raise UnpicklingError(
                f"a storage's id must hold type, key and location, got {short(kind)}, "
                f"{short(key)}, {short(location)}"
            )
        if not are_counts((length,)):
            raise UnpicklingError(f"storage {key!r}: expected a length from 0, got {short(length)}")
        if identifier[5:] not in ((), (None,)):
            raise UnpicklingError("it is a view of a storage, as only PyTorch before 0.4 wrote")
        return kind, key, location, length


def _text(part: Any) -> Any:
    """Python 2 wrote bytes."""
    return part.decode("ascii") if type(part) is bytes else part


def place(storage: Storage, location: str, map_location: Any) -> Storage:
    """The storage where ``map_location`` wants it, which can only be the CPU."""
    wanted: Any = location
    if isinstance(map_location, dict):
        wanted = map_location.get(location, location)
    elif isinstance(map_location, (str, bytes, device)):
        wanted = _text(map_location)
    elif map_location is not None:
        result = map_location(storage, location)
        if isinstance(result, Storage):
            return result
        if result is not None:
            raise TypeError(
                f"load: map_location must return a storage or None, got {type(result).__name__}"
            )
    if str(wanted).partition(":")[0] != "cpu":
        raise RuntimeError(
            f"load: the file's tensors are to lie on '{wanted}', but only 'cpu' is available; load "
            "them with map_location='cpu'"
        )
    return storage
