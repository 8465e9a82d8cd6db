"""Layouts and memory formats: names that PyTorch programs pass, with the checks that are due."""

from __future__ import annotations

from typing import Any

__all__ = [
    "as_layout", "channels_last", "channels_last_3d", "contiguous_format", "layout", "memory_format",
    "preserve_format", "strided",
]  # fmt: skip


class layout:
    """How a tensor lies in memory: ``torch.strided`` alone."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"


class memory_format:
    """The order in which a tensor's dimensions lie in memory."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")


def as_layout(value: Any) -> layout:
    """Check a ``layout=`` argument.

    Raises:
        TypeError: if it is not ``torch.strided``.
    """
    if value is not strided:
        raise TypeError(f"layout must be torch.strided, the only one there is, got {value!r}")
    return strided
