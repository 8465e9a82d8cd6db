"""``torch.compiler`` for programs that ask about it: nothing is compiled here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["compile", "disable", "is_compiling", "is_dynamo_compiling", "is_exporting", "reset"]


def compile(*args: Any, **kwargs: Any) -> Any:
    """See :func:`penlight.compile`: the model or function as it is."""
    from penlight.tensor.settings import compile

    return compile(*args, **kwargs)


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True, **options: Any) -> Any:
    """The function as it is; a decorator with and without arguments."""
    return (lambda function: function) if fn is None else fn


def is_compiling() -> bool:
    """False."""
    return False


def is_dynamo_compiling() -> bool:
    """False."""
    return False


def is_exporting() -> bool:
    """False."""
    return False


def reset() -> None:
    """Nothing to forget."""
