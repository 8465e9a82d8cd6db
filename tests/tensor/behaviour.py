"""Expressions written once for both libraries, and what they give in a few words."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

CODES = {
    "bool": "?", "uint8": "B", "int8": "b", "int16": "h", "int32": "i", "int64": "l", "float16": "e",
    "float32": "f", "float64": "d", "complex64": "F", "complex128": "D",
}  # fmt: skip


def names(torch: Any) -> dict[str, Any]:
    """What the expressions may mention."""
    T = torch.tensor
    return {
        "torch": torch, "np": np, "T": T, "ones": torch.ones, "nan": float("nan"),
        "m": torch.zeros(3, 4), "m3": torch.zeros(2, 3, 4), "whole": torch.zeros(3, dtype=torch.int64),
        "chances": T([0.1, 0.9]), "ints": T([3, -2]), "imag_": T([1j]), "bool_": T([True]),
        "bytes_": T([44], dtype=torch.uint8), "byte3": T([3], dtype=torch.uint8),
        "int8_": T([5], dtype=torch.int8), "int64_": T([5]), "half": T([1.0], dtype=torch.float16),
        "gaps": T([[1.0, 3.0, 3.0, float("nan")], [2.0, 2.0, 1.0, 0.0]]),
        "counts": T([[3, 1, 1, 2, 2]]),
    }  # fmt: skip


def result(torch: Any, expression: str) -> Any:
    """The value, or the error that evaluating raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return eval(expression, names(torch))
        except Exception as error:
            return error


def outcome(torch: Any, expression: str) -> str:
    """``f[2,3]`` for a float32 tensor of that shape, the type of an error, the repr of the rest."""
    return describe(result(torch, expression))


def describe(value: Any) -> str:
    if isinstance(value, Exception):
        return type(value).__name__
    if hasattr(value, "requires_grad"):
        name = str(value.dtype).removeprefix("torch.")
        code = CODES.get(name, name)
        return f"{code}{list(value.shape)}".replace(" ", "")
    if isinstance(value, (tuple, list)) and any(hasattr(v, "requires_grad") for v in value):
        return f"({', '.join(describe(v) for v in value)})"
    return repr(value)
