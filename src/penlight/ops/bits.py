"""Bits of integers, and greatest common divisors: no gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.ops.comparison import elementwise

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "gcd", "lcm",
]  # fmt: skip


def bitwise_and(input: Any, other: Any) -> Tensor:
    """input & other, for integers and booleans."""
    return elementwise(np.bitwise_and, "bitwise_and", input, other)


def bitwise_or(input: Any, other: Any) -> Tensor:
    """input | other, for integers and booleans."""
    return elementwise(np.bitwise_or, "bitwise_or", input, other)


def bitwise_xor(input: Any, other: Any) -> Tensor:
    """input ^ other, for integers and booleans."""
    return elementwise(np.bitwise_xor, "bitwise_xor", input, other)


def bitwise_not(input: Tensor) -> Tensor:
    """~input, for integers and booleans."""
    return elementwise(np.invert, "bitwise_not", input)


def bitwise_left_shift(input: Any, other: Any) -> Tensor:
    """input * 2^other, for integers; 0 for shifts of the whole width."""
    return elementwise(_shift(np.left_shift), "bitwise_left_shift", input, other)


def bitwise_right_shift(input: Any, other: Any) -> Tensor:
    """input / 2^other rounded down, for integers."""
    return elementwise(_shift(np.right_shift), "bitwise_right_shift", input, other)


def _shift(function: Any) -> Any:
    def shifted(a: Any, b: Any) -> Any:
        if np.result_type(a).kind not in "ui":
            raise TypeError
        return function(a, b)

    return shifted


def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor, elementwise."""
    return elementwise(np.gcd, "gcd", input, other)


def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple, elementwise."""
    return elementwise(np.lcm, "lcm", input, other)
