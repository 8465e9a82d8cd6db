"""Random programs of views, in-place changes and arithmetic do the same in both libraries."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

import penlight
from tests.autograd import programs

number = st.integers(0, 11)
step = st.tuples(st.sampled_from(sorted(programs.OPERATIONS)), number, number, number)
program = st.lists(step, min_size=1, max_size=8)

FOUND = [  # programs that once went wrong
    [("unbound", 3, 0, 0), ("mul_ number", 3, 0, 0)],
    [("transpose", 0, 4, 1), ("row", 3, 2, 2), ("set row to number", 5, 8, 4)],
    [("data", 3, 0, 0), ("mul", 3, 0, 0)],
    [("row", 2, 9, 7), ("add_", 2, 3, 6), ("tanh_", 5, 4, 10)],
    [("no_grad row", 3, 4, 11), ("copy_", 2, 4, 2)],
    [("slice", 3, 8, 7), ("retain_grad", 5, 6, 7), ("sigmoid_", 5, 5, 2)],
    [("masked", 4, 4, 1), ("div_", 5, 1, 1), ("fill_", 2, 4, 7)],
]


def close(a: Any, b: Any) -> bool:
    """Equal nested results, up to rounding."""
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(close, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b) or abs(a - b) <= 1e-6 * (1 + abs(b))
    return bool(a == b)


def check(torch: Any, steps: list[programs.Step]) -> None:
    ours, theirs = programs.run(penlight, steps), programs.run(torch, steps)
    for what, a, b in zip(("events", "tensors", "gradients"), ours, theirs, strict=True):
        assert close(a, b), f"{what}: {a}, PyTorch has {b}"


@pytest.mark.parity
@pytest.mark.parametrize("steps", FOUND)
def test_programs_that_once_went_wrong(torch: Any, steps: list[programs.Step]) -> None:
    check(torch, steps)


@pytest.mark.parity
@given(steps=program)
def test_random_programs(torch: Any, steps: list[programs.Step]) -> None:
    check(torch, steps)


@given(steps=program)
def test_programs_repeat_their_bits(steps: list[programs.Step]) -> None:
    assert str(programs.run(penlight, steps)) == str(programs.run(penlight, steps))
