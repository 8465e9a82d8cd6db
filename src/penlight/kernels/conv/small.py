"""Convolutions so small that keeping books of chunks would cost more than the work.

All windows are gathered at once, in fresh memory, and one product per image does the rest.
"""

from __future__ import annotations

import math

import numpy as np

from penlight._core.threads import one_blas_thread
from penlight.kernels.conv import lines
from penlight.kernels.conv.common import product
from penlight.kernels.windows import Size, Window, inside, view

__all__ = ["applies", "forward", "weight_grad"]

_GATHERED = 32_768  # elements of all windows
_PRODUCT = 200_000  # multiplications per image: the BLAS does these in one thread


def applies(n: int, c: int, w: np.ndarray, output: Size) -> bool:
    """Whether n images with c channels are so little work that other ways need no thought."""
    windows = math.prod(w.shape[2:]) * math.prod(output)
    return n * c * windows <= _GATHERED and len(w) * w.shape[1] * windows <= _PRODUCT


def _columns(x: np.ndarray, window: Window, output: Size, groups: int) -> np.ndarray:
    """(n, G, C/G *K, *O)."""
    n, c, *size = x.shape
    depth, length = c // groups * math.prod(window.kernel), math.prod(output)
    if lines.applies(window, c, tuple(size), output, x.itemsize):
        columns = np.empty((n, groups * depth, length), x.dtype)
        lines.gather(x, window, output, columns)
        return columns.reshape(n, groups, depth, length)
    if any(map(any, window.padding)):
        padded = np.zeros((n, c, *window.padded_size(tuple(size))), x.dtype)
        padded[inside(tuple(size), window.padding)] = x
        x = padded
    return view(x, window, output).reshape(n, groups, depth, length)


def forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, window: Window, output: Size, groups: int
) -> np.ndarray:
    """y = W X + b."""
    columns = _columns(x, window, output, groups)
    y = np.empty((len(x), groups, len(w) // groups, columns.shape[3]), x.dtype)
    with one_blas_thread():  # the bits of a large product depend on the number of threads
        product(w.reshape(groups, -1, columns.shape[2]), columns, y)
    if b is not None:
        y += b.reshape(groups, -1, 1)
    return y.reshape(len(x), len(w), *output)


def weight_grad(
    x: np.ndarray, dy: np.ndarray, shape: Size, window: Window, groups: int
) -> np.ndarray:
    """dW = dy X^T, summed over the images."""
    columns = _columns(x, window, dy.shape[2:], groups)
    part = dy.reshape(len(dy), groups, -1, columns.shape[3])  # (n, G, F/G, L)
    with one_blas_thread():
        each = np.matmul(part, columns.swapaxes(2, 3))  # (n, G, F/G, L) (n, G, L, D)
    return (each[0] if len(each) == 1 else np.add.reduce(each, axis=0)).reshape(shape)
