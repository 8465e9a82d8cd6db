"""``rearrange`` by patterns, and ``debug_unwrap``."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def func(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.func")


PATTERNS = [
    ("a b c -> c (a b)", {}, lambda x: x.reshape(6, 4).T),
    ("a b (c d) -> (a d) b c", {"d": 2}, lambda x: x.reshape(2, 3, 2, 2).permute(0, 3, 1, 2).reshape(4, 3, 2)),
    ("... c -> c ...", {}, lambda x: x.permute(2, 0, 1)),
    ("a ... -> (a ...)", {}, lambda x: x.reshape(24)),
    ("a ... -> ... a", {}, lambda x: x.permute(1, 2, 0)),
    ("... -> ...", {}, lambda x: x),
    ("a b c -> a b c 1", {}, lambda x: x[..., None]),
    ("a b c -> a () (b c)", {}, lambda x: x.reshape(2, 1, 12)),
    ("a1 b_x c -> (c a1) b_x", {}, lambda x: x.permute(2, 0, 1).reshape(8, 3)),
    ("a b c -> a (b 1) c", {}, lambda x: x),
    (" (a1 a2)  b c->a1 (a2 c) b", {"a2": 2}, lambda x: x.permute(0, 2, 1).reshape(1, 8, 3)),
    ("a b c -> c b a", {"a": 2}, lambda x: x.permute(2, 1, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "sizes", "expected"), PATTERNS)
def test_patterns(lib: Any, pattern: str, sizes: Any, expected: Any) -> None:
    x = lib.arange(24).reshape(2, 3, 4)
    y = func(lib).rearrange(x, pattern, **sizes)
    assert y.shape == expected(x).shape
    assert lib.equal(y, expected(x))


def test_units_and_sequences(lib: Any) -> None:
    x = lib.arange(8).reshape(2, 1, 4)
    assert func(lib).rearrange(x, "a 1 c -> a c").shape == (2, 4)
    assert func(lib).rearrange(x, "a () c -> c a").shape == (4, 2)
    assert func(lib).rearrange([x, x, x], "n a b c -> (n a) (b c)").shape == (6, 4)


def test_gradients_pass(lib: Any) -> None:
    x = lib.ones(2, 3, requires_grad=True)
    (func(lib).rearrange(x, "a b -> (b a)") * lib.arange(6.0)).sum().backward()
    assert x.grad.tolist() == [[0, 2, 4], [1, 3, 5]]


@pytest.mark.parametrize(
    ("pattern", "sizes", "text"),
    [
        ("a b c -> a b", {}, "only on one side"),
        ("a b -> a b", {}, "Number of dimensions in pattern"),
        ("a b c -> a b c d", {}, "only on one side"),
        ("a a c -> a c", {}, "duplicate dimension"),
        ("a b c", {}, "single '->'"),
        ("a b (c d) -> a b c d", {}, "cannot infer the sizes"),
        ("a b (c d) -> a b c d", {"d": 3}, "divide|evenly"),
        ("a b c -> a b c", {"d": 3}, "Identifiers not found"),
        ("a b c -> c b a", {"a": 5}, "divide|do not match"),
        ("a (... b) c -> a b c ...", {}, "(?i)ellipsis"),
        ("a b c -> a b c ...", {}, "Ellipsis found in right side"),
        ("a-b b c -> a", {}, "Unknown character"),
        ("a 3 c -> a c", {}, "unnamed axes of size 1"),
        ("a b c -> (a ((b c)))", {}, "one-level"),
        ("a b c -> (a b c", {}, "balanced"),
    ],
)
def test_errors(lib: Any, pattern: str, sizes: Any, text: str) -> None:
    error = (
        ValueError if lib.__name__ == "penlight" else Exception
    )  # some of PyTorch's are of its own
    with pytest.raises(error, match=text):
        func(lib).rearrange(lib.zeros(2, 3, 4), pattern, **sizes)


def test_debug_unwrap(lib: Any) -> None:
    F, seen = func(lib), []

    def f(u: Any) -> Any:
        seen.append(F.debug_unwrap(u).clone())
        return u

    x = lib.arange(6.0).reshape(2, 3)
    F.vmap(F.vmap(f))(x)
    assert lib.equal(seen[0], x)
    assert F.debug_unwrap(x) is x
