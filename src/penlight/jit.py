"""``torch.jit`` for model code that is marked for it: functions and modules stay as they are.

Saving and tracing programs is not here: save a ``state_dict``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final as Final, TypeVar

__all__ = [
    "Final", "annotate", "export", "ignore", "is_scripting", "is_tracing", "isinstance", "script",
    "script_if_tracing", "unused",
]  # fmt: skip

T = TypeVar("T")
_isinstance = isinstance


def script(obj: T, *args: Any, **kwargs: Any) -> T:
    """The function or module as it is: Python runs it."""
    return obj


def script_if_tracing(fn: T) -> T:
    """The function as it is."""
    return fn


def export(fn: T) -> T:
    """The method as it is."""
    return fn


def unused(fn: T) -> T:
    """The method as it is."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The method as it is; a decorator with and without arguments."""
    return drop if callable(drop) else _same


def _same(fn: Callable[..., Any]) -> Callable[..., Any]:
    return fn


def annotate(the_type: Any, the_value: T) -> T:
    """The value."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's."""
    return _isinstance(obj, target_type)


def is_scripting() -> bool:
    """False."""
    return False


def is_tracing() -> bool:
    """False."""
    return False
