"""``Size``: a shape, a tuple that prints as PyTorch prints it and knows its number of elements."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any, SupportsIndex

__all__ = ["Size", "size_of"]


class Size(tuple[int, ...]):
    """The shape of a tensor.

    Raises:
        TypeError: if it is made of anything but integers.
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Size:
        items = tuple(sizes)
        try:
            return tuple.__new__(cls, map(operator.index, items))
        except TypeError:
            nr = next(i for i, item in enumerate(items) if not hasattr(item, "__index__"))
            raise TypeError(
                f"torch.Size() takes an iterable of 'int' (item {nr} is '{type(items[nr]).__name__}')"
            ) from None

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    __str__ = __repr__

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return size_of(item) if type(item) is tuple else item

    def __add__(self, other: tuple[Any, ...]) -> Size:
        if not isinstance(other, tuple):
            raise TypeError(
                f"can only concatenate tuple (not {type(other).__name__}) to torch.Size"
            )
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: tuple[Any, ...]) -> Size:
        return Size(other) + self if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> Size:
        return size_of(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __reduce__(self) -> tuple[Any, ...]:
        return Size, (tuple(self),)


def size_of(shape: tuple[int, ...]) -> Size:
    """A shape that is known to consist of integers, unchecked: what ``Tensor.shape`` calls."""
    return tuple.__new__(Size, shape)
