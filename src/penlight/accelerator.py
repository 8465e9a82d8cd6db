"""``torch.accelerator`` for programs that ask: there is nothing but the CPU here."""

from __future__ import annotations

from penlight._core.device import device

__all__ = ["current_accelerator", "device_count", "is_available"]


def is_available() -> bool:
    """Always False."""
    return False


def device_count() -> int:
    """Always 0."""
    return 0


def current_accelerator(check_available: bool = False) -> device | None:
    """Always None."""
    return None
