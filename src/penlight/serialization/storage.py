"""Storages: the flat memory that the tensors of a file look at, and may share."""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any, NamedTuple

import numpy as np

from penlight._core import dtypes
from penlight._core.device import cpu
from penlight.tensor.pickling import view_of

__all__ = ["STORAGE_TYPES", "Storage", "StorageType", "are_counts", "decode", "short"]

MAX_DIMS = 64


class StorageType(NamedTuple):
    """One of PyTorch's storage classes, such as ``torch.FloatStorage``."""

    name: str
    dtype: dtypes.dtype  # of the tensors that we make
    in_file: np.dtype[Any]  # of the bytes


def _storage_types() -> dict[str, StorageType]:
    names = {
        "Double": dtypes.float64, "Float": dtypes.float32, "Half": dtypes.float16,
        "Long": dtypes.int64, "Int": dtypes.int32, "Short": dtypes.int16, "Char": dtypes.int8,
        "Byte": dtypes.uint8, "Bool": dtypes.bool_, "ComplexFloat": dtypes.complex64,
        "ComplexDouble": dtypes.complex128,
    }  # fmt: skip
    types = {f"{n}Storage": StorageType(f"{n}Storage", d, d.numpy) for n, d in names.items()}
    types["BFloat16Storage"] = StorageType("BFloat16Storage", dtypes.float32, np.dtype(np.uint16))
    return types


STORAGE_TYPES = _storage_types()


def decode(raw: np.ndarray, kind: StorageType, byteorder: str = "little") -> np.ndarray:
    """The elements in a storage's bytes; those that need no change stay in the same memory.

    bfloat16 is the upper half of float32, so it is read as float32 without loss.

    Raises:
        ValueError: for bools other than 0 and 1, with which NumPy would compute nonsense.
    """
    array = raw.view(kind.in_file.newbyteorder(">" if byteorder == "big" else "<"))
    if kind.name == "BFloat16Storage":
        return (array.astype(np.uint32) << 16).view(np.float32)
    if kind.dtype is dtypes.bool_ and raw.size and raw.max() > 1:
        raise ValueError(f"a bool must be 0 or 1, found {raw.max()}")
    return array.astype(kind.dtype.numpy, copy=False)


class Storage:
    """Elements of one dtype in a row; tensors made by :meth:`view` share them.

    Attributes:
        array: the elements.
    """

    __slots__ = ("_variants", "array")

    device = cpu

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self._variants: dict[frozenset[str], Storage] = {}

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements."""
        return dtypes.dtype_of(self.array)

    def __len__(self) -> int:
        return len(self.array)

    def cpu(self) -> Storage:
        """The storage itself."""
        return self

    def __repr__(self) -> str:
        return f"<Storage of {len(self)} elements of {self.dtype}>"

    def fill(self, values: np.ndarray) -> None:
        """Put other values in."""
        self.array[...] = values
        for flags, variant in self._variants.items():
            variant.array[...] = _with_flags(values, flags)

    def changed(self, flags: frozenset[str]) -> Storage:
        """The storage with its elements conjugated (``"conj"``) or negated (``"neg"``), made once."""
        if flags and flags not in self._variants:
            self._variants[flags] = Storage(_with_flags(self.array, flags))
        return self._variants[flags] if flags else self

    def view(self, offset: Any, size: Any, stride: Any) -> np.ndarray:
        """The array that starts at element ``offset``, with strides in elements.

        Raises:
            UnpicklingError: if the numbers are none or lead out of the storage.
        """
        if not (are_counts((offset,)) and are_counts(size) and are_counts(stride)):
            raise UnpicklingError(
                "a tensor's offset, size and stride must be integers from 0 (and at most "
                f"{MAX_DIMS} dimensions), got {short(offset)}, {short(size)}, {short(stride)}"
            )
        if len(size) != len(stride):
            raise UnpicklingError(f"a tensor's size {size} and stride {stride} differ in length")
        dtype = self.array.dtype
        try:
            if 0 in size:
                return np.empty(size, dtype)
            end = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) + 1
            if end > len(self):
                raise UnpicklingError(
                    f"a tensor of size {size}, stride {stride} at offset {offset} needs {end} "
                    f"elements, its storage holds {len(self)}"
                )
            item = dtype.itemsize
            return view_of(self.array, dtype, offset * item, size, [s * item for s in stride])
        except (ValueError, OverflowError) as error:
            raise UnpicklingError(f"a tensor of size {size} is too large ({error})") from None


def _with_flags(array: np.ndarray, flags: frozenset[str]) -> np.ndarray:
    array = array.conj() if "conj" in flags else array
    return -array if "neg" in flags else array.copy()


def are_counts(values: Any) -> bool:
    """Whether the values are integers from 0 that NumPy can take, few enough for a shape."""
    if not isinstance(values, (tuple, list)) or len(values) > MAX_DIMS:
        return False
    return all(type(v) is int and 0 <= v < 2**63 for v in values)


def short(value: Any) -> str:
    """A value from a file, for an error's text; large ones by their type alone."""
    small = value is None or isinstance(value, (bool, int, float, str)) or are_counts(value)
    text = repr(value) if small else ""
    return text if 0 < len(text) < 200 else f"a {type(value).__name__}"
