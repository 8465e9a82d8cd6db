"""Checks of the arguments that the models share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["check_count", "check_widths"]


def check_count(owner: str, name: str, value: Any, lowest: int = 1) -> None:
    """Raise ValueError unless ``value`` is a whole number of at least ``lowest``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
        raise ValueError(f"{owner}: {name} must be a whole number >= {lowest}, got {value!r}")


def check_widths(owner: str, name: str, values: Any, fewest: int = 1) -> Sequence[int]:
    """``values`` as a tuple of whole numbers >= 1; a single number is one width.

    Raises:
        ValueError: if they are something else, or fewer than ``fewest``.
    """
    widths = (values,) if isinstance(values, int) else values
    if not isinstance(widths, (list, tuple)) or len(widths) < fewest:
        raise ValueError(
            f"{owner}: {name} must be {fewest} or more whole numbers, such as (100, 64), got {values!r}"
        )
    for width in widths:
        check_count(owner, name, width)
    return tuple(widths)
