"""Comparisons, logic and bits: no gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arrays import as_array
from penlight._core.errors import broadcast_error, unsupported_error
from penlight.autograd.base import TensorBase, wrap
from penlight.ops.promotion import promoted

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "allclose", "eq", "equal", "ge", "greater", "greater_equal", "gt", "isclose", "isfinite", "isinf",
    "isnan", "le", "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor",
    "lt", "ne", "not_equal",
]  # fmt: skip


def elementwise(function: Callable[..., Any], name: str, *operands: Any) -> Tensor:
    """A NumPy function of promoted operands, as a tensor without history."""
    values = promoted(*operands, owner=name)
    arrays = [x._array if isinstance(x, TensorBase) else x for x in values]
    try:
        result = function(*arrays)
    except ValueError:
        raise broadcast_error(name, [np.shape(a) for a in arrays]) from None
    except TypeError:
        raise unsupported_error(name, arrays) from None
    return wrap(TensorBase._result_type, as_array(result))


def eq(input: Tensor, other: Any) -> Tensor:
    """input == other, elementwise."""
    return elementwise(np.equal, "eq", input, other)


def ne(input: Tensor, other: Any) -> Tensor:
    """input != other, elementwise."""
    return elementwise(np.not_equal, "ne", input, other)


def _ordered(function: Callable[..., Any], name: str, input: Any, other: Any) -> Tensor:
    """A comparison that needs an order, which complex numbers lack."""
    for x in (input, other):
        if isinstance(x, complex) or (isinstance(x, TensorBase) and x._array.dtype.kind == "c"):
            raise NotImplementedError(f"{name}: not implemented for complex numbers; compare abs()")
    return elementwise(function, name, input, other)


def lt(input: Tensor, other: Any) -> Tensor:
    """input < other, elementwise."""
    return _ordered(np.less, "lt", input, other)


def le(input: Tensor, other: Any) -> Tensor:
    """input <= other, elementwise."""
    return _ordered(np.less_equal, "le", input, other)


def gt(input: Tensor, other: Any) -> Tensor:
    """input > other, elementwise."""
    return _ordered(np.greater, "gt", input, other)


def ge(input: Tensor, other: Any) -> Tensor:
    """input >= other, elementwise."""
    return _ordered(np.greater_equal, "ge", input, other)


def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """True where both are nonzero."""
    return elementwise(np.logical_and, "logical_and", input, other)


def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """True where either is nonzero."""
    return elementwise(np.logical_or, "logical_or", input, other)


def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """True where exactly one is nonzero."""
    return elementwise(np.logical_xor, "logical_xor", input, other)


def logical_not(input: Tensor) -> Tensor:
    """True where ``input`` is zero."""
    return elementwise(np.logical_not, "logical_not", input)


def isnan(input: Tensor) -> Tensor:
    """True where ``input`` is NaN."""
    return elementwise(np.isnan, "isnan", input)


def isinf(input: Tensor) -> Tensor:
    """True where ``input`` is infinite."""
    return elementwise(np.isinf, "isinf", input)


def isfinite(input: Tensor) -> Tensor:
    """True where ``input`` is neither infinite nor NaN."""
    return elementwise(np.isfinite, "isfinite", input)


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """|input - other| <= atol + rtol * |other|, elementwise."""
    if input._array.dtype != other._array.dtype:
        raise RuntimeError(f"isclose: {input.dtype} did not match {other.dtype}")
    return elementwise(
        lambda a, b: np.isclose(a, b, rtol, atol, equal_nan), "isclose", input, other
    )


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether all elements are close, by :func:`isclose`."""
    return bool(np.asarray(isclose(input, other, rtol, atol, equal_nan)._array).all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shape and all elements are equal."""
    return input._array.shape == other._array.shape and bool(
        np.asarray((input == other)._array).all()
    )


less, less_equal, greater, greater_equal, not_equal = lt, le, gt, ge, ne
