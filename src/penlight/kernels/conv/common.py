"""What the three passes of a convolution share."""

from __future__ import annotations

import functools
import math

import numpy as np

from penlight.kernels.conv.im2col import Chunk, split_axis

__all__ = ["SMALL_PRODUCT", "is_much", "outputs_of", "per_channel", "product", "tiles_of"]

SMALL_PRODUCT = 1_000_000  # multiplications up to which OpenBLAS does not copy its operands first
_WORTH_THREADS = 25_000_000  # multiplications: about 0.6 ms; a thread takes 0.05 ms to wake


def is_much(y: np.ndarray, depth: int) -> bool:
    """Whether to work on y with ``depth`` multiplications per element in several threads.

    To gather one element costs as much as 20 multiplications.
    """
    return (y.shape[1] + 20) * (y.size // y.shape[1]) * depth > _WORTH_THREADS


def per_channel(b: np.ndarray, ndim: int) -> np.ndarray:
    """(C,) as it broadcasts against (N, C, ...) of ``ndim`` dimensions."""
    return b.reshape(-1, *(1,) * (ndim - 2))


def outputs_of(y: np.ndarray, chunk: Chunk, groups: int) -> np.ndarray:
    """A chunk of y or dy as (n, G, F/G, positions), a view."""
    part = y.reshape(len(y), groups, y.shape[1] // groups, -1)
    inner = math.prod(y.shape[3 + split_axis(y.shape[2:]) :])
    return part[chunk.n0 : chunk.n1, :, :, chunk.h0 * inner : chunk.h1 * inner]


def tiles_of(columns: int, products_per_column: int, least: int) -> int:
    """Into how many equal tiles of at least half of ``least`` columns to cut for small products."""
    tiles = 1
    while columns / tiles * products_per_column > SMALL_PRODUCT and columns / tiles >= least:
        tiles = next((t for t in range(tiles + 1, columns) if columns % t == 0), columns)
    return tiles


def product(w: np.ndarray, windows: np.ndarray, out: np.ndarray) -> None:
    """(..., F, D) (n, ..., D, L) -> (n, ..., F, L), in tiles of columns that are small products."""
    *_, f, length = out.shape
    tiles = _small_tiles(length, f * w.shape[-1])
    if tiles > 1:
        windows = windows.reshape(*windows.shape[:-1], tiles, -1).swapaxes(-2, -3)
        out = out.reshape(*out.shape[:-1], tiles, -1).swapaxes(-2, -3)
        w = w[..., None, :, :]
    np.matmul(w, windows, out=out)


@functools.lru_cache(maxsize=256)
def _small_tiles(columns: int, products_per_column: int) -> int:
    """:func:`tiles_of` if that makes the products small, and else one."""
    tiles = tiles_of(columns, products_per_column, 32)
    return tiles if columns // tiles * products_per_column <= SMALL_PRODUCT else 1
