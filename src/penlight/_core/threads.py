"""How many threads compute: one number for Penlight's own chunks and for the BLAS inside NumPy.

Chunks of work run side by side, each with a single-threaded BLAS (:func:`one_blas_thread`), large
products too; what is not cut into chunks, such as ``linalg``, is shared out by the BLAS itself.
"""

from __future__ import annotations

import ctypes
import operator
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "blas_is_controlled",
    "blas_threads",
    "get_num_threads",
    "one_blas_thread",
    "set_num_threads",
]

_SYMBOLS = [
    (f"{prefix}openblas_get_num_threads{suffix}", f"{prefix}openblas_set_num_threads{suffix}")
    for prefix in ("scipy_", "")
    for suffix in ("64_", "", "_64", "64")
]


def _blas_files() -> list[Path]:
    """Where NumPy's wheels keep their OpenBLAS on Linux, Windows and macOS."""
    package = Path(np.__file__).parent
    folders = (package.parent / "numpy.libs", package / ".libs", package / ".dylibs")
    return [f for folder in folders if folder.is_dir() for f in sorted(folder.glob("*openblas*"))]


def _find_blas() -> tuple[Callable[[], int], Callable[[int], Any]] | None:
    """OpenBLAS's functions that get and set its number of threads; None for another BLAS."""
    for file in _blas_files():
        try:
            library = ctypes.PyDLL(str(file))  # loaded already: this only finds the handle
        except OSError:
            continue
        for get, put in _SYMBOLS:
            if hasattr(library, get) and hasattr(library, put):
                return getattr(library, get), getattr(library, put)
    return None


_blas = _find_blas()


def _available() -> int:
    """As many as the BLAS was given (it heeds OMP_NUM_THREADS), or as there are cores."""
    if _blas is not None:
        return max(_blas[0](), 1)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_num_threads = _available()
_lock = threading.Lock()
_chunk_runs = 0  # how many callers are inside one_blas_thread


def blas_is_controlled() -> bool:
    """Whether the BLAS is one whose threads can be set; chunks with products run side by side then."""
    return _blas is not None


def blas_threads() -> int:
    """The number of threads that share a product now: one while chunks run."""
    return 1 if _chunk_runs else _num_threads


def get_num_threads() -> int:
    """The number of threads that computations use."""
    return _num_threads


def set_num_threads(num: int) -> None:
    """Set the number of threads that computations use.

    Results of chunked kernels and of products do not depend on it. Those of recurrent layers, and of
    what the BLAS shares out itself, may, in the last bit.

    Raises:
        RuntimeError: if it is no positive integer.
    """
    global _num_threads
    try:
        count = operator.index(num)
    except TypeError:
        raise RuntimeError(
            f"set_num_threads expects an int, but got {type(num).__name__}"
        ) from None
    if count < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, got {count}")
    with _lock:
        _num_threads = count
        if _blas is not None and not _chunk_runs:
            _blas[1](count)


class one_blas_thread:  # a function to its users
    """Keep the BLAS to one thread per call while chunks run; callers may overlap and nest."""

    __slots__ = ("_entered",)

    def __enter__(self) -> None:
        global _chunk_runs
        self._entered = _blas is not None and _num_threads > 1
        if self._entered and _blas is not None:
            with _lock:
                _chunk_runs += 1
                _blas[1](1)

    def __exit__(self, *exception: object) -> None:
        global _chunk_runs
        if self._entered and _blas is not None:
            with _lock:
                _chunk_runs -= 1
                if not _chunk_runs:
                    _blas[1](_num_threads)


def _after_fork() -> None:
    """The child has one thread: whoever else was inside one_blas_thread is not there to leave it."""
    global _chunk_runs, _lock
    _lock = threading.Lock()
    if _chunk_runs and _blas is not None:
        _chunk_runs = 0
        _blas[1](_num_threads)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
