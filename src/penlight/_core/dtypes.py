"""Data types: PyTorch's names over NumPy's dtypes, and PyTorch's promotion rules.

Promotion looks at the *category* of an operand (bool < integer < floating < complex) and at its
rank: a tensor with dimensions outranks a 0-d tensor, which outranks a Python number. A lower rank
widens the result only when its category is higher; a Python ``1.5`` met by an integer tensor then
gives the default dtype. NumPy alone would turn ``int32 + float32`` into ``float64``.

Source: "Type promotion attributes", PyTorch documentation of ``torch.dtype``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "as_dtype", "bool_", "can_cast", "category", "complex64", "complex128", "dtype", "dtype_of", "finfo",
    "float16", "float32", "float64", "from_torch_name", "get_default_dtype", "iinfo", "int8",
    "int16", "int32", "int64", "promote_types", "set_default_dtype", "uint8",
]  # fmt: skip

BOOL, INTEGER, FLOATING, COMPLEX = range(4)
_CATEGORY_OF_KIND = {"b": BOOL, "u": INTEGER, "i": INTEGER, "f": FLOATING, "c": COMPLEX}


class dtype:
    """The type of a tensor's elements; one object per type, compared by identity.

    Attributes:
        name: PyTorch's name without the prefix, such as ``"float32"``.
        numpy: the NumPy dtype of the array underneath.
        category: 0 bool, 1 integer, 2 floating, 3 complex.
        kind: NumPy's letter for it, so that ``x.dtype.kind`` can be asked of ndarrays and Tensors.
    """

    __slots__ = ("category", "kind", "name", "numpy")

    def __init__(self, name: str, numpy_dtype: Any) -> None:
        self.name = name
        self.numpy: np.dtype[Any] = np.dtype(numpy_dtype)
        self.kind = self.numpy.kind
        self.category = _CATEGORY_OF_KIND[self.kind]

    @property
    def is_floating_point(self) -> bool:
        return self.category == FLOATING

    @property
    def is_complex(self) -> bool:
        return self.category == COMPLEX

    @property
    def is_signed(self) -> bool:
        return self.kind in "ifc"

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.numpy.itemsize

    def to_real(self) -> dtype:
        """The dtype of the parts of a complex one; others are their own."""
        return {complex64: float32, complex128: float64}.get(self, self)

    def to_complex(self) -> dtype:
        """The complex dtype with parts of this one (complex64 also for float16).

        Raises:
            RuntimeError: for integers and bool.
        """
        if self.category < FLOATING:
            raise RuntimeError(f"to_complex: there is no complex dtype with parts of {self!r}")
        return {float16: complex64, float32: complex64, float64: complex128}.get(self, self)

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return from_torch_name, (self.name,)


bool_ = dtype("bool", np.bool_)
uint8 = dtype("uint8", np.uint8)
int8 = dtype("int8", np.int8)
int16 = dtype("int16", np.int16)
int32 = dtype("int32", np.int32)
int64 = dtype("int64", np.int64)
float16 = dtype("float16", np.float16)
float32 = dtype("float32", np.float32)
float64 = dtype("float64", np.float64)
complex64 = dtype("complex64", np.complex64)
complex128 = dtype("complex128", np.complex128)

_ALL = (
    bool_, uint8, int8, int16, int32, int64, float16, float32, float64, complex64, complex128,
)  # fmt: skip
_BY_NUMPY = {d.numpy: d for d in _ALL}
_BY_NAME = {d.name: d for d in _ALL}
_BY_NAME |= {"half": float16, "float": float32, "double": float64, "short": int16}
_BY_NAME |= {"int": int32, "long": int64, "cfloat": complex64, "cdouble": complex128}
_BY_PYTHON = {bool: bool_, int: int64, float: float64, complex: complex128}

_default = float32


def get_default_dtype() -> dtype:
    """The floating dtype given to new tensors of Python floats (``float32`` at the start)."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Set the dtype given to new tensors of Python floats.

    Raises:
        TypeError: if ``d`` is not a floating dtype.
    """
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"set_default_dtype: d must be a floating-point dtype, got {d!r}")
    _default = d


def from_torch_name(name: str) -> dtype:
    """The dtype called ``name`` in PyTorch (``"float32"``, ``"half"``, ``"torch.long"``)."""
    try:
        return _BY_NAME[name.removeprefix("torch.")]
    except KeyError:
        raise TypeError(
            f"dtype {name!r} is not supported; expected one of {', '.join(d.name for d in _ALL)}"
        ) from None


def dtype_of(array: np.ndarray) -> dtype:
    """The Penlight dtype of an ndarray.

    Raises:
        TypeError: for arrays of a type that PyTorch has no dtype for (strings, objects ...).
    """
    try:
        return _BY_NUMPY[array.dtype]
    except KeyError:
        native = _BY_NUMPY.get(array.dtype.newbyteorder("="))
        if native is not None:
            return native
        raise TypeError(
            f"can't convert an array of dtype {array.dtype}; supported: "
            f"{', '.join(d.name for d in _ALL)}"
        ) from None


def as_dtype(value: Any, owner: str = "dtype") -> dtype:
    """Accept a Penlight dtype, a Python type or anything NumPy takes for a dtype."""
    if isinstance(value, dtype):
        return value
    if isinstance(value, type) and value in _BY_PYTHON:
        return _BY_PYTHON[value]
    try:
        return _BY_NUMPY[np.dtype(value)]
    except (TypeError, KeyError):
        raise TypeError(f"{owner}: expected a dtype such as float32, got {value!r}") from None


def category(value: Any) -> int:
    """The category (0 bool, 1 integer, 2 floating, 3 complex) of a Python number."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INTEGER
    return FLOATING if isinstance(value, float) else COMPLEX


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest dtype that both convert to, by PyTorch's rules.

    A float meeting an integer keeps its own width: ``promote_types(float16, int64) is float16``.
    """
    if type1 is type2:
        return type1
    low, high = (type1, type2) if type1.category <= type2.category else (type2, type1)
    if high.category == FLOATING and low.category < FLOATING:
        return high
    if high.category == COMPLEX and low.category < COMPLEX:
        return complex128 if low is float64 else high
    return _BY_NUMPY[np.promote_types(type1.numpy, type2.numpy)]


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether an in-place operation may store ``from_`` in ``to``: the category must not fall.

    Example:
        >>> can_cast(torch.float64, torch.float32), can_cast(torch.float32, torch.int64)
        (True, False)
    """
    return from_.category <= to.category


class finfo:
    """Limits of a floating dtype: ``eps, max, min, tiny, smallest_normal, resolution, bits``."""

    def __init__(self, type: dtype | None = None) -> None:
        d = get_default_dtype() if type is None else type
        if not isinstance(d, dtype) or d.category < FLOATING:
            raise TypeError(f"finfo: type must be a floating dtype, got {d!r}; use iinfo")
        info = np.finfo(d.numpy)
        self.dtype, self.bits = d.to_real().name, int(info.bits)
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.tiny)
        self.resolution = float(str(info.resolution))  # 1e-6, not the float32 next to it

    def __repr__(self) -> str:
        fields = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        values = ", ".join(f"{f}={getattr(self, f):g}" for f in fields)
        return f"finfo({values}, dtype={self.dtype})"


class iinfo:
    """Limits of an integer dtype: ``max, min, bits``."""

    def __init__(self, type: dtype) -> None:
        if not isinstance(type, dtype) or type.category != INTEGER:
            raise TypeError(f"iinfo: type must be an integer dtype, got {type!r}; use finfo")
        info = np.iinfo(type.numpy)
        self.dtype, self.bits = type.name, int(info.bits)
        self.max, self.min = int(info.max), int(info.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
