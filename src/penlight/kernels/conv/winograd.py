"""Convolution with stride 1 by Winograd's minimal filtering: fewer multiplications than the definition.

m outputs of a filter with r taps are values of a product of polynomials, which 6 = m + r - 1 points
determine: 6 multiplications instead of m r. In two dimensions, for tiles d (6, 6) of x that overlap by
r - 1, a kernel g (r, r) and tiles y (m, m) of the output,

    y = A^T [(G g G^T) * (B^T d B)] A,        summed over channels,

so 3x3 kernels need 36 multiplications per tile instead of 144, and 5x5 kernels (m = 2) 36 instead of
100. The gradient of g is the transpose of the same map:

    dg = G^T [(A dy A^T) * (B^T d B)] G,      summed over tiles.

Everything is a product of matrices. Along a row of x, B^T for several tiles side by side is one matrix
with a band (it takes the padding as columns that it lacks); down a column, tiles are overlapping views.
So nothing is gathered, and all products are large:

    x -> transposed (n, H, W, C) -> B^T along W -> B^T along H = V (6, n, th, tw, 6, C)
    M[i, j] = V[i, j] (n th tw, C) @ U[i, j] (C, F),    U = G g G^T
    M (6, n, th, tw, 6, F) -> A^T along H -> A^T along W, which also turns channels back = y

The points 0, +-11/16, +-11/8 and infinity round four times less than the usual 0, +-1, +-2: measured on
normal data with 64 channels, the largest error is 1e-6 of the largest output (the definition: 2e-7).
An infinity or NaN would spread over its tiles; then this way is not taken.

Source: Winograd, "Arithmetic Complexity of Computations", 1980; Lavin & Gray, "Fast Algorithms for
Convolutional Neural Networks", CVPR 2016; points: Barabasz, Anderson, Soodhalter & Gregg, "Error
Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", 2020.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from penlight._core.threads import one_blas_thread
from penlight.kernels.chunks import run, scratch
from penlight.kernels.conv.common import per_channel
from penlight.kernels.conv.im2col import Chunk, apart, chunks
from penlight.kernels.windows import Size, Window, strided

__all__ = [
    "POINTS",
    "POINTS_OF_TILE",
    "applies",
    "forward",
    "matrices",
    "spread",
    "weight_grad",
]

POINTS = (0.0, 0.6875, -0.6875, 1.375, -1.375)  # and infinity
_T = len(POINTS) + 1  # the size of a tile
POINTS_OF_TILE = _T**2
_SIDE_BY_SIDE = 4  # tiles under one band: fewer, smaller products against fewer zeros


def applies(window: Window, dtype: np.dtype) -> bool:
    """Whether it can be done, in a precision for which it is meant."""
    return (
        len(window.kernel) == 2
        and dtype == np.float32
        and all(2 <= k < _T for k in window.kernel)
        and window.stride == window.dilation == (1, 1)
    )


def spread(n: int, output: Size, window: Window) -> int:
    """The elements that the tiles of n images with one channel have, all in all."""
    counts = (math.ceil(o / (_T + 1 - r)) for o, r in zip(output, window.kernel, strict=True))
    return n * POINTS_OF_TILE * math.prod(counts)


@functools.cache
def matrices(r: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A^T (m, 6), G (6, r) and B^T (6, 6) for kernels of r taps, in float64.

    With the Lagrange polynomials l_j of the points p_j (the transpose of interpolation): row j of B^T
    has the coefficients of the product of (p - p_k) over k != j, row j of G the powers of p_j over its
    value at p_j, column j of A^T the powers of p_j. The last ones belong to infinity.
    """
    m = _T + 1 - r
    data, kernel, output = np.zeros((_T, _T)), np.zeros((_T, r)), np.zeros((m, _T))
    for j, p in enumerate(POINTS):
        others = [q for q in POINTS if q != p]
        data[j, :-1] = np.poly(others)[::-1]
        kernel[j] = p ** np.arange(r) / math.prod(p - q for q in others)
        output[:, j] = p ** np.arange(m)
    data[-1] = np.poly(POINTS)[::-1]
    kernel[-1, -1] = output[-1, -1] = 1
    return output, kernel, data


class _Band(NamedTuple):
    """A few tiles side by side: which, the positions they see, and the matrix between both."""

    tiles: slice  # times 6
    seen: slice
    matrix: np.ndarray  # (6 tiles, seen)


