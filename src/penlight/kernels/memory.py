"""The memory that arrays share, and views of it with any strides."""

from __future__ import annotations

import numpy as np

__all__ = ["empty_parts", "memory_of", "rejoined", "strided"]


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


def empty_parts(*parts: np.ndarray) -> list[np.ndarray] | None:
    """New memory laid out as the parts are, if these are what one dense array was cut into.

    Equal parts in equal steps, as ``split`` gives; None for all others. :func:`rejoined` makes one
    array of the new ones without copying.
    """
    first = parts[0]
    root, start = memory_of(first)
    step = memory_of(parts[1])[1] - start
    for i, x in enumerate(parts):
        if x.shape != first.shape or x.strides != first.strides or x.dtype != first.dtype:
            return None
        if memory_of(x)[0] is not root or memory_of(x)[1] != start + i * step:
            return None
    if not first.size or not _is_dense((len(parts), *first.shape), (step, *first.strides), first):
        return None
    memory = np.empty(len(parts) * first.nbytes, np.uint8)
    steps = range(0, len(parts) * step, step)
    return [np.ndarray(first.shape, first.dtype, memory, at, first.strides) for at in steps]


def _is_dense(shape: tuple[int, ...], strides: tuple[int, ...], x: np.ndarray) -> bool:
    """Whether the elements fill their memory, each its own place."""
    size = x.itemsize
    for stride, n in sorted(zip(strides, shape, strict=True)):
        if n == 1:
            continue
        if stride != size:
            return False
        size *= n
    return True


def rejoined(parts: tuple[np.ndarray, ...], axis: int) -> np.ndarray | None:
    """The array that these are consecutive parts of along ``axis``, as a view; None if there is none."""
    first = parts[0]
    if first.base is None or first.strides[axis] <= 0:
        return None
    root, start = memory_of(first)
    size = 0
    for x in parts:
        if x.base is None or x.dtype != first.dtype or x.strides != first.strides:
            return None
        where = memory_of(x)
        if where[0] is not root or where[1] != start + size * first.strides[axis]:
            return None
        size += x.shape[axis]
    shape = (*first.shape[:axis], size, *first.shape[axis + 1 :])
    return strided(first, shape, first.strides) if first.size else None
