"""What the promotion table is made of: operations, dtypes, and pairs of operands.

A cell of the table is one letter: the result's dtype as NumPy's type character, or ``N``, ``R``,
``T`` for the errors NotImplementedError, RuntimeError, TypeError.
"""

from __future__ import annotations

import warnings
from typing import Any

LETTERS = {
    "bool": "?", "uint8": "B", "int8": "b", "int16": "h", "int32": "i", "int64": "l",
    "float16": "e", "float32": "f", "float64": "d", "complex64": "F", "complex128": "D",
    "complex32": "F",  # Penlight has no complex32: complex64 is its place
}  # fmt: skip
DTYPES = [name for name in LETTERS if name != "complex32"]
NUMBERS: tuple[Any, ...] = (True, 1, 1.5, 1 + 1j)

OPERATIONS = {
    "add": lambda t, a, b: a + b,
    "sub": lambda t, a, b: a - b,
    "mul": lambda t, a, b: a * b,
    "div": lambda t, a, b: a / b,
    "floor_divide": lambda t, a, b: a // b,
    "remainder": lambda t, a, b: a % b,
    "pow": lambda t, a, b: a**b,
    "eq": lambda t, a, b: a == b,
    "lt": lambda t, a, b: a < b,
    "bitwise_and": lambda t, a, b: a & b,
    "where": lambda t, a, b: t.where(t.tensor([True]), a, b),
}
TENSORS_ONLY = {
    "maximum": lambda t, a, b: t.maximum(a, b),
    "atan2": lambda t, a, b: t.atan2(a, b),
    "cat": lambda t, a, b: t.cat([t.atleast_1d(a), t.atleast_1d(b)]),
    "stack": lambda t, a, b: t.stack([a, b]),
    "result_type": lambda t, a, b: t.zeros(1, dtype=t.result_type(a, b)),
}
EVERY = OPERATIONS | TENSORS_ONLY
KINDS = ["tensor, tensor", "tensor, 0-d", "0-d, tensor", "tensor, number", "number, tensor"]


def rows(torch: Any, name: str, kind: str) -> list[str]:
    """A row of letters for each dtype of the tensor (the first operand, if both are tensors)."""
    return ["".join(row(torch, name, kind, d)) for d in DTYPES]


def row(torch: Any, name: str, kind: str, d: str) -> list[str]:
    left, _, right = kind.partition(", ")
    x = make(torch, d, 1 if "number" in (left, right) or left == "tensor" else 0)
    if "number" in (left, right):
        others = list(NUMBERS)
    else:
        others = [make(torch, other, 1 if right == "tensor" else 0) for other in DTYPES]
    pairs = [(y, x) if left == "number" else (x, y) for y in others]
    return [letter(torch, name, a, b) for a, b in pairs]


def make(torch: Any, d: str, ndim: int) -> Any:
    return torch.ones((1,) * ndim, dtype=getattr(torch, d))


def letter(torch: Any, name: str, a: Any, b: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            y = EVERY[name](torch, a, b)
        except (RuntimeError, TypeError) as error:
            return type(error).__name__[0]
    return LETTERS[str(y.dtype).removeprefix("torch.")]


def table(torch: Any) -> dict[str, dict[str, list[str]]]:
    """All rows by operation and kind of operands."""
    kinds = {name: KINDS if name in OPERATIONS else KINDS[:3] for name in EVERY}
    return {name: {k: rows(torch, name, k) for k in kinds[name]} for name in EVERY}
