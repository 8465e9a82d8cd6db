"""Devices: Penlight computes on the CPU; the type exists so that PyTorch programs run."""

from __future__ import annotations

from typing import Any

__all__ = ["as_device", "cpu", "device"]


class device:
    """``device("cpu")``; any other kind raises, naming what is there.

    ``meta``, ``cuda`` and the like are refused rather than quietly mapped to the CPU: a program
    that asks ``torch.cuda.is_available()`` first finds ``False`` and runs.
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | device = "cpu", index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        kind, _, number = str(type).partition(":")
        if kind != "cpu":
            raise RuntimeError(f"device {type!r} is not available: Penlight computes on 'cpu'")
        if number and not number.isdigit():
            raise RuntimeError(f"device: invalid index in {type!r}, expected e.g. 'cpu:0'")
        self.type = kind
        self.index = int(number) if number else index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, device):
            return NotImplemented
        return self.type == other.type and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)


cpu = device("cpu")


def as_device(value: Any) -> device:
    """Check a ``device=`` argument; ``None`` means the CPU."""
    if value is None:
        return cpu
    return value if isinstance(value, device) else device(value)
