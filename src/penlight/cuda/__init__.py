"""``torch.cuda`` for programs that ask: there are no GPUs here."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from penlight._core import allocator

__all__ = [
    "current_device", "device_count", "empty_cache", "get_device_capability", "get_device_name",
    "get_device_properties", "init", "is_available", "is_bf16_supported", "is_initialized", "manual_seed",
    "manual_seed_all", "max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved",
    "seed", "seed_all", "synchronize",
]  # fmt: skip

_MISSING = "Penlight computes on the CPU alone: there is no CUDA device"


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
    raise AssertionError(f"{_MISSING} to wait for")


def init() -> None:
    """Raises AssertionError: there is nothing to prepare."""
    raise AssertionError(f"{_MISSING} to prepare")


def current_device() -> int:
    """Raises AssertionError: there is none."""
    raise AssertionError(_MISSING)


def get_device_name(device: Any = None) -> str:
    """Raises AssertionError: there is none to name."""
    raise AssertionError(f"{_MISSING} to name")


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Raises AssertionError: there is none to ask."""
    raise AssertionError(f"{_MISSING} to ask")


def get_device_properties(device: Any = None) -> Any:
    """Raises AssertionError: there is none to ask."""
    raise AssertionError(f"{_MISSING} to ask")


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Always False."""
    return False


def seed() -> None:
    """Nothing to seed; silent, as PyTorch is without a GPU."""


def seed_all() -> None:
    """Nothing to seed; silent, as PyTorch is without a GPU."""


def memory_allocated(device: Any = None) -> int:
    """Always 0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """Always 0."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """Always 0."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """Always 0."""
    return 0


def __getattr__(name: str) -> Any:
    """``cuda.amp``, imported when a program first names it."""
    if name == "amp":
        return import_module("penlight.cuda.amp")
    raise AttributeError(f"module 'penlight.cuda' has no attribute {name!r}")
