"""How loops are compiled, and how their pieces are shared out among threads.

Compiled code lets go of the interpreter's lock, so the pieces run on Penlight's own threads: their
number is that of ``set_num_threads``, and forks and other threads are as safe as everywhere else.
Where the pieces begin and end depends on shapes alone, so results have the same bits with any number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from penlight.kernels.chunks import ranges, run

__all__ = ["PIECES", "fit", "in_pieces", "loops", "pieces", "sums"]

F = TypeVar("F", bound=Callable[..., Any])

PIECES = 8
_WORTH_THREADS = 400_000  # elements read: about 0.2 ms; a thread takes 0.05 ms to wake


def _compiled(function: F, allowed: set[str]) -> F:
    options = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": allowed}
    return cast(F, numba.njit(**options)(function))


def loops(function: F) -> F:
    """Compile when first called, for the dtypes at hand; a * b + c may be rounded once."""
    return _compiled(function, {"contract"})


def sums(function: F) -> F:
    """Compile likewise, and let sums be made in the order that is fastest; NaN and infinity count."""
    return _compiled(function, {"contract", "reassoc", "nsz"})


def fit(*arrays: Any) -> bool:
    """Whether loops can run over these: contiguous, not empty, all float32 or all float64."""
    dtype = arrays[0].dtype
    if dtype.char not in "fd" or not dtype.isnative:
        return False
    for a in arrays:
        if type(a) is not np.ndarray or a.dtype != dtype or not a.flags.c_contiguous:
            return False
        if not a.size:
            return False
    return True


def pieces(count: int, work: int) -> list[tuple[int, int]]:
    """``range(count)`` in pieces for threads; in one, if it is little work."""
    return ranges(count, -(-count // PIECES) if work > _WORTH_THREADS else count)


def in_pieces(kernel: Callable[..., Any], count: int, work: int, *arguments: Any) -> None:
    """Call ``kernel(start, stop, *arguments)`` for the pieces of ``range(count)``.

    Args:
        work: about how many elements are read.
    """
    parts = pieces(count, work)
    if len(parts) == 1:
        kernel(0, count, *arguments)
    else:
        run(lambda i: kernel(*parts[i], *arguments), len(parts))
