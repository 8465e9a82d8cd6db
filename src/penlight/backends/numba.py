"""Compiled kernels: off unless switched on, here or by the environment variable PENLIGHT_KERNELS=numba.

Numba is imported when the kernels are first switched on. They hold for all threads of the process.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import threading
from collections.abc import Iterator

__all__ = ["disable", "enable", "flags", "is_available", "is_enabled"]

_lock = threading.Lock()
_enabled = False


def is_available() -> bool:
    """Whether Numba is installed."""
    return importlib.util.find_spec("numba") is not None


def is_enabled() -> bool:
    """Whether compiled kernels are in use."""
    return _enabled


def enable() -> None:
    """Use compiled kernels where there are any. Each is compiled when it is first called, and kept on disk.

    Raises:
        ImportError: if Numba is not installed.
    """
    global _enabled
    try:
        import numba  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "penlight.backends.numba: compiled kernels need Numba, which can't be imported "
            f"({error}); install it with: pip install 'penlight[numba]'"
        ) from error
    from penlight.kernels import compiled

    with _lock:
        compiled.put_in()
        _enabled = True


def disable() -> None:
    """Use the NumPy kernels again."""
    global _enabled
    if not _enabled:
        return
    from penlight.kernels import compiled

    with _lock:
        compiled.put_back()
        _enabled = False


@contextlib.contextmanager
def flags(enabled: bool = True) -> Iterator[None]:
    """Compiled kernels, or none, within a block."""
    before = _enabled
    (enable if enabled else disable)()
    try:
        yield
    finally:
        (enable if before else disable)()


def heed_environment() -> None:
    """Switch on what PENLIGHT_KERNELS asks for: numba, or numpy as without it."""
    chosen = os.environ.get("PENLIGHT_KERNELS", "")
    if chosen == "numba":
        enable()
    elif chosen not in ("", "numpy"):
        raise ValueError(f"PENLIGHT_KERNELS must be numpy or numba, got {chosen!r}")
