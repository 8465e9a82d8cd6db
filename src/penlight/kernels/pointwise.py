"""Elementwise arithmetic in the form that runs fastest, for ndarrays and (in backward) Tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["clip", "negative_part", "positive_part"]

_LARGE = 4096  # from this size on np.clip, three times as fast per element, makes up for its start


def _is_large(x: Any) -> bool:
    return type(x) is np.ndarray and x.size > _LARGE and x.dtype.kind == "f"


def positive_part(x: Any) -> Any:
    """max(x, 0), elementwise."""
    return np.clip(x, 0, np.inf) if _is_large(x) else np.maximum(x, 0)


def negative_part(x: Any) -> Any:
    """min(x, 0), elementwise."""
    return np.clip(x, -np.inf, 0) if _is_large(x) else np.minimum(x, 0)


def clip(x: Any, low: float, high: float) -> Any:
    """x held between two numbers, elementwise."""
    return np.clip(x, low, high) if _is_large(x) else np.minimum(np.maximum(x, low), high)
