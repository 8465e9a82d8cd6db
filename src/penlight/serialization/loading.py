"""``load``: what ``save`` has written, here or in PyTorch."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

from penlight._core.device import as_device, device
from penlight.serialization import formats, names, safetensors
from penlight.serialization.archive import Archive
from penlight.serialization.legacy import read_legacy
from penlight.serialization.persistent import Storages
from penlight.serialization.storage import Storage, StorageType, decode
from penlight.serialization.unpickler import SafeUnpickler

__all__ = ["load"]

_NEWEST_VERSION = 10  # that PyTorch's own reader takes


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Load an object that ``save`` has written, here or in PyTorch of any version.

    bfloat16 tensors become float32. With ``weights_only`` the file can't run anything: it may hold
    tensors, numbers, strings, containers of them, and what ``add_safe_globals`` allows.

    Args:
        f: a path, or a file object that can seek, read from where it stands to its end.
        map_location: ``"cpu"`` or a device; a dict of locations; a function ``(storage, location)``.
            Needed for tensors saved on other devices, as there is only the CPU here.
        pickle_module: its ``Unpickler`` reads the object. Default: ``pickle``.
        weights_only: False runs whatever the file says; do that only with files you trust.
            Default: True, but False if ``pickle_module`` is given.
        mmap: leave the tensors' values on disk until they are used; ``f`` must then be a path. The
            file must not be cut short meanwhile (saving over it is no harm).
        pickle_load_args: ``encoding`` for strings of Python 2 (Default: ``"utf-8"``); with
            ``weights_only=False`` whatever the ``Unpickler`` takes.

    Raises:
        UnpicklingError: if the file wants more than ``weights_only`` allows, or its pickle is
            damaged.
        RuntimeError: if the file is damaged or of another kind, or its tensors belong elsewhere.
    """
    if weights_only is None:
        weights_only = pickle_module is None
    elif weights_only and pickle_module is not None:
        raise RuntimeError(
            "load: Can not safely load weights when explicit pickle_module is specified; leave out "
            "pickle_module or set weights_only=False"
        )
    make = _Safe if weights_only else _Pickle
    unpickle = make(pickle_module or pickle, **{"encoding": "utf-8", **pickle_load_args})
    if isinstance(f, (str, os.PathLike)):
        name = os.fsdecode(f)
        if name.endswith(".safetensors"):
            return safetensors.load_file(f, _single_device(map_location))
        with open(f, "rb") as file:
            return _load(file, name, unpickle, map_location, bool(mmap))
    if mmap:
        raise ValueError("load: f must be a file path in order to use the mmap argument")
    for method in ("read", "seek", "tell"):
        if not hasattr(f, method):
            raise AttributeError(
                f"load: '{type(f).__name__}' object has no attribute '{method}'; expected a path or "
                "a file object that can seek (put its bytes into io.BytesIO)"
            )
    return _load(f, f"<{type(f).__name__}>", unpickle, map_location, False)


def _load(file: Any, name: str, unpickle: Unpickle, map_location: Any, mapped: bool) -> Any:
    kind = formats.recognize(file, name)
    try:
        if kind == "zip":
            result = _load_zip(Archive(file, name), unpickle, map_location, mapped)
            file.seek(0, 2)  # the archive is read
            return result
        if mapped:
            raise RuntimeError(
                f"load: {name}: mmap can only be used with files saved with "
                "_use_new_zipfile_serialization=True; this one is of the format before"
            )
        return read_legacy(file, name, unpickle, map_location)
    except UnpicklingError as error:
        raise UnpicklingError(f"load: {name}: {error}") from error.__cause__


# -- the zip format ------------------------------------------------------------------------------


def _load_zip(archive: Archive, unpickle: Unpickle, map_location: Any, mapped: bool) -> Any:
    if "constants.pkl" in archive:
        raise archive.error(
            "it is a TorchScript archive, which holds a program; open it with torch.jit.load in "
            "PyTorch and save its state_dict()"
        )
    data = archive.read("data.pkl").tobytes()
    version = archive.read("version").tobytes().strip()
    if not version.isdigit() or not 1 <= int(version) <= _NEWEST_VERSION:
        raise archive.error(f"expected a version from 1 to {_NEWEST_VERSION}, found {version!r}")
    byteorder = archive.read("byteorder").tobytes() if "byteorder" in archive else b"little"
    if byteorder not in (b"little", b"big"):
        raise archive.error(f"expected byteorder 'little' or 'big', found {byteorder!r}")
    read = archive.map if mapped else archive.read

    def make(key: str, kind: StorageType, length: int) -> Storage:
        raw = read(f"data/{key}")
        needed = length * kind.in_file.itemsize
        if not needed <= raw.size < needed + kind.in_file.itemsize:
            raise archive.error(
                f"storage {key!r}: expected {needed} bytes ({length} of {kind.name}), found "
                f"{raw.size}"
            )
        try:
            return Storage(decode(raw[:needed], kind, byteorder.decode()))
        except ValueError as error:
            raise archive.error(f"storage {key!r}: {error}") from None

    return unpickle(data, 0, Storages(5, make, map_location))[0]


# -- unpickling ----------------------------------------------------------------------------------

PersistentLoad = Callable[[Any], Any]
Unpickle = Callable[[bytes, int, PersistentLoad], tuple[Any, int]]
"""From bytes, the first byte of a pickle in them and a ``persistent_load``: the object, and the
byte after the pickle."""


class _Safe:
    """Unpickles data alone."""

    def __init__(self, pickle_module: Any, encoding: str, **unknown: Any) -> None:
        if unknown:
            raise TypeError(f"load: {next(iter(unknown))!r} is an argument for weights_only=False")
        self.encoding = encoding

    def __call__(self, data: bytes, at: int, persistent_load: PersistentLoad) -> tuple[Any, int]:
        unpickler = SafeUnpickler(data, persistent_load, self.encoding, at)
        try:
            return unpickler.load(), unpickler.at
        except UnpicklingError as error:
            raise UnpicklingError(f"Weights only load failed {error}") from error.__cause__


class _Pickle:
    """Unpickles anything, running whatever the file says, with PyTorch's names for Penlight's."""

    def __init__(self, pickle_module: Any, **options: Any) -> None:
        self.base, self.options = pickle_module.Unpickler, options

    def __call__(self, data: bytes, at: int, persistent_load: PersistentLoad) -> tuple[Any, int]:
        class Unpickler(self.base):  # type: ignore[name-defined]
            def find_class(self, module: str, name: str) -> Any:
                full = f"{module}.{name}"
                found = names.find_torch(full) or names.user_globals().get(full)
                if found is None and (module == "torch" or module.startswith("torch.")):
                    raise UnpicklingError(
                        f"the file holds a {full}, which only PyTorch can load; load "
                        "it there and save a state_dict() of it"
                    )
                return super().find_class(module, name) if found is None else found

            def persistent_load(self, identifier: Any) -> Any:
                return persistent_load(identifier)

        file = io.BytesIO(data)
        file.seek(at)
        return Unpickler(file, **self.options).load(), file.tell()


def _single_device(map_location: Any) -> device:
    if not (map_location is None or isinstance(map_location, (str, device))):
        raise RuntimeError(
            "load: for a safetensors file map_location must be a device or its name, got "
            f"{type(map_location).__name__}"
        )
    return as_device(map_location)
