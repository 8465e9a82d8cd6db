"""``testing.assert_close``, for either library."""

from __future__ import annotations

import importlib
import math
from typing import Any

import pytest


@pytest.fixture
def close(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.testing").assert_close


PASSES = {
    "same": lambda t, close: close(t.ones(2), t.ones(2)),
    "rounding": lambda t, close: close(t.tensor([1.0]), t.tensor([1.0 + 1e-6])),
    "empty": lambda t, close: close(t.zeros(0), t.zeros(0)),
    "nan": lambda t, close: close(t.tensor([math.nan]), t.tensor([math.nan]), equal_nan=True),
    "infinity": lambda t, close: close(t.tensor([math.inf]), t.tensor([math.inf])),
    "dtypes": lambda t, close: close(t.ones(2), t.ones(2).double(), check_dtype=False),
    "nested": lambda t, close: close({"a": [t.ones(1), 2]}, {"a": [t.ones(1), 2]}),
    "wide": lambda t, close: close(t.tensor([1.0]), t.tensor([1.5]), rtol=0, atol=0.6),
    "gradients": lambda t, close: close(t.ones(2, requires_grad=True), t.ones(2)),
    "none": lambda t, close: close(None, None),
}
FAILS = {
    "values": (lambda t, close: close(t.tensor([1.0, 2.0]), t.tensor([1.0, 2.5])),
               r"not close!\n\nMismatched elements: 1 / 2 \(50.0%\)\nGreatest absolute difference: 0.5 at index \(1,\) \(up to 1e-05"),
    "exact": (lambda t, close: close(t.tensor([1, 5]), t.tensor([2, 5])), "Tensor-likes are not equal!"),
    "large integers": (lambda t, close: close(t.tensor([2**62]), t.tensor([2**62 + 1])), "not equal!"),
    "shape": (lambda t, close: close(t.ones(2), t.ones(3)), "attribute 'shape' do not match"),
    "dtype": (lambda t, close: close(t.ones(2), t.ones(2).double()), "attribute 'dtype' do not match"),
    "stride": (lambda t, close: close(t.ones(2, 2).t(), t.ones(2, 2), check_stride=True), r"'stride\(\)'"),
    "nan": (lambda t, close: close(t.tensor([math.nan]), t.tensor([math.nan])), "not close"),
    "infinity": (lambda t, close: close(t.tensor([math.inf]), t.tensor([1.0])), "not close"),
    "scalars": (lambda t, close: close(1.0, 1.5), r"Expected 1.5 but got 1.0.\nAbsolute difference: 0.5"),
    "kinds": (lambda t, close: close(1, 1.0), "types do not match"),
    "booleans": (lambda t, close: close(True, False), "Booleans mismatch"),
    "item": (lambda t, close: close([1, {"x": 2}], [1, {"x": 3}]), r"for item \[1\]\['x'\]"),
    "length": (lambda t, close: close([1], [1, 2]), "length of the sequences mismatch: 1 != 2"),
    "keys": (lambda t, close: close({"x": 1}, {"y": 1}), r"Missing keys in the actual mapping: \['y'\]"),
    "text": (lambda t, close: close(1, 2, msg="mine"), "^mine$"),
    "text made": (lambda t, close: close(1, 2, msg=lambda m: "> " + m), "^> Scalars"),
    "masks": (lambda t, close: close(t.tensor([True]), t.tensor([False])), "not equal"),
    "complex": (lambda t, close: close(t.tensor([1 + 1j]), t.tensor([1 + 2j])), "not close"),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSES)
def test_close(lib: Any, close: Any, name: str) -> None:
    PASSES[name](lib, close)


@pytest.mark.parametrize("name", FAILS)
def test_not_close(lib: Any, close: Any, name: str) -> None:
    call, text = FAILS[name]
    with pytest.raises(AssertionError, match=text):
        call(lib, close)


def test_bad_arguments(lib: Any, close: Any) -> None:
    with pytest.raises(ValueError, match="got no atol"):
        close(1.0, 2.0, rtol=0.1)
    for a, b in ((lib.ones(1), [1.0]), (lib.ones(()), 1.0), ("a", "b")):
        with pytest.raises(TypeError, match="No comparison pair"):
            close(a, b)
