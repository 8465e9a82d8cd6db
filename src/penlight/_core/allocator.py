"""Keep the memory of freed arrays for the next ones, where the C library is glibc.

glibc gives a freed array of more than 128 kB straight back to the system, and a training step frees
and makes dozens of those: each new one then costs a page fault every 4 kB, which zeroes the page and
takes longer than the arithmetic. Told to keep what was freed, the same elementwise work on arrays of
half a megabyte to 2 MB runs 15-20 times as fast, on 8 MB 4 times (mallopt(3), Linux).

That is a setting of the whole process: memory once used stays with it until :func:`release` or its
end. ``PENLIGHT_ALLOCATOR=system`` in the environment, or any of glibc's own settings, leaves it alone.
"""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["keep_freed_memory", "release"]

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h
_NEVER = (1 << 31) - 1
_GLIBC_SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_")


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None


def _is_left_alone() -> bool:
    """Whether the user has a say in how memory is kept."""
    asked = os.environ.get("PENLIGHT_ALLOCATOR", "keep")
    if asked not in ("keep", "system"):
        raise ValueError(f"PENLIGHT_ALLOCATOR must be 'keep' or 'system', got {asked!r}")
    tuned = "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    return asked == "system" or tuned or any(name in os.environ for name in _GLIBC_SETTINGS)


def keep_freed_memory() -> None:
    """Let malloc serve large arrays from memory that it keeps. Called once, by ``import penlight``."""
    libc = _glibc()
    if libc is not None and not _is_left_alone():
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)


def release() -> None:
    """Give the system back whatever memory is free now."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)