@functools.lru_cache(maxsize=256)
def _bands(r: int, of_data: bool, size: int, first: int, tiles: int) -> tuple[_Band, ...]:
    """The transform of all tiles of a row of ``size`` positions; tile b begins at m b + first.

    Args:
        of_data: B^T; else A, from the m positions of each tile.
    """
    output, _, data = matrices(r)
    matrix, step = data if of_data else output.T, len(output)
    bands = []
    for start in range(0, tiles, _SIDE_BY_SIDE):
        stop = min(start + _SIDE_BY_SIDE, tiles)
        low = step * start + first
        high = step * (stop - 1) + first + matrix.shape[1]
        band = np.zeros((stop - start, _T, high - low), np.float32)
        for b in range(stop - start):
            band[b, :, step * b : step * b + matrix.shape[1]] = matrix
        seen = slice(max(low, 0), min(high, size))
        band = band.reshape(-1, high - low)[:, seen.start - low : seen.stop - low]
        bands.append(_Band(slice(_T * start, _T * stop), seen, np.ascontiguousarray(band)))
    return tuple(bands)


class _Tiles:
    """The tiles of a convolution and the transforms to and from them."""

    def __init__(self, size: Size, output: Size, window: Window) -> None:
        self.size, self.output, self.window = size, output, window
        self.m = [_T + 1 - r for r in window.kernel]
        self.count = [math.ceil(o / m) for o, m in zip(output, self.m, strict=True)]

    def chunks(self, n: int, channels: int, share: bool) -> tuple[Chunk, ...]:
        """Images, and rows of tiles, whose transforms fit the cache."""
        rows, columns = self.count
        return chunks(n, (rows,), 2 * _T**2 * columns * channels, share)  # twice the usual size

    def of_data(self, x: np.ndarray, chunk: Chunk) -> np.ndarray:
        """V = B^T d B: (N, C, H, W) -> (6, n, th, tw, 6, C) of the chunk."""
        (p, _), (first, _) = self.window.padding
        bands = _bands(self.window.kernel[1], True, self.size[1], -first, self.count[1])
        matrix = matrices(self.window.kernel[0])[2]
        return self._transform("data", x, chunk, p, matrix, bands)

    def of_output(self, dy: np.ndarray, chunk: Chunk) -> np.ndarray:
        """A dy A^T: (N, F, *O) -> (6, n, th, tw, 6, F) of the chunk."""
        bands = _bands(self.window.kernel[1], False, self.output[1], 0, self.count[1])
        matrix = matrices(self.window.kernel[0])[0].T
        return self._transform("output", dy, chunk, 0, matrix, bands)

    def _transform(
        self,
        name: str,
        x: np.ndarray,
        chunk: Chunk,
        padding: int,
        matrix: np.ndarray,
        bands: tuple[_Band, ...],
    ) -> np.ndarray:
        n0, n1, a0, a1 = chunk
        n, c, m, tw = n1 - n0, x.shape[1], self.m[0], self.count[1]
        seen = matrix.shape[1]
        first = m * a0 - padding
        length = m * (a1 - a0 - 1) + seen
        start = min(max(first, 0), x.shape[2])
        stop = max(min(first + length, x.shape[2]), start)
        rows = scratch("tile rows", (n, length, _T * tw, c), x.dtype)
        rows[:, : start - first] = 0
        rows[:, stop - first :] = 0
        inside = rows[:, start - first : stop - first]
        last = _channels_last(x[n0:n1, :, start:stop])  # (n, h, W, C)
        for band in bands:  # (6 t, w) (n, h, w, C) -> (n, h, 6 t, C)
            np.matmul(band.matrix, last[:, :, band.seen], out=inside[:, :, band.tiles])
        image, row, _, item = rows.strides
        width = _T * tw * c
        tiles = strided(rows, (n, a1 - a0, seen, width), (image, m * row, row, item))
        result = scratch(name, (_T, n, a1 - a0, width), x.dtype)
        # (6, h) (n, th, h, 6 tw C) -> (n, th, 6, 6 tw C)
        np.matmul(matrix.astype(np.float32), tiles, out=result.transpose(1, 2, 0, 3))
        return result.reshape(_T, n, a1 - a0, tw, _T, c)

    def back(self, tiles: np.ndarray, y: np.ndarray, chunk: Chunk) -> np.ndarray:
        """y = A^T M A, written: (6, n, th, tw, 6, F) -> a part of (N, F, *O)."""
        _, n, th, tw, _, f = tiles.shape
        output = matrices(self.window.kernel[0])[0].astype(np.float32)
        rows = scratch("tile rows", (n, th, len(output), _T * tw * f), y.dtype)
        # (m, 6) (n, th, 6, 6 tw F) -> (n, th, m, 6 tw F)
        np.matmul(output, tiles.reshape(_T, n, th, -1).transpose(1, 2, 0, 3), out=rows)
        first = chunk.h0 * len(output)
        stop = min(chunk.h1 * len(output), y.shape[2])
        part = y[chunk.n0 : chunk.n1, :, first:stop]
        lines = rows.reshape(n, th * len(output), _T * tw, f)[:, : stop - first].swapaxes(2, 3)
        target = part.swapaxes(1, 2)  # (n, h, F, W)
        for band in _bands(self.window.kernel[1], False, self.output[1], 0, tw):
            # (n, h, F, 6 t) (6 t, w) -> (n, h, F, w)
            np.matmul(lines[..., band.tiles], band.matrix, out=target[..., band.seen])
        return part


