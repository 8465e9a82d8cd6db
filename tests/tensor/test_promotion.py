"""The dtype of every pair of operands: a frozen table, and PyTorch itself."""

from __future__ import annotations

from typing import Any

import pytest

import penlight
from tests.tensor.promotion_cases import DTYPES, EVERY, rows, table
from tests.tensor.promotion_table import TABLE

CELLS = [(name, kind) for name, kinds in TABLE.items() for kind in kinds]


@pytest.mark.parametrize(("name", "kind"), CELLS)
def test_promotion_table(name: str, kind: str) -> None:
    assert dict(zip(DTYPES, rows(penlight, name, kind), strict=True)) == dict(
        zip(DTYPES, TABLE[name][kind].split(), strict=True)
    )


def test_the_table_holds_every_case() -> None:
    assert {name: list(kinds) for name, kinds in TABLE.items()} == {
        name: list(kinds) for name, kinds in table(penlight).items()
    }
    assert set(TABLE) == set(EVERY)


@pytest.mark.parity
@pytest.mark.parametrize(("name", "kind"), CELLS)
def test_table_is_pytorchs(name: str, kind: str, torch: Any) -> None:
    """Cell by cell; but for complex32, which Penlight lacks, and ``True ** True``."""
    for d, ours, theirs in zip(
        DTYPES, TABLE[name][kind].split(), rows(torch, name, kind), strict=True
    ):
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            complex32 = theirs[i] == "N" and ours[i] == "F"
            bool_to_bool = name == "pow" and d == "bool" and kind == "tensor, number" and i == 0
            assert a == b or complex32 or bool_to_bool, f"{name} ({kind}) {d}, {i}: {a}, {b}"


def test_promote_types_is_symmetric_and_idempotent() -> None:
    every = [getattr(penlight, d) for d in DTYPES]
    for a in every:
        assert penlight.promote_types(a, a) is a
        for b in every:
            assert penlight.promote_types(a, b) is penlight.promote_types(b, a)
            assert penlight.can_cast(a, penlight.promote_types(a, b))


def test_numbers_are_weak_and_wrap() -> None:
    small = penlight.tensor([44], dtype=penlight.uint8)
    assert (small + 300).tolist() == [88]
    assert (small == 300).tolist() == [True]
    assert (penlight.tensor([5], dtype=penlight.int8) + 200).tolist() == [-51]
    assert (penlight.ones(1) * 1e40).tolist() == [float("inf")]
    with pytest.raises(OverflowError):
        penlight.ones(1, dtype=penlight.int64) + 2**70


def test_default_dtype_decides_for_numbers() -> None:
    penlight.set_default_dtype(penlight.float64)
    try:
        assert (penlight.arange(2) * 1.5).dtype is penlight.float64
        assert (penlight.arange(2) / 2).dtype is penlight.float64
        assert (penlight.arange(2) * 1j).dtype is penlight.complex128
    finally:
        penlight.set_default_dtype(penlight.float32)
