"""Files made, taken apart and compared by the tests of serialization."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np

import penlight
from penlight.autograd.base import TensorBase, wrap

DTYPES = [
    penlight.bool, penlight.uint8, penlight.int8, penlight.int16, penlight.int32, penlight.int64,
    penlight.float16, penlight.float32, penlight.float64, penlight.complex64, penlight.complex128,
]  # fmt: skip


def holding(array: np.ndarray) -> Any:
    """A tensor over any array, also those that ``from_numpy`` refuses."""
    return wrap(penlight.Tensor, array)


def saved(obj: Any, library: Any = penlight, **options: Any) -> io.BytesIO:
    """``obj`` saved by a library, ready to be read."""
    file = io.BytesIO()
    library.save(obj, file, **options)
    file.seek(0)
    return file


def there_and_back(obj: Any, **options: Any) -> Any:
    return penlight.load(saved(obj, **options))


def records(file: io.BytesIO) -> dict[str, bytes]:
    """The records of an archive, by name without the folder."""
    with zipfile.ZipFile(file) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def archive(records: Iterable[tuple[str, bytes]], compression: int = 0) -> io.BytesIO:
    """An archive with these records."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as writer:
        for name, data in records:
            writer.writestr(f"archive/{name}", data)
    file.seek(0)
    return file


def archive_of(pickled: bytes, *storages: bytes, **more: bytes) -> io.BytesIO:
    """An archive around a pickle, with storages "0", "1" ..."""
    content = {"data.pkl": pickled, "version": b"3\n", **more}
    content |= {f"data/{i}": data for i, data in enumerate(storages)}
    return archive(content.items())


def changed(file: io.BytesIO, **changes: bytes | None) -> io.BytesIO:
    """The archive with other bytes in some records (``data_0`` for ``data/0``); None leaves one out."""
    content: dict[str, Any] = records(file)
    for name, data in changes.items():
        content[name.replace("_pkl", ".pkl").replace("data_", "data/")] = data
    return archive((name, data) for name, data in content.items() if data is not None)


def text(value: str) -> bytes:
    """A pickle instruction that pushes a string."""
    return pickle.BINUNICODE + len(value).to_bytes(4, "little") + value.encode()


def pushing(*values: Any) -> bytes:
    """Instructions that push plain values."""
    return b"".join(_pushing(value) for value in values)


def _pushing(value: Any) -> bytes:
    if isinstance(value, bytes):  # instructions already
        return value
    if isinstance(value, tuple):
        return pickle.MARK + pushing(*value) + pickle.TUPLE
    return pickle.dumps(value, 2)[2:-1].replace(b"q\0", b"")


FLOATS = b"ctorch\nFloatStorage\n"


def storage(key: Any = "0", length: Any = 4, kind: bytes = FLOATS, location: Any = "cpu") -> bytes:
    """Instructions that push the storage "0", of four floats."""
    return pushing(("storage", kind, key, location, length)) + pickle.BINPERSID


def tensor(*arguments: Any, maker: str = "_rebuild_tensor_v2") -> bytes:
    """A whole pickle of a tensor."""
    call = f"ctorch._utils\n{maker}\n".encode() + pushing(arguments) + pickle.REDUCE
    return b"\x80\x02" + call + pickle.STOP


def shares_memory(*tensors: Any) -> bool:
    first = tensors[0].detach().numpy()
    return all(np.shares_memory(first, t.detach().numpy()) for t in tensors[1:])


def assert_identical(a: Any, b: Any) -> None:
    """Equal structure, types and bits; tensors may come from different libraries."""
    if hasattr(b, "requires_grad"):
        assert a.requires_grad == b.requires_grad
        assert type(a).__name__ == type(b).__name__
        assert (tuple(a.shape), str(a.dtype)) == (tuple(b.shape), str(b.dtype))
        assert bits(a) == bits(b)
        return
    if isinstance(a, TensorBase) or type(a).__name__ in ("dtype", "Size", "device"):
        assert str(a) == str(b)
        return
    assert type(a) is type(b)
    if isinstance(a, (dict, OrderedDict, Counter)):
        assert list(map(repr, a)) == list(map(repr, b))
        for x, y in zip(a.values(), b.values(), strict=True):
            assert_identical(x, y)
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_identical(x, y)
    else:
        assert a == b or (a != a and b != b)


def bits(t: Any) -> bytes:
    array: np.ndarray = t.detach().numpy()
    return array.astype(array.dtype.newbyteorder("=")).tobytes()
