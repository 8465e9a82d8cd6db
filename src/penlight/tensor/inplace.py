"""In-place variants: ``add_`` from ``add`` and so on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from penlight.autograd.inplace import apply_inplace
from penlight.tensor.older_calls import older_order

__all__ = ["inplace"]


def inplace(function: Callable[..., Any]) -> Callable[..., Any]:
    """The method that puts ``function``'s result into the tensor's own memory."""
    older = older_order(function)

    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return apply_inplace(self, older, *args, **kwargs)

    method.__name__ = method.__qualname__ = f"{function.__name__}_"
    method.__doc__ = f"In-place version of ``{function.__name__}``; returns the tensor itself."
    return method
