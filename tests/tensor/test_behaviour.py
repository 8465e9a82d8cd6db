"""Hundreds of calls, good and bad: what they give is what PyTorch gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight
from tests.tensor.behaviour import describe, outcome, result
from tests.tensor.behaviour_table import TABLE

RANDOM = ("rand", "normal", "bernoulli", "multinomial", "poisson", "binomial", "empty", "uniform_",
          "exponential_", "cauchy_", "geometric_", "Tensor(", "data_ptr")  # fmt: skip
OPEN = (  # ties and NaN: which one is not said; at a pole PyTorch gives a large number
    "torch.mode(gaps,0)", "torch.topk(gaps,2)", "torch.polygamma(1,ints)",
)  # fmt: skip


@pytest.mark.parametrize("expression", TABLE)
def test_outcome(expression: str) -> None:
    assert outcome(penlight, expression) == TABLE[expression]


@pytest.mark.parity
@pytest.mark.parametrize("expression", TABLE)
def test_outcome_and_values_are_pytorchs(expression: str, torch: Any) -> None:
    theirs = result(torch, expression)
    assert describe(theirs) == TABLE[expression]
    if isinstance(theirs, Exception) or any(word in expression for word in RANDOM):
        return
    if expression not in OPEN:
        _assert_equal(result(penlight, expression), theirs)


def _assert_equal(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, (tuple, list)):
        for a, b in zip(ours, theirs, strict=True):
            _assert_equal(a, b)
    elif hasattr(theirs, "requires_grad"):
        np.testing.assert_allclose(
            ours.numpy(), theirs.resolve_conj().numpy(), rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("expression", [e for e, t in TABLE.items() if t.endswith("Error")])
def test_messages_say_what_was_wrong(expression: str) -> None:
    """Long enough to name argument, expected and received; of Penlight, not of NumPy's insides."""
    error = result(penlight, expression)
    text = str(error)
    assert len(text) > 20, text
    for inside in ("operands could not be broadcast", "UFunc", "loop of ufunc", "object at 0x"):
        assert inside not in text, text
