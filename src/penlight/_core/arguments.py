"""Arguments brought to one form at the door, so that the code below them deals in exact types."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

__all__ = ["normalize_axes", "normalize_axis", "ntuple", "numpy_names", "shape_argument"]

F = TypeVar("F", bound=Callable[..., Any])


def ntuple(value: Any, n: int, name: str) -> tuple[int, ...]:
    """``3`` -> ``(3, 3)``; a sequence of ``n`` integers (or of one) is kept.

    Raises:
        TypeError: if the value is neither an integer nor a sequence of integers.
        RuntimeError: if the sequence has the wrong length.
    """
    try:
        if not isinstance(value, Iterable):
            return (operator.index(value),) * n
        values = tuple(operator.index(v) for v in value)
    except TypeError:
        raise TypeError(f"{name} must be an int or a tuple of {n} ints, got {value!r}") from None
    if len(values) == 1:
        return values * n
    if len(values) != n:
        raise RuntimeError(f"{name} must be an int or a tuple of {n} ints, got {value!r}")
    return values


def normalize_axis(dim: int, ndim: int, name: str = "dim") -> int:
    """A dimension counted from the end to one counted from the front.

    Raises:
        IndexError: if it is out of range (a 0-d tensor takes 0 and -1).
    """
    bound = max(ndim, 1)
    if not -bound <= dim < bound:
        raise IndexError(
            f"Dimension out of range: expected {name} in [{-bound}, {bound - 1}], got {dim}"
        )
    return dim % bound


def normalize_axes(dim: Any, ndim: int, name: str = "dim") -> tuple[int, ...] | None:
    """``None`` stays ``None`` (all dimensions); an int or ints become a tuple of distinct axes."""
    if dim is None:
        return None
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    axes = tuple([d if type(d) is int and 0 <= d < ndim else _axis(d, ndim, name) for d in dims])
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"{name} {axes} names a dimension twice; each may appear once")
    return axes if ndim else ()


def _axis(dim: Any, ndim: int, name: str) -> int:
    return normalize_axis(operator.index(dim), ndim, name)


def shape_argument(sizes: tuple[Any, ...], name: str = "size") -> tuple[int, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` both give ``(2, 3)``.

    Raises:
        TypeError: for anything but integers.
    """
    if len(sizes) == 1 and isinstance(sizes[0], Iterable) and not hasattr(sizes[0], "__index__"):
        sizes = tuple(sizes[0])
    for s in sizes:
        if type(s) is not int:
            break
    else:
        return sizes  # nothing to do: by far the most frequent case
    try:
        return tuple(operator.index(s) for s in sizes)
    except TypeError:
        raise TypeError(f"{name} must be ints or one tuple of ints, got {sizes!r}") from None


def numpy_names(function: F) -> F:
    """Have a function take NumPy's ``axis`` and ``keepdims`` for ``dim`` and ``keepdim``, as PyTorch's do."""

    @functools.wraps(function)
    def with_names(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            for theirs, ours in (("axis", "dim"), ("keepdims", "keepdim")):
                if theirs in kwargs:
                    if ours in kwargs:
                        raise TypeError(f"{function.__name__}() got both {ours!r} and {theirs!r}")
                    kwargs[ours] = kwargs.pop(theirs)
        return function(*args, **kwargs)

    return cast(F, with_names)
