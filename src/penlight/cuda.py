"""``torch.cuda`` for programs that ask: there are no GPUs here."""

from __future__ import annotations

from typing import Any

from penlight._core import allocator

__all__ = [
    "device_count", "empty_cache", "is_available", "is_initialized", "manual_seed",
    "manual_seed_all", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Always False."""
    return False


def is_initialized() -> bool:
    """Always False."""
    return False


def device_count() -> int:
    """Always 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed; silent, as PyTorch is without a GPU."""


def manual_seed_all(seed: int) -> None:
    """Nothing to seed; silent, as PyTorch is without a GPU."""


def empty_cache() -> None:
    """Give the system back the memory that freed arrays left: the cache here is the CPU's."""
    allocator.release()


def synchronize(device: Any = None) -> None:
    """Raises AssertionError: there is nothing to wait for."""
    raise AssertionError("Penlight computes on the CPU alone: there is no CUDA device to wait for")