def _channels_last(x: np.ndarray) -> np.ndarray:
    """(n, C, h, W) -> (n, h, W, C), a copy."""
    n, c, h, w = x.shape
    last = scratch("channels last", (n, h, w, c), x.dtype)
    np.copyto(last, apart(x).transpose(0, 2, 3, 1))
    return last


def _of_kernel(w: np.ndarray) -> np.ndarray:
    """U = G g G^T: (F, C, *K) -> (6, 6, C, F)."""
    f, c = w.shape[:2]
    taps = np.ascontiguousarray(w.reshape(f, -1).T).reshape(c, -1, f)
    u = np.empty((_T**2, c, f), w.dtype)
    with one_blas_thread():  # its other threads would spin on where the chunks are to run
        np.matmul(_both(w.shape[2:]), taps, out=u.swapaxes(0, 1))  # (36, K) (C, K, F) -> (C, 36, F)
    return u.reshape(_T, _T, c, f)


@functools.cache
def _both(kernel: Size) -> np.ndarray:
    """G along both dimensions at once: (36, *K)."""
    product: np.ndarray = np.kron(*(matrices(r)[1] for r in kernel))
    return product.astype(np.float32)


def forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, y: np.ndarray, window: Window, share: bool
) -> bool:
    """y = W X + b, written into y.

    Returns:
        False if the results are not all finite, and may not be right.
    """
    tiles = _Tiles(x.shape[2:], y.shape[2:], window)
    kernel = _of_kernel(w)
    (c, f), parts = kernel.shape[2:], tiles.chunks(len(x), max(kernel.shape[2:]), share)
    finite = [True] * len(parts)

    def task(i: int) -> None:
        data = tiles.of_data(x, parts[i])
        output = scratch("output", (*data.shape[:5], f), x.dtype)
        seen = data.reshape(_T, -1, _T, c).swapaxes(1, 2)
        # (6, 6, n th tw, C) (6, 6, C, F) -> (6, 6, n th tw, F)
        np.matmul(seen, kernel, out=output.reshape(_T, -1, _T, f).swapaxes(1, 2))
        part = tiles.back(output, y, parts[i])
        if b is not None:
            part += per_channel(b, 4)
        finite[i] = math.isfinite(np.add.reduce(part, axis=None))

    run(task, len(parts), share)
    return all(finite)


def weight_grad(
    x: np.ndarray,
    dy: np.ndarray,
    window: Window,
    share: bool,
    summed: Callable[..., np.ndarray],
) -> np.ndarray | None:
    """dW = dy X^T, (F, C, *K); None if it is not all finite, and may not be right."""
    c, f = x.shape[1], dy.shape[1]
    tiles = _Tiles(x.shape[2:], dy.shape[2:], window)

    def product(chunk: Chunk, out: np.ndarray) -> None:
        data = tiles.of_data(x, chunk).reshape(_T, -1, _T, c).swapaxes(1, 2)
        grad = tiles.of_output(dy, chunk).reshape(_T, -1, _T, f).transpose(0, 2, 3, 1)
        np.matmul(grad, data, out=out)  # (6, 6, F, n th tw) (6, 6, n th tw, C) -> (6, 6, F, C)

    parts = tiles.chunks(len(x), max(c, f), share)
    total = summed(parts, (_T, _T, f, c), x.dtype, share, product)
    with one_blas_thread():
        dw = np.matmul(total.reshape(_T**2, f * c).T, _both(window.kernel))  # (F C, 36) (36, *K)
    return dw.reshape(f, c, *window.kernel) if math.isfinite(np.add.reduce(dw, axis=None)) else None
