"""Python's operators on tensors.

An operand that is neither a tensor nor a number gets its turn: ``NotImplemented`` has Python ask for
its reflected method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.autograd.inplace import apply_inplace
from penlight.ops import arithmetic, bits, comparison, matmul as matrix, repeating, rounding
from penlight.ops.arithmetic import Add, Mul
from penlight.ops.promotion import promoted

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["OperatorMethods"]

_OPERANDS = (TensorBase, bool, int, float, complex, np.generic, np.ndarray)


def _foreign(other: Any) -> Any:
    """``NotImplemented`` for operands unknown here; called while their TypeError is handled."""
    if isinstance(other, _OPERANDS):
        raise  # the TypeError that is being handled
    return NotImplemented


def _binary(function: Callable[..., Any]) -> Any:
    def operator(self: Any, other: Any) -> Any:
        try:
            return function(self, other)
        except TypeError:
            return _foreign(other)

    return operator


def _reflected(function: Callable[..., Any]) -> Any:
    def operator(self: Any, other: Any) -> Any:
        try:
            return function(other, self)
        except TypeError:
            return _foreign(other)

    return operator


def _inplace(function: Callable[..., Any]) -> Any:
    def operator(self: Any, other: Any) -> Any:
        return apply_inplace(self, function, other)

    return operator


class OperatorMethods:
    """Operators; those of sums and products are written out, for speed."""

    __slots__ = ()

    def __add__(self: Any, other: Any) -> Any:
        try:
            return Add.apply(*promoted(self, other, owner="add"))
        except TypeError:
            return _foreign(other)

    def __mul__(self: Any, other: Any) -> Any:
        try:
            return Mul.apply(*promoted(self, other, owner="mul"))
        except TypeError:
            return _foreign(other)

    __radd__, __rmul__ = __add__, __mul__
    __sub__, __rsub__ = _binary(arithmetic.sub), _reflected(arithmetic.sub)
    __truediv__, __rtruediv__ = _binary(arithmetic.div), _reflected(arithmetic.div)
    __floordiv__ = _binary(rounding.floor_divide)
    __rfloordiv__ = _reflected(rounding.floor_divide)
    __mod__, __rmod__ = _binary(rounding.remainder), _reflected(rounding.remainder)
    __pow__, __rpow__ = _binary(arithmetic.pow), _reflected(arithmetic.pow)
    __matmul__, __rmatmul__ = _binary(matrix.matmul), _reflected(matrix.matmul)

    __and__ = __rand__ = _binary(bits.bitwise_and)
    __or__ = __ror__ = _binary(bits.bitwise_or)
    __xor__ = __rxor__ = _binary(bits.bitwise_xor)
    __lshift__ = _binary(bits.bitwise_left_shift)
    __rlshift__ = _reflected(bits.bitwise_left_shift)
    __rshift__ = _binary(bits.bitwise_right_shift)
    __rrshift__ = _reflected(bits.bitwise_right_shift)

    __iadd__, __isub__ = _inplace(arithmetic.add), _inplace(arithmetic.sub)
    __imul__, __itruediv__ = _inplace(arithmetic.mul), _inplace(arithmetic.div)
    __ifloordiv__, __imod__ = _inplace(rounding.floor_divide), _inplace(rounding.remainder)
    __ipow__ = _inplace(arithmetic.pow)
    __iand__, __ior__ = _inplace(bits.bitwise_and), _inplace(bits.bitwise_or)
    __ixor__ = _inplace(bits.bitwise_xor)
    __ilshift__ = _inplace(bits.bitwise_left_shift)
    __irshift__ = _inplace(bits.bitwise_right_shift)

    __neg__, __pos__, __abs__ = arithmetic.neg, arithmetic.positive, rounding.abs

    def __invert__(self: Any) -> Tensor:
        if self._array.dtype.kind not in "bui":
            raise TypeError(
                "~ (operator.invert) is only implemented on integer and Boolean tensors, got "
                f"{self.dtype}"
            )
        return bits.bitwise_not(self)

    __lt__, __le__ = _binary(comparison.lt), _binary(comparison.le)
    __gt__, __ge__ = _binary(comparison.gt), _binary(comparison.ge)

    def __eq__(self: Any, other: Any) -> Any:
        """Elementwise; ``False`` against what no tensor can equal, so that ``in`` works on lists."""
        try:
            return comparison.eq(self, other)
        except TypeError:
            return _foreign(other)

    def __ne__(self: Any, other: Any) -> Any:
        try:
            return comparison.ne(self, other)
        except TypeError:
            return _foreign(other)

    __hash__ = object.__hash__  # by identity, and in C: tensors are keys of the engine's tables

    def __reversed__(self: Any) -> Tensor:
        """With all dimensions reversed."""
        return repeating.flip(self, tuple(range(self._array.ndim)))
