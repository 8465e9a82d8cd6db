"""Small helpers of modules that programs import: ``_pair(3) == (3, 3)``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

__all__ = ["consume_prefix_in_state_dict_if_present"]


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    """A function that repeats a single value ``n`` times, and keeps what is iterable as a tuple."""

    def parse(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else tuple(repeat(x, n))

    parse.__name__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(t: tuple[int, ...], n: int) -> tuple[int, ...]:
    """The values from last to first, each ``n`` times: per-dimension amounts as ``F.pad`` takes them."""
    return tuple(x for x in reversed(t) for _ in range(n))


def _list_with_default(out_size: list[int], defaults: list[int]) -> Any:
    """``out_size`` with the last of ``defaults`` where it has ``None``."""
    if isinstance(out_size, (int, float)):
        return out_size
    if len(defaults) <= len(out_size):
        raise ValueError(
            f"Input dimension should be at least {len(out_size) + 1}, got {len(defaults)}"
        )
    ends = defaults[-len(out_size) :]
    return [d if v is None else v for v, d in zip(out_size, ends, strict=False)]


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Drop ``prefix`` from the names of a state, in place: ``"module."`` of a wrapped model, say."""
    for name in list(state_dict):
        if name.startswith(prefix):
            state_dict[name.removeprefix(prefix)] = state_dict.pop(name)
    metadata = getattr(state_dict, "_metadata", None)
    if metadata is None:
        return
    for name in list(metadata):
        if name == prefix.removesuffix("."):  # the wrapper itself; its model takes the empty name
            metadata[""] = metadata.pop(name)
        elif name.startswith(prefix):
            metadata[name.removeprefix(prefix)] = metadata.pop(name)
