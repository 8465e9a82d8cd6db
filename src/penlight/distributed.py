"""``torch.distributed`` for programs that ask whether they run alone: they do."""

from __future__ import annotations

__all__ = ["get_rank", "get_world_size", "is_available", "is_initialized"]


def is_available() -> bool:
    """False: there is one process."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def get_rank(group: object = None) -> int:
    """Raise, as PyTorch does without a process group.

    Raises:
        ValueError: always.
    """
    raise ValueError("distributed: there is no process group here; ask is_initialized() first")


def get_world_size(group: object = None) -> int:
    """Raise, as :func:`get_rank` does."""
    return get_rank(group)
