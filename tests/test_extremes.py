"""Every row of the table at extreme input: huge, tiny, infinite, NaN, empty, one element.

What differs from PyTorch stands with its reason in ``extreme_differences``; a difference that is not
there fails, and so does one that is there and no longer exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from penlight.testing.specs import MODULES, SPECS, Sample
from tests.extreme_differences import DIFFERENCES, EXCLUDED, EXCLUDED_FILES, ORDER_DECIDES
from tests.extremes import FILLS, Spec, arrays, disagreements, extreme, small

ROWS: dict[str, Spec] = {**SPECS, **MODULES}


def _file(spec: Spec) -> str:
    program = spec.build if hasattr(spec, "build") else spec.call
    return str(program.__module__).rpartition(".")[2]


def _chosen(spec: Spec) -> list[Sample]:
    """Two samples with floating numbers, neither tiny nor large."""
    fit = [
        s
        for s in islice(spec.cases(), 12)
        if any(x.size > 1 for x in arrays(s)) and all(x.size < 5000 for x in arrays(s))
    ]
    return [fit[0], fit[len(fit) // 2]][: len(fit)] if fit else []


def _programs(name: str, spec: Spec) -> Iterator[tuple[str, Sample, str | None]]:
    """(what is done, the sample, how the parameters are filled)."""
    for sample in _chosen(spec):
        for how in FILLS:
            yield how, extreme(sample, how), None
        for how in ("empty batch", "one element"):
            if (reduced := small(sample, how)) is not None:
                yield how, reduced, None
        if name in MODULES:
            for how in ("sprinkled", "huge", "nan", "inf"):
                yield f"weights {how}", sample, how


def _is_tried(spec: Spec) -> bool:
    return spec.parity and _file(spec) not in EXCLUDED_FILES


NAMES = [name for name, spec in ROWS.items() if _is_tried(spec)]


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_extreme_input_gives_what_pytorch_gives(name: str, torch: Any) -> None:
    found: dict[str, str] = {}
    for how, sample, weights in _programs(name, ROWS[name]):
        if (name, how) in EXCLUDED:
            continue
        if name in ORDER_DECIDES and how.split()[-1] in ("huge", "range"):
            continue
        text = disagreements(torch, ROWS[name], sample, weights)
        if text:
            found.setdefault(how, f"{how}, {sample!r}: {text}")
    known, _ = DIFFERENCES.get(name, ((), ""))
    new = [text for how, text in found.items() if how not in known]
    assert not new, "\n".join([name, *new])
    gone = [how for how in known if how not in found]
    assert not gone, f"{name} agrees with PyTorch now: take {gone} out of DIFFERENCES"


def test_the_lists_name_rows_of_the_table() -> None:
    named = {*DIFFERENCES, *ORDER_DECIDES, *(row for row, _ in EXCLUDED)}
    assert named <= set(ROWS)
    assert all(reason for _, reason in DIFFERENCES.values())
    assert set(EXCLUDED_FILES) <= {_file(spec) for spec in ROWS.values()}
