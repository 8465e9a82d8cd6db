"""``torch.mps`` for programs that ask: there are no such devices here."""

from __future__ import annotations

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed"]


def is_available() -> bool:
    """Always False."""
    return False


def device_count() -> int:
    """Always 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


def empty_cache() -> None:
    """Raises RuntimeError, as PyTorch's does without such a device."""
    raise RuntimeError(
        "mps.empty_cache: Penlight computes on the CPU alone: there is no MPS device"
    )
