"""Calls with numbers in the older places: ``p.add_(-lr, grad)``, ``v.addcmul_(1 - beta, g, g)``.

PyTorch still takes them, and older optimizers are full of them.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from penlight.autograd.base import TensorBase

__all__ = ["older_order"]

_NUMBERS = {"add": ("alpha",), "sub": ("alpha",), "addcmul": ("value",), "addcdiv": ("value",)} | (
    dict.fromkeys(("addmm", "addmv", "addr", "addbmm", "baddbmm"), ("beta", "alpha"))
)


@functools.cache
def older_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, taking its factors by position too, where PyTorch does; others pass as they are."""
    names = _NUMBERS.get(function.__name__)
    if names is None:
        return function
    own = [p.kind for p in inspect.signature(function).parameters.values()]
    count = own.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)

    @functools.wraps(function)
    def with_older_order(*args: Any, **kwargs: Any) -> Any:
        if len(args) > count:
            args, kwargs = _by_name(function.__name__, names, count, args, kwargs)
        return function(*args, **kwargs)

    return with_older_order


def _by_name(
    owner: str, names: tuple[str, ...], count: int, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Numbers among positional arguments become keywords, in their order; unclear calls stay."""
    tensors = tuple(a for a in args if isinstance(a, TensorBase))
    numbers = [a for a in args if isinstance(a, (int, float, complex))]
    unclear = len(tensors) != count or len(numbers) > len(names)
    if unclear or len(tensors) + len(numbers) != len(args) or not kwargs.keys().isdisjoint(names):
        return args, kwargs
    given = ", ".join(f"{name}={{}}" for name in names[: len(numbers)]).format(*numbers)
    warnings.warn(
        f"This overload of {owner} is deprecated: give numbers by name, {owner}(..., {given})",
        UserWarning,
        stacklevel=3,
    )
    return tensors, kwargs | dict(zip(names, numbers, strict=False))
