"""``save``: objects into files that PyTorch reads."""

from __future__ import annotations

import codecs
import io
import os
import pickle
import sys
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from penlight._core.device import device
from penlight._core.dtypes import dtype_of
from penlight._core.files import atomic_write
from penlight.autograd.base import TensorBase
from penlight.serialization import rebuild
from penlight.serialization.archive import write_archive
from penlight.serialization.legacy import write_legacy
from penlight.serialization.names import torch_name
from penlight.serialization.storage import STORAGE_TYPES, StorageType
from penlight.tensor import Tensor
from penlight.tensor.pickling import PicklingMethods, kinds, storage_of

__all__ = ["save"]


def save(
    obj: object,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Save an object to a file that ``load`` reads, here and in PyTorch.

    Tensors that share memory still do so when loaded; as in PyTorch a view is saved with all the
    memory that it is a view of (save its ``clone()`` to avoid that). A path is replaced whole or not
    at all.

    Args:
        obj: tensors, numbers, strings, containers of them, or anything that can be pickled. What is
            neither tensor nor plain data is loaded with ``weights_only=False`` alone.
        f: a path, or a file object to write to from where it stands.
        pickle_module: its ``Pickler`` must be derived from the one that ``pickle`` has in Python.
        pickle_protocol: PyTorch's ``weights_only`` reads 2 best.
        _use_new_zipfile_serialization: False for the format of PyTorch 1.5 and before.

    Raises:
        AttributeError: if ``f`` is neither a path nor has a ``write`` method.
        RuntimeError: for tensors that share memory but differ in dtype.
        OSError: if the file can't be written; the old one then stands unchanged.
    """
    if not isinstance(f, (str, os.PathLike)) and not hasattr(f, "write"):
        raise AttributeError(
            f"save: expected f to be a path or a file object with a 'write' method, got {f!r}"
        )
    buffer = io.BytesIO()
    storages = _Storages(legacy=not _use_new_zipfile_serialization)
    _pickler(pickle_module, storages)(buffer, pickle_protocol).dump(obj)
    pickled = buffer.getvalue()

    def write(file: Any) -> None:
        if _use_new_zipfile_serialization:
            write_archive(file, _records(pickled, storages.saved))
        else:
            sizes = {s.key: (s.raw, s.type.in_file.itemsize) for s in storages.saved}
            write_legacy(file, pickled, sizes, pickle_protocol)

    if isinstance(f, (str, os.PathLike)):
        with atomic_write(f) as file:
            write(file)
    else:
        write(f)


def _records(pickled: bytes, storages: list[_Saved]) -> Iterator[tuple[str, Any]]:
    yield "data.pkl", pickled
    yield "byteorder", sys.byteorder.encode()
    for storage in storages:
        yield f"data/{storage.key}", storage.raw
    yield "version", b"3\n"


class _Saved(NamedTuple):
    """A storage that is to be saved; in the pickle it becomes a persistent id."""

    key: str
    type: StorageType
    raw: np.ndarray  # its bytes
    identifier: tuple[Any, ...]


class _Storages:
    """The storages of the tensors met so far, each once."""

    def __init__(self, legacy: bool) -> None:
        self.legacy = legacy
        self.saved: list[_Saved] = []
        self._by_address: dict[tuple[int, int], _Saved] = {}

    def add(self, flat: np.ndarray, kind: StorageType) -> _Saved:
        """The storage of the bytes ``flat``, looked at as ``kind``.

        Raises:
            RuntimeError: if it has been looked at as another type before.
        """
        address = flat.__array_interface__["data"][0], flat.size
        saved = self._by_address.get(address)
        if saved is None:
            key, length = str(len(self.saved)), flat.size // kind.in_file.itemsize
            identifier = ("storage", kind, key, "cpu", length) + (None,) * self.legacy
            raw = flat[: length * kind.in_file.itemsize]
            saved = self._by_address[address] = _Saved(key, kind, raw, identifier)
            self.saved.append(saved)
        elif saved.type is not kind:
            raise RuntimeError(
                "save: Cannot save multiple tensors or storages that view the same data as "
                f"different types ({saved.type.dtype} and {kind.dtype}); save a clone() of one"
            )
        return saved


_KIND_OF = {kind.dtype: kind for kind in STORAGE_TYPES.values() if kind.name != "BFloat16Storage"}


def _reduce_tensor(t: Any, storages: _Storages) -> tuple[Any, ...]:
    """The call that makes the tensor anew, in PyTorch's terms."""
    if type(t) in (kinds.get("UninitializedParameter"), kinds.get("UninitializedBuffer")):
        return t.__reduce_ex__(2)
    state = dict(t.__dict__)
    if type(t) is kinds.get("Buffer"):
        state["_is_buffer"] = True
    view, requires_grad = _view_of_storage(t._array, storages), t.requires_grad
    if type(t) is kinds.get("Parameter"):
        parts: tuple[Any, ...] = _Plain((*view, False, OrderedDict())), requires_grad, OrderedDict()
        if state:
            return rebuild.rebuild_parameter_with_state, (*parts, state)
        return rebuild.rebuild_parameter, parts
    arguments = *view, requires_grad, OrderedDict()
    if type(t) is Tensor and not state:
        return rebuild.rebuild_tensor_v2, arguments
    cls = Tensor if type(t) is kinds.get("Buffer") else type(t)
    return rebuild.rebuild_from_type_v2, (rebuild.rebuild_tensor_v2, cls, arguments, state)


class _Plain(NamedTuple):
    """The plain tensor within a Parameter."""

    arguments: tuple[Any, ...]


def _view_of_storage(array: np.ndarray, storages: _Storages) -> tuple[Any, ...]:
    """Storage, offset, size and strides, in elements."""
    found = storage_of(array)
    item = array.itemsize
    if found is None or found[1] % item or any(stride % item for stride in array.strides):
        array = np.array(array, array.dtype.newbyteorder("="), order="C")
        found = storage_of(array)
    assert found is not None
    flat, offset = found
    stride = tuple(s // item for s in array.strides) if array.size else _row_major(array.shape)
    saved = storages.add(flat, _KIND_OF[dtype_of(array)])
    return saved, offset // item, array.shape, stride


def _row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides that PyTorch gives a tensor without elements, for which NumPy has zeros."""
    strides = [1]
    for n in reversed(shape[1:]):
        strides.append(strides[-1] * max(n, 1))
    return tuple(reversed(strides)) if shape else ()


def _pickler(pickle_module: Any, storages: _Storages) -> Any:
    """A pickler that names Penlight's things as PyTorch does and keeps storages out of the pickle."""
    python_pickler = pickle._Pickler
    base = python_pickler if pickle_module is pickle else pickle_module.Pickler
    if not issubclass(base, python_pickler):
        raise TypeError(
            f"save: pickle_module (={pickle_module.__name__}): its Pickler must derive from "
            "pickle._Pickler; one written in C can't write PyTorch's names without PyTorch"
        )

    class Pickler(base):  # type: ignore[misc, valid-type]
        def persistent_id(self, obj: Any) -> Any:
            return obj.identifier if type(obj) is _Saved else None

        def reducer_override(self, obj: Any) -> Any:
            known = torch_name(obj)
            if known is not None:
                return known[1]
            if isinstance(obj, TensorBase):
                if type(obj).__reduce_ex__ is PicklingMethods.__reduce_ex__:
                    return _reduce_tensor(obj, storages)
            elif type(obj) is _Plain:
                return rebuild.rebuild_tensor_v2, obj.arguments
            elif type(obj) is device:
                return device, (obj.type,) if obj.index is None else (obj.type, obj.index)
            elif type(obj) is bytes and not obj and self.proto < 3:
                return codecs.encode, ("", "latin1")  # bytes() is none of weights_only's names
            inherited = getattr(super(), "reducer_override", None)
            return NotImplemented if inherited is None else inherited(obj)

        def save_global(self, obj: Any, name: str | None = None) -> None:
            known = torch_name(obj)
            if known is None:
                super().save_global(obj, name)
                return
            module, name = known
            if self.proto >= 4:
                self.save(module)
                self.save(name)
                self.write(pickle.STACK_GLOBAL)
            else:
                self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
            self.memoize(obj)

    return Pickler
