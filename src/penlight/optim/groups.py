"""What users pass to optimizers, brought to one form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase

__all__ = ["as_groups", "numbers", "separate_names"]


def as_groups(params: Any, owner: str) -> list[dict[str, Any]]:
    """Tensors, (name, Tensor) pairs or groups, as a list of groups."""
    if isinstance(params, TensorBase):
        raise TypeError(
            f"{owner}: params argument given to the optimizer should be an iterable of Tensors or "
            f"dicts, but got {type(params).__name__}; put it in a list"
        )
    if not isinstance(params, Iterable):
        raise TypeError(f"{owner}: params must be an iterable, got {type(params).__name__}")
    given = list(params)
    if not given:
        raise ValueError(f"{owner}: optimizer got an empty parameter list")
    return given if isinstance(given[0], dict) else [{"params": given}]


def separate_names(params: Any, owner: str) -> tuple[list[Any], list[str] | None]:
    """The parameters of a group, and their names if it consists of (name, Tensor) pairs."""
    if isinstance(params, TensorBase):
        return [params], None
    if isinstance(params, set):
        raise TypeError(
            f"{owner}: optimizer parameters need to be organized in ordered collections, but the "
            "order of a set changes between runs; use a list instead"
        )
    given = list(params)
    named = [isinstance(p, tuple) for p in given]
    if not any(named):
        return given, None
    if not all(named):
        raise ValueError(
            f"{owner}: all optimizer params should be with/without names; some names are missing"
        )
    return [pair[1] for pair in given], [pair[0] for pair in given]


def numbers(group: dict[str, Any]) -> dict[str, Any]:
    """A group's options with plain numbers in place of tensors and NumPy's own.

    NumPy computes in float32 with a plain number, but in float64 with one of its own.
    """
    return {
        name: value if type(value) in _PLAIN else _number(value)
        for name, value in group.items()
        if name not in ("params", "param_names")
    }


_PLAIN = frozenset({bool, int, float, str, type(None)})


def _number(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple([v if type(v) in _PLAIN else _number(v) for v in value])
    return value.item() if isinstance(value, (TensorBase, np.generic)) else value  # type: ignore[union-attr]
