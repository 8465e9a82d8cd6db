"""safetensors files: a JSON header that says where each tensor lies, then the tensors' bytes.

::

    8 bytes: the header's length n, little-endian
    n bytes: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
              "__metadata__": {"text": "text"}}
    the rest: the tensors, row-major and little-endian, without gaps between them

Nothing in such a file can run. The names are those of the package ``safetensors.torch``.

Source: https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from penlight._core.device import as_device
from penlight._core.dtypes import dtype_of
from penlight._core.files import atomic_write
from penlight.autograd.base import TensorBase, wrap
from penlight.serialization.archive import read_into
from penlight.serialization.storage import STORAGE_TYPES, StorageType, are_counts, decode
from penlight.tensor import Tensor

__all__ = ["SafetensorError", "load", "load_file", "safe_open", "save", "save_file"]

MAX_HEADER = 100_000_000  # bytes, as in the package
ALIGNMENT = 8

_TYPES = {
    "F64": "Double", "F32": "Float", "F16": "Half", "BF16": "BFloat16", "I64": "Long", "I32": "Int",
    "I16": "Short", "I8": "Char", "U8": "Byte", "BOOL": "Bool", "C64": "ComplexFloat",
}  # fmt: skip
_TYPE_OF: dict[str, StorageType] = {k: STORAGE_TYPES[f"{v}Storage"] for k, v in _TYPES.items()}
_NAME_OF = {kind.dtype: name for name, kind in _TYPE_OF.items() if name != "BF16"}


class SafetensorError(RuntimeError):
    """The file is not a safetensors file, or a damaged one."""


# -- writing -------------------------------------------------------------------------------------


def save_file(
    tensors: Mapping[str, Tensor],
    filename: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors by name to a file, which is replaced whole or not at all.

    Args:
        tensors: of any strides; the file holds their elements in row-major order.
        metadata: texts to keep in the header.

    Raises:
        RuntimeError: if tensors share memory, which the format can't express.
        TypeError: if a value is no tensor, or of a dtype that the format lacks (complex128).
    """
    parts = list(_parts(tensors, metadata))  # whatever is wrong, before the file is touched
    with atomic_write(filename) as file:
        for part in parts:
            file.write(part)


