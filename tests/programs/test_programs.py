"""Each program runs under Penlight alone, and arrives at the numbers PyTorch arrives at."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import penlight
from tests.programs import (  # noqa: F401
    control,
    functions,
    generative,
    images,
    science,
    sequences,
    structures,
    transformers,
)
from tests.programs.base import PROGRAMS, Program

by_name = pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)


@by_name
def test_runs(program: Program) -> None:
    result = np.array(program.run(penlight), np.float64)
    assert result.size
    assert np.isfinite(result).all()
    assert not program.falls or result[-1] < result[0]


@pytest.mark.parity
@by_name
def test_same_numbers_as_pytorch(program: Program, torch: Any) -> None:
    ours = program.run(penlight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = program.run(torch)
    np.testing.assert_allclose(ours, theirs, rtol=program.rtol, atol=program.atol)
