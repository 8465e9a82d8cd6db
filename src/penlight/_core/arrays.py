"""What stands in a tensor: an ndarray, or something with its interface."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ArrayLike", "as_array"]


class ArrayLike:
    """Base of what has an ndarray's interface, and may stand in its place in a tensor."""

    __slots__ = ()


def as_array(value: Any) -> Any:
    """Arrays of both kinds as they are; numbers as 0-d arrays, and lists as arrays."""
    return value if isinstance(value, ArrayLike) else np.asarray(value)
