"""Convolution with large kernels and stride 1 by the convolution theorem.

A correlation is a product of spectra, one of them conjugated, a convolution a product of both:

    y = F^-1( sum over c of F(x_c) conj F(w_fc) )       dx_c = F^-1( sum over f of F(dy_f) F(w_fc) )
    dw_fc = F^-1( sum over n of F(x_nc) conj F(dy_nf) )

The sums are a product of small matrices at each frequency. Planes are padded to a size that has small
factors, and so large that nothing wraps around into what is kept. Rounding errors are those of the
largest sums of a plane, also where a sum is small: about 1e-6 of them in single precision. An infinity
or NaN would reach everything; then the caller is told.

Source: Mathieu, Henaff & LeCun, "Fast Training of Convolutional Networks through FFTs", 2014.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from penlight.kernels.chunks import ranges, run
from penlight.kernels.conv.common import per_channel
from penlight.kernels.windows import Size, Window, inside

__all__ = ["applies", "forward", "input_grad", "weight_grad"]

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_LARGE = 81  # taps; smaller kernels have faster ways, or more exact ones
_TRANSFORM = 800  # multiplications of the direct way that a number's transform costs
_LINE_TRANSFORM = 300  # and along one dimension, where the direct way's products are smaller
_TASKS = 8


def applies(
    n: int, c: int, f: int, size: Size, window: Window, groups: int, dtype: np.dtype[Any]
) -> bool:
    """Whether spectra are faster than windows, for n images of c channels and f outputs."""
    taps = math.prod(window.kernel)
    if groups != 1 or dtype not in _FLOATS or taps < _LARGE or set(window.stride) != {1}:
        return False
    if min(map(min, window.padding)) < 0 or not n * c * f:
        return False
    positions = math.prod(window.output_size(size))
    frequencies = math.prod(_sizes(window, size))
    line = sum(k > 1 for k in window.kernel) == 1
    transform = _LINE_TRANSFORM if line else _TRANSFORM
    direct = n * positions * taps * c * (f + 20)
    spectral = frequencies * ((n * c + n * f + f * c) * transform + 2 * n * c * f)
    return spectral < direct


def _sizes(window: Window, size: Size) -> Size:
    *first, last = window.padded_size(size)
    return *(_good(n, 1) for n in first), _good(last, 2)  # real transforms want pairs


@functools.lru_cache(maxsize=256)
def _good(n: int, unit: int) -> int:
    """The smallest multiple of ``unit`` from n on without a prime factor above 5."""
    n += -n % unit
    while _rest(n) > 1:
        n += unit
    return n


def _rest(n: int) -> int:
    for factor in (2, 3, 5):
        while n % factor == 0:
            n //= factor
    return n


def _spectra(planes: np.ndarray, sizes: Size, share: bool) -> np.ndarray:
    """(A, B, *S) as the matrices of its spectra, (frequencies, A, B)."""
    a, b = planes.shape[:2]
    frequencies = (*sizes[:-1], sizes[-1] // 2 + 1)
    result = np.empty((math.prod(frequencies), a, b), np.result_type(planes.dtype, np.complex64))
    axes = tuple(range(2, planes.ndim))
    parts = ranges(a, math.ceil(a / _TASKS))

    def task(i: int) -> None:
        start, stop = parts[i]
        part = np.fft.rfftn(planes[start:stop], sizes, axes)
        result[:, start:stop] = np.moveaxis(part.reshape(stop - start, b, -1), -1, 0)

    run(task, len(parts), share)
    return result


def _planes(
    spectra: np.ndarray, sizes: Size, kept: Any, out: np.ndarray, b: np.ndarray | None, share: bool
) -> bool:
    """``kept`` of the planes (A, B, *sizes), plus b, into ``out``; whether all are finite."""
    a = len(out)
    frequencies = (*sizes[:-1], sizes[-1] // 2 + 1)
    axes = tuple(range(2, out.ndim))
    parts = ranges(a, math.ceil(a / _TASKS))
    finite = [True] * len(parts)

    def task(i: int) -> None:
        part = np.moveaxis(spectra[:, slice(*parts[i])], 0, -1)
        whole = np.fft.irfftn(part.reshape(*part.shape[:2], *frequencies), sizes, axes)
        result = out[slice(*parts[i])]
        np.copyto(result, whole[kept])
        finite[i] = bool(np.isfinite(np.add.reduce(result, axis=None)))
        if b is not None:
            result += per_channel(b, out.ndim)

    run(task, len(parts), share)
    return all(finite)


def _product(a: np.ndarray, b: np.ndarray, share: bool) -> np.ndarray:
    """The product at each frequency."""
    result = np.empty((len(a), a.shape[1], b.shape[2]), a.dtype)
    parts = ranges(len(a), math.ceil(len(a) / _TASKS))

    def task(i: int) -> None:
        rows = slice(*parts[i])
        np.matmul(a[rows], b[rows], out=result[rows])

    run(task, len(parts), share)
    return result


def _padded(x: np.ndarray, window: Window) -> np.ndarray:
    if not any(map(any, window.padding)):
        return x
    padded = np.zeros((*x.shape[:2], *window.padded_size(x.shape[2:])), x.dtype)
    padded[inside(x.shape[2:], window.padding)] = x
    return padded


def _spread(w: np.ndarray, window: Window) -> np.ndarray:
    """w with its taps as far apart as they meet x."""
    if set(window.dilation) == {1}:
        return w
    spread = np.zeros((*w.shape[:2], *window.extent), w.dtype)
    taps: Any = (..., *(slice(None, None, d) for d in window.dilation))
    spread[taps] = w
    return spread


def forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, window: Window, share: bool
) -> np.ndarray | None:
    """y[n, f, o] = b[f] + sum over c, k of w[f, c, k] x[n, c, o + k d - p].

    Args:
        x: (N, C, *S). w: (F, C, *K). b: (F,) or None.
        share: work in several threads.

    Returns:
        y, (N, F, *O), or None if it is not all finite, and may not be right.
    """
    sizes, output = _sizes(window, x.shape[2:]), window.output_size(x.shape[2:])
    seen = _spectra(_padded(x, window), sizes, share)  # (Q, N, C)
    kernels = _spectra(_spread(w, window), sizes, share)  # (Q, F, C)
    np.conjugate(kernels, out=kernels)
    y = np.empty((len(x), len(w), *output), x.dtype)
    kept = (..., *map(slice, output))
    product = _product(seen, kernels.swapaxes(1, 2), share)
    return y if _planes(product, sizes, kept, y, b, share) else None


def input_grad(
    dy: np.ndarray, w: np.ndarray, b: np.ndarray | None, size: Size, window: Window, share: bool
) -> np.ndarray | None:
    """dx[n, c, i] = b[c] + sum over f and all (o, k) with o + k d - p = i of w[f, c, k] dy[n, f, o].

    Args:
        dy: (N, F, *O). w: (F, C, *K). b: (C,) or None. size: S.

    Returns:
        dx, (N, C, *S), or None if it is not all finite, and may not be right.
    """
    sizes = _sizes(window, size)
    grads = _spectra(dy, sizes, share)  # (Q, N, F)
    kernels = _spectra(_spread(w, window), sizes, share)  # (Q, F, C)
    dx = np.empty((len(dy), w.shape[1], *size), dy.dtype)
    kept = inside(size, window.padding)
    return dx if _planes(_product(grads, kernels, share), sizes, kept, dx, b, share) else None


def weight_grad(x: np.ndarray, dy: np.ndarray, window: Window, share: bool) -> np.ndarray | None:
    """dw[f, c, k] = sum over n, o of dy[n, f, o] x[n, c, o + k d - p].

    Args:
        x: (N, C, *S). dy: (N, F, *O).

    Returns:
        dw, (F, C, *K), or None if it is not all finite, and may not be right.
    """
    sizes = _sizes(window, x.shape[2:])
    seen = _spectra(_padded(x, window), sizes, share)  # (Q, N, C)
    grads = _spectra(dy, sizes, share)  # (Q, N, F)
    np.conjugate(grads, out=grads)
    dw = np.empty((dy.shape[1], x.shape[1], *window.kernel), x.dtype)
    kept = (..., *(slice(0, e, d) for e, d in zip(window.extent, window.dilation, strict=True)))
    product = _product(grads.swapaxes(1, 2), seen, share)
    return dw if _planes(product, sizes, kept, dw, None, share) else None
