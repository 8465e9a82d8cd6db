"""Arithmetic and comparison: Python's operators and the methods of the same meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penlight.autograd.inplace import apply_inplace
from penlight.ops import arithmetic, comparison, exponential, selection
from penlight.ops import matmul as products
from penlight.tensor.inplace import inplace

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["ArithmeticMethods"]


class ArithmeticMethods:
    """Operators and elementwise methods."""

    __slots__ = ()

    add = __add__ = __radd__ = arithmetic.add
    sub = subtract = __sub__ = arithmetic.sub
    mul = multiply = __mul__ = __rmul__ = arithmetic.mul
    div = divide = true_divide = __truediv__ = arithmetic.div
    pow = __pow__ = arithmetic.pow
    neg = negative = __neg__ = arithmetic.neg
    reciprocal = arithmetic.reciprocal
    square = arithmetic.square
    exp = exponential.exp
    log = exponential.log
    sqrt = exponential.sqrt
    maximum = selection.maximum
    minimum = selection.minimum

    add_ = inplace(arithmetic.add)
    sub_ = subtract_ = inplace(arithmetic.sub)
    mul_ = multiply_ = inplace(arithmetic.mul)
    div_ = divide_ = true_divide_ = inplace(arithmetic.div)
    pow_ = inplace(arithmetic.pow)
    neg_ = negative_ = inplace(arithmetic.neg)
    reciprocal_ = inplace(arithmetic.reciprocal)
    square_ = inplace(arithmetic.square)
    exp_ = inplace(exponential.exp)
    log_ = inplace(exponential.log)
    sqrt_ = inplace(exponential.sqrt)

    def __rsub__(self: Tensor, other: Any) -> Tensor:
        return arithmetic.sub(other, self)

    def __rtruediv__(self: Tensor, other: Any) -> Tensor:
        return arithmetic.div(other, self)

    def __rpow__(self: Tensor, other: Any) -> Tensor:
        return arithmetic.pow(other, self)

    def __matmul__(self: Tensor, other: Tensor) -> Tensor:
        return products.matmul(self, other)

    def __rmatmul__(self: Tensor, other: Tensor) -> Tensor:
        return products.matmul(other, self)

    def __pos__(self: Tensor) -> Tensor:
        return self

    def __iadd__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, arithmetic.add, other)  # type: ignore[no-any-return]

    def __isub__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, arithmetic.sub, other)  # type: ignore[no-any-return]

    def __imul__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, arithmetic.mul, other)  # type: ignore[no-any-return]

    def __itruediv__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, arithmetic.div, other)  # type: ignore[no-any-return]

    def __ipow__(self: Tensor, other: Any) -> Tensor:
        return apply_inplace(self, arithmetic.pow, other)  # type: ignore[no-any-return]

    eq = comparison.eq
    ne = not_equal = __ne__ = comparison.ne
    lt = less = __lt__ = comparison.lt
    le = less_equal = __le__ = comparison.le
    gt = greater = __gt__ = comparison.gt
    ge = greater_equal = __ge__ = comparison.ge
    logical_and = comparison.logical_and
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    logical_not = comparison.logical_not

    bitwise_and = __and__ = __rand__ = comparison.bitwise_and
    bitwise_or = __or__ = __ror__ = comparison.bitwise_or
    bitwise_xor = __xor__ = __rxor__ = comparison.bitwise_xor
    bitwise_not = __invert__ = comparison.bitwise_not

    def __eq__(self: Any, other: Any) -> Any:
        """Elementwise; ``False`` against what no tensor can equal, so that ``in`` works on lists."""
        try:
            return comparison.eq(self, other)
        except TypeError:
            return NotImplemented

    def __hash__(self) -> int:
        return id(self)

    matmul = products.matmul
    mm = products.mm
    bmm = products.bmm
    mv = products.mv
    dot = products.dot