def save(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes that :func:`save_file` would write."""
    return b"".join(_parts(tensors, metadata))


def _parts(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None) -> Iterator[Any]:
    """The header, then the bytes of each tensor, those of wide elements first."""
    arrays = {name: _checked(name, t) for name, t in tensors.items()}
    _refuse_sharing(arrays)
    names = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    header: dict[str, Any] = {}
    if metadata is not None:
        _check_metadata(metadata, TypeError)
        header["__metadata__"] = dict(metadata)
    end = 0
    for name in names:
        start, end = end, end + arrays[name].nbytes
        header[name] = {
            "dtype": _NAME_OF[dtype_of(arrays[name])],
            "shape": list(arrays[name].shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    if len(text) > MAX_HEADER:
        raise SafetensorError(f"save: a header of {len(text)} bytes; at most {MAX_HEADER} may be")
    yield len(text).to_bytes(8, "little") + text
    for name in names:
        array = arrays[name]
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        yield little.reshape(-1).view(np.uint8).data


def _checked(name: Any, t: Any) -> np.ndarray:
    if not isinstance(name, str) or name == "__metadata__":
        raise TypeError(f"save: a tensor's name must be a str (not '__metadata__'), got {name!r}")
    if not isinstance(t, TensorBase):
        raise TypeError(f"save: {name!r} must be a Tensor, got {type(t).__name__}")
    if dtype_of(t._array) not in _NAME_OF:
        raise TypeError(
            f"save: {name!r} has dtype {dtype_of(t._array)}, which safetensors files can't hold; "
            "use penlight.save"
        )
    return t._array


def _check_metadata(metadata: Any, error: Callable[[str], Exception]) -> None:
    items = metadata.items() if isinstance(metadata, Mapping) else [(metadata, None)]
    for key, value in items:
        if not isinstance(key, str) or not isinstance(value, str):
            raise error(f"safetensors: metadata must map str to str, got {key!r}: {value!r}")


def _refuse_sharing(arrays: dict[str, np.ndarray]) -> None:
    """Two tensors in the same memory would come back in memory of their own."""
    bounds = {n: np.lib.array_utils.byte_bounds(a) for n, a in arrays.items() if a.size}
    open_ranges: list[str] = []  # of tensors that may reach to where the next one starts
    for name in sorted(bounds, key=lambda n: bounds[n][0]):
        open_ranges = [other for other in open_ranges if bounds[other][1] > bounds[name][0]]
        for other in open_ranges:
            if np.shares_memory(arrays[name], arrays[other]):
                raise RuntimeError(
                    f"save: tensors {other!r} and {name!r} share memory, which safetensors files "
                    "can't express; leave one out, save a clone() of it, or use penlight.save"
                )
        open_ranges.append(name)


# -- reading -------------------------------------------------------------------------------------


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """All tensors of a file, by name; bfloat16 as float32.

    Raises:
        SafetensorError: if the file is damaged, or holds a dtype that Penlight lacks (float8 ...).
    """
    with safe_open(filename, "pt", device) as file:
        return file.get_tensors()


def load(data: bytes) -> dict[str, Tensor]:
    """All tensors in the bytes of a file."""
    return _Reader(io.BytesIO(data), "the bytes").tensors()


class safe_open:
    """``with safe_open(filename, framework="pt") as file:`` reads one tensor at a time.

    Args:
        framework: ``"pt"``, as whose tensors Penlight's count.
    """

    def __init__(
        self, filename: str | os.PathLike[str], framework: str = "pt", device: Any = "cpu"
    ) -> None:
        if framework not in ("pt", "torch", "pytorch"):
            raise SafetensorError(f"safe_open: framework must be 'pt', got {framework!r}")
        as_device(device)
        self._file = open(filename, "rb")  # noqa: SIM115 -- closed by __exit__
        try:
            self._reader = _Reader(self._file, os.fspath(filename))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def keys(self) -> list[str]:
        """The tensors' names."""
        return list(self._reader.entries)

    def metadata(self) -> dict[str, str] | None:
        """The texts in the header."""
        return self._reader.metadata

    def get_tensor(self, name: str) -> Tensor:
        """The tensor called ``name``, read now."""
        return self._reader.tensor(name)

    def get_tensors(self) -> dict[str, Tensor]:
        """All tensors, by name."""
        return self._reader.tensors()


class _Entry(NamedTuple):
    kind: StorageType
    shape: list[int]
    start: int
    end: int


class _Reader:
    """The header of an open file, checked as a whole, and the tensors it tells of."""

    def __init__(self, file: Any, name: str) -> None:
        self.file, self.name = file, name
        size = file.seek(0, 2)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(MAX_HEADER, size - 8):
            raise self.error(
                f"expected a header of at most {min(MAX_HEADER, max(size - 8, 0))} bytes, found "
                f"{length if size >= 8 else f'{size} bytes in all'}"
            )
        self.begin = 8 + length
        header = self._json(file.read(length))
        self.metadata = header.pop("__metadata__", None)
        if self.metadata is not None:
            _check_metadata(self.metadata, self.error)
        self.entries = {key: self._entry(key, fields) for key, fields in header.items()}
        self._check_layout(size - self.begin)

    def error(self, what: str) -> SafetensorError:
        """An error about this file."""
        return SafetensorError(f"safetensors: {self.name}: {what}")

    def _json(self, raw: bytes) -> dict[str, Any]:
        def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            result = dict(pairs)
            if len(result) != len(pairs):
                raise ValueError("a key occurs twice")
            return result

        try:
            header = json.loads(raw, object_pairs_hook=unique)
        except (ValueError, RecursionError) as error:
            raise self.error(f"the header is no valid JSON ({error})") from None
        if not isinstance(header, dict) or not raw.startswith(b"{"):
            raise self.error("the header must be a JSON object")
        return header

    def _entry(self, key: str, fields: Any) -> _Entry:
        if not isinstance(fields, dict) or fields.keys() != {"dtype", "shape", "data_offsets"}:
            raise self.error(f"{key!r} must have dtype, shape and data_offsets, found {fields!r}")
        dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
        if not isinstance(dtype, str) or dtype not in _TYPE_OF:
            raise self.error(f"{key!r} has dtype {dtype!r}; supported: {', '.join(_TYPE_OF)}")
        if not are_counts(shape) or not are_counts(offsets) or len(offsets) != 2:
            raise self.error(f"{key!r}: shape {shape!r} and data_offsets {offsets!r} make no sense")
        kind, (start, end) = _TYPE_OF[dtype], offsets
        needed = math.prod(shape) * kind.in_file.itemsize
        if end - start != needed:
            raise self.error(
                f"{key!r}: shape {shape} of {dtype} needs {needed} bytes, data_offsets have "
                f"{end - start}"
            )
        return _Entry(kind, shape, start, end)

    def _check_layout(self, size: int) -> None:
        """Together the tensors must fill the file, without gaps and overlaps."""
        at = 0
        for key, entry in sorted(self.entries.items(), key=lambda item: item[1][2:]):
            if entry.start != at:
                kind = "a gap before it" if entry.start > at else "an overlap with another"
                raise self.error(
                    f"{key!r} was expected at byte {at}, found at {entry.start}: {kind}"
                )
            at = entry.end
        if at != size:
            raise self.error(f"the tensors need {at} bytes, the file holds {size}")

    def tensor(self, key: str) -> Tensor:
        if key not in self.entries:
            raise self.error(f"it holds no tensor {key!r}")
        kind, shape, start, end = self.entries[key]
        raw = np.empty(end - start, np.uint8)
        self.file.seek(self.begin + start)
        if read_into(self.file, raw) != raw.size:
            raise self.error(f"{key!r} is truncated")
        try:
            return wrap(Tensor, decode(raw, kind).reshape(shape))
        except ValueError as error:
            raise self.error(f"{key!r}: {error}") from None

    def tensors(self) -> dict[str, Tensor]:
        return {key: self.tensor(key) for key in self.entries}
