"""dtypes' attributes, and ``finfo`` and ``iinfo``."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

NAMES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64",
    "complex128",
)  # fmt: skip
FLOAT_LIMITS = ("eps", "max", "min", "tiny", "smallest_normal", "resolution", "bits", "dtype")


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_attributes(torch: Any, name: str) -> None:
    import penlight

    ours, theirs = getattr(penlight, name), getattr(torch, name)
    for attribute in ("is_floating_point", "is_complex", "is_signed", "itemsize"):
        assert getattr(ours, attribute) == getattr(theirs, attribute), attribute
    assert repr(ours) == str(ours) == repr(theirs)
    assert repr(ours.to_real()) == repr(theirs.to_real())


def test_identity(lib: Any) -> None:
    for name in NAMES:
        d = getattr(lib, name)
        assert pickle.loads(pickle.dumps(d)) is d
        assert copy.deepcopy(d) is d
        assert d != name
    assert lib.float is lib.float32
    assert lib.double is lib.float64
    assert lib.half is lib.float16
    assert (lib.short, lib.int, lib.long) == (lib.int16, lib.int32, lib.int64)


def test_to_complex(lib: Any) -> None:
    assert lib.float32.to_complex() is lib.complex64
    assert lib.float64.to_complex() is lib.complex128
    assert lib.complex64.to_complex() is lib.complex64
    with pytest.raises(RuntimeError):
        lib.int32.to_complex()


@pytest.mark.parity
@pytest.mark.parametrize("name", ["float16", "float32", "float64", "complex64"])
def test_finfo_matches(torch: Any, name: str) -> None:
    import penlight

    ours, theirs = penlight.finfo(getattr(penlight, name)), torch.finfo(getattr(torch, name))
    for attribute in FLOAT_LIMITS:
        assert getattr(ours, attribute) == getattr(theirs, attribute), attribute
    assert repr(ours) == repr(theirs)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32", "int64"])
def test_iinfo_matches(torch: Any, name: str) -> None:
    import penlight

    ours, theirs = penlight.iinfo(getattr(penlight, name)), torch.iinfo(getattr(torch, name))
    for attribute in ("max", "min", "bits", "dtype"):
        assert getattr(ours, attribute) == getattr(theirs, attribute), attribute
    assert repr(ours) == repr(theirs)


def test_limits_of_the_default(lib: Any) -> None:
    assert lib.finfo().dtype == "float32"
    try:
        lib.set_default_dtype(lib.float64)
        assert lib.finfo().dtype == "float64"
        assert lib.tensor(1.0).dtype is lib.ones(1).dtype is lib.float64
        assert lib.tensor(1j).dtype is lib.complex128
    finally:
        lib.set_default_dtype(lib.float32)


def test_wrong_kinds(lib: Any) -> None:
    for bad in (lib.int32, lib.bool, 3):
        with pytest.raises(TypeError):
            lib.finfo(bad)
    for bad in (lib.float32, lib.bool, 3):
        with pytest.raises(TypeError):
            lib.iinfo(bad)
    for bad in (lib.int32, "float64"):
        with pytest.raises(TypeError, match="floating-point"):
            lib.set_default_dtype(bad)
