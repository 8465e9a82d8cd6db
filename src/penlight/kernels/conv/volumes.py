"""Convolutions of volumes as convolutions of planes, which have faster ways.

All that an output at depth o sees are K0 planes of each channel. Its sum over channels and these planes

    y[n, f, o] = sum over (c, k) of w[f, (c, k)] * x[n, c, o s + k d - p]

is a convolution of planes with C K0 channels, of N O0 images. To gather them costs K0 copies of x, once,
where windows would cost K0 K1 K2.

Planes are gathered some megabytes at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from penlight.kernels.chunks import ranges, run
from penlight.kernels.conv.common import per_channel
from penlight.kernels.windows import Size, Window, pad, view

__all__ = ["applies", "forward", "input_grad", "weight_grad"]

_GATHERED = 1 << 26  # bytes of planes
_WORTH_THREADS = 1_000_000  # elements
_TASKS = 4


def applies(window: Window) -> bool:
    """Whether it is a convolution of volumes, and one of planes is left without the first dimension."""
    return len(window.kernel) == 3 and window.kernel[1:] != (1, 1)


class _Part(NamedTuple):
    """Some images, and some of their outputs along the first dimension."""

    images: slice
    depths: slice

    def of(self, planes: np.ndarray) -> np.ndarray:
        """This part of y or dy (N, F, O0, ...), with the depths before the channels."""
        return planes[self.images, :, self.depths].swapaxes(1, 2)


def _parts(n: int, depths: int, plane: int) -> Iterator[_Part]:
    """Parts that gather about ``_GATHERED`` bytes, an output taking ``plane`` of them."""
    most = max(_GATHERED // max(plane, 1), 1)
    for a, b in ranges(n, max(most // depths, 1)):
        for c, d in ranges(depths, min(most, depths)):
            yield _Part(slice(a, b), slice(c, d))


def _shared(n: int, size: int, task: Callable[[slice], None]) -> None:
    """``task`` for ranges of n that together are ``size`` elements of work."""
    step = math.ceil(n / _TASKS) if size > _WORTH_THREADS else n
    parts = ranges(n, max(step, 1))
    run(lambda i: task(slice(*parts[i])), len(parts), len(parts) > 1)


def _copy(target: np.ndarray, source: np.ndarray) -> None:
    def task(part: slice) -> None:
        target[:, part] = source[:, part]

    _shared(source.shape[1], source.size, task)


def _copied(x: np.ndarray) -> np.ndarray:
    """x (n, o, c, ...) in memory of that order, as (n o, c ..., H, W)."""
    copy = np.empty(x.shape, x.dtype)
    _copy(copy, x)
    return copy.reshape(x.shape[0] * x.shape[1], -1, *x.shape[-2:])


def _gathered(x: np.ndarray, window: Window, part: _Part) -> np.ndarray:
    """The planes that some outputs see, (n o, C K0, H, W)."""
    k, s, d, p = _along(window)
    first, count = part.depths.start * s - p, part.depths.stop - part.depths.start
    stop = first + (count - 1) * s + d * (k - 1) + 1
    seen = x[part.images, :, max(first, 0) : max(stop, 0)]
    around = max(-first, 0), stop - max(first, 0) - seen.shape[2]
    if any(around):
        seen = pad(seen, (around, (0, 0), (0, 0)), 0)
    along = Window((k,), (s,), ((0, 0),), (d,))
    return _copied(np.moveaxis(view(seen, along, (count,)), 3, 1))  # (n, O0, C, K0, H, W)


def _flat(w: np.ndarray) -> np.ndarray:
    """w (F, C/G, *K) as a weight of planes, (F, C/G K0, K1, K2)."""
    return w.reshape(len(w), -1, *w.shape[3:])


def _plane_bytes(x: Any, channels: int, size: Size) -> int:
    return int(x.itemsize) * channels * math.prod(size)


def forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None,
    window: Window,
    groups: int,
    convolve: Callable[..., np.ndarray],
) -> np.ndarray:
    """y, (N, F, *O), none of whose dimensions is 0. x: (N, C, *S). w: (F, C / groups, *K).

    Args:
        convolve: the forward pass of planes.
    """
    output = window.output_size(x.shape[2:])
    y = np.empty((len(x), len(w), *output), x.dtype)
    channels = x.shape[1] * window.kernel[0]
    for part in _parts(len(x), output[0], _plane_bytes(x, channels, x.shape[3:])):
        planes = convolve(_gathered(x, window, part), _flat(w), b, window.without_first(), groups)
        target = part.of(y)
        _copy(target, planes.reshape(target.shape))
    return y


def input_grad(
    dy: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None,
    size: Size,
    window: Window,
    groups: int,
    convolve_back: Callable[..., np.ndarray],
) -> np.ndarray:
    """dx, (N, C, *size). dy: (N, F, *O), not empty. w: (F, C / groups, *K). b: (C,) or None.

    Args:
        convolve_back: the input's gradient of planes.
    """
    n, _, depths = dy.shape[:3]
    c, (k, s, d, p) = w.shape[1] * groups, _along(window)
    length = max(size[0] + p, (depths - 1) * s + d * (k - 1) + 1)
    total = np.zeros((n, length, c, *size[1:]), dy.dtype)
    for part in _parts(n, depths, _plane_bytes(dy, c * k, size[1:])):
        planes = convolve_back(
            _copied(part.of(dy)), _flat(w), size[1:], window.without_first(), groups
        )
        count = part.depths.stop - part.depths.start
        planes = planes.reshape(-1, count, c, k, *size[1:])
        below = total[part.images, part.depths.start * s :]

        def add(
            channels: slice, below: Any = below, planes: Any = planes, count: int = count
        ) -> None:
            for tap in range(k):
                seen = below[:, tap * d : tap * d + (count - 1) * s + 1 : s, channels]
                seen += planes[:, :, channels, tap]

        _shared(c, planes.size, add)
    dx = np.empty((n, c, *size), dy.dtype)
    _copy(dx, total[:, p : p + size[0]].swapaxes(1, 2))
    if b is not None:
        dx += per_channel(b, dx.ndim)
    return dx


def _along(window: Window) -> tuple[int, int, int, int]:
    """Kernel, stride, dilation and padding of the first dimension."""
    return window.kernel[0], window.stride[0], window.dilation[0], window.padding[0][0]


def weight_grad(
    x: np.ndarray,
    dy: np.ndarray,
    window: Window,
    groups: int,
    differentiate: Callable[..., np.ndarray],
) -> np.ndarray:
    """dw, (F, C / groups, *K), summed over parts in their order. x: (N, C, *S). dy: (N, F, *O).

    Args:
        differentiate: the weight's gradient of planes.
    """
    channels = x.shape[1] * window.kernel[0]
    dw: Any = 0
    for part in _parts(len(x), dy.shape[2], _plane_bytes(x, channels, x.shape[3:])):
        planes, grads = _gathered(x, window, part), _copied(part.of(dy))
        dw = dw + differentiate(planes, grads, window.without_first(), groups)
    return np.asarray(dw).reshape(dy.shape[1], x.shape[1] // groups, *window.kernel)
