"""Devices: Penlight computes on the CPU; the type exists so that PyTorch programs run."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["as_device", "cpu", "device"]


class device:
    """``device("cpu")`` or ``device("cpu:0")``; any other kind raises, naming what is there.

    ``meta``, ``cuda`` and the like are refused rather than quietly mapped to the CPU: a program
    that asks ``torch.cuda.is_available()`` first finds ``False`` and runs. As a context manager it
    changes nothing: all tensors are made there anyway.

    Raises:
        RuntimeError: for devices that do not exist here.
        TypeError: for what can't name a device.
    """

    __slots__ = ("index", "type")

    index: int | None
    type: str

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            self.type, self.index = type.type, type.index
            return
        if not isinstance(type, (str, int)) or isinstance(type, bool):
            raise TypeError(f"device(): expected a name such as 'cpu', got {type!r}")
        if index is not None and not isinstance(index, int):
            raise TypeError(f"device(): argument 'index' must be int, got {index!r}")
        kind, colon, number = str(type).partition(":")
        if kind != "cpu":
            raise RuntimeError(f"device {type!r} is not available: Penlight computes on 'cpu'")
        if colon and not re.fullmatch("0|[1-9][0-9]*", number):
            raise RuntimeError(f"Invalid device string: {type!r}, expected e.g. 'cpu' or 'cpu:0'")
        if colon and index is not None:
            raise RuntimeError(
                "type (string) must not include an index because index was passed explicitly: "
                f"{type}"
            )
        if index is not None and index < 0:
            raise RuntimeError(f"Device index must not be negative, got {index}")
        self.type = kind
        self.index = int(number) if colon else index

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

    def __enter__(self) -> device:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)


cpu = device("cpu")


def as_device(value: Any) -> device:
    """Check a ``device=`` argument; ``None`` means the CPU."""
    if value is None:
        return cpu
    return value if isinstance(value, device) else device(value)
