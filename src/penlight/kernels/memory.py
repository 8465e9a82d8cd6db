"""The memory that arrays share, and views of it with any strides."""

from __future__ import annotations

import numpy as np

__all__ = ["memory_of", "strided"]


def memory_of(array: np.ndarray) -> tuple[np.ndarray, int]:
    """The array at the end of the chain of bases, and where in it, in bytes, ``array`` begins."""
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    start = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    return root, int(start)


def strided(
    array: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0
) -> np.ndarray:
    """A view of ``array``'s memory, ``offset`` bytes from where the array begins.

    Unlike ``np.lib.stride_tricks.as_strided`` it keeps the chain of bases, which is how the memory is
    found again; NumPy checks the bounds.
    """
    root, start = memory_of(array)
    if not (root.flags.c_contiguous or root.flags.f_contiguous) or not root.size:
        return np.lib.stride_tricks.as_strided(array, shape, strides)
    flat = root.reshape(-1, order="A").view(np.uint8)
    return np.ndarray(shape, array.dtype, flat, start + offset, strides)
