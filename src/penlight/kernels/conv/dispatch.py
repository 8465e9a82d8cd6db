"""Convolution and its two gradients, as chunks of matrix products, in two or more spatial dimensions.

With x (N, C, *S), w (F, C/G, *K), y and dy (N, F, *O), all three are one product once the windows of x
are gathered as columns X (C *K, *O) of each image:

    y = W X + b        dX = W^T dy, then every column is added back where it came from
    dW = dy X^T

Only a cache-sized chunk of X ever exists; ``im2col`` has its layouts. One-dimensional data come with a
dimension of size one put in front, volumes as planes (``volumes``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.kernels.conv import (
    dense,
    depthwise,
    depthwise_planes as planes,
    fft,
    forward_pass,
    input_pass,
    small,
    volumes,
    weight_pass,
)
from penlight.kernels.conv.common import is_much, per_channel
from penlight.kernels.windows import Size, Window

__all__ = ["forward", "input_grad", "weight_grad"]


def forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, window: Window, groups: int = 1
) -> np.ndarray:
    """y[n, f, o] = b[f] + sum over c, k of w[f, c, k] x[n, c, o s + k d - p].

    Args:
        x: (N, C, *S). w: (F, C / groups, *K). b: (F,) or None.

    Returns:
        y, (N, F, *O).
    """
    if x.dtype == np.float16:
        return _in_single(forward, x, w, b, window, groups)
    x, window = _cropped(x, window)
    output = window.output_size(x.shape[2:])
    if w.size and x.size and small.applies(len(x), x.shape[1], w, output):
        return small.forward(x, w, b, window, output, groups)
    if x.ndim == 3:
        return forward(x[:, :, None], w[:, :, None], b, window.below_one(), groups)[:, :, 0]
    y = np.empty((len(x), len(w), *output), x.dtype)
    if not w.size:
        y[...] = 0 if b is None else per_channel(b, y.ndim)
    if not w.size or not y.size:
        return y
    if fft.applies(len(x), x.shape[1], len(w), x.shape[2:], window, groups, x.dtype):
        found = fft.forward(x, w, b, window, is_much(y, w[0].size))
        if found is not None:
            return found
    if volumes.applies(window):
        return volumes.forward(x, w, b, window, groups, forward)
    if groups == 1:
        return dense.forward(x, w, b, window)
    if window.is_plain():
        forward_pass.pointwise(np.ascontiguousarray(x), w, b, y, groups)
    elif groups == x.shape[1] and depthwise.applies(len(x), window, x.shape[2:], output):
        if not depthwise.forward(x, w, b, y, window, is_much(y, 10 * w[0].size)):
            forward_pass.bands(x, w, b, y, window, groups)
    else:
        forward_pass.bands(x, w, b, y, window, groups)
    return y


def input_grad(
    dy: np.ndarray,
    w: np.ndarray,
    size: Size,
    window: Window,
    groups: int = 1,
    b: np.ndarray | None = None,
) -> np.ndarray:
    """dx[n, c, i] = b[c] + sum over f and all (o, k) with o s + k d - p = i of w[f, c, k] dy[n, f, o].

    With stride 1 that is a convolution of dy with w turned round. It is also the forward pass of a
    transposed convolution, with ``b`` its bias.

    Args:
        dy: (N, F, *O). w: (F, C / groups, *K). size: S. b: (C,) or None.

    Returns:
        dx, (N, C, *S).
    """
    if dy.dtype == np.float16:
        return _in_single(input_grad, dy, w, size, window, groups, b)
    if dy.ndim == 3:
        w, window, size = w[:, :, None], window.below_one(), (1, *size)
        return input_grad(dy[:, :, None], w, size, window, groups, b)[:, :, 0]
    n, f = dy.shape[:2]
    c = w.shape[1] * groups
    dy = np.ascontiguousarray(dy)
    if dy.size and fft.applies(n, c, f, size, window, groups, dy.dtype):
        found = fft.input_grad(dy, w, b, size, window, is_much(dy, w[0].size))
        if found is not None:
            return found
    if dy.size and w.size and volumes.applies(window):
        return volumes.input_grad(dy, w, b, size, window, groups, input_grad)
    if groups == 1 and dy.size and w.size:
        return dense.input_grad(dy, w, b, size, window, forward)
    turned = _turned(window, size, dy.shape[2:])
    if turned is not None and dy.size and w.size and f <= 4 * c:
        around: Any = (..., *(slice(None, None, -1),) * (w.ndim - 2))
        return forward(dy, _exchanged(w[around], groups), b, turned, groups)
    dx = np.empty((n, c, *size), dy.dtype)
    if not dy.size or not w.size:
        dx[...] = 0 if b is None else per_channel(b, dx.ndim)
    elif (
        groups == c == f > 1
        and planes.applies(n, window, size, dy.shape[2:])
        and planes.input_grad(dy, w, b, dx, window, is_much(dy, 10 * w[0].size))
    ):
        pass
    elif set(window.dilation) == {1} and max(window.stride) > 1:

        def convolve(y: np.ndarray, v: np.ndarray, b: np.ndarray | None, part: Window) -> Any:
            return forward(y, _exchanged(v.swapaxes(0, 1), groups), b, part, groups)

        input_pass.phases(dy, w, b, dx, window, convolve)
    else:
        input_pass.columns(dy, w, b, dx, window, groups)
    return dx


def weight_grad(x: np.ndarray, dy: np.ndarray, window: Window, groups: int = 1) -> np.ndarray:
    """dw[f, c, k] = sum over n, o of dy[n, f, o] x[n, c, o s + k d - p].

    Args:
        x: (N, C, *S). dy: (N, F, *O).

    Returns:
        dw, (F, C / groups, *K).
    """
    if x.dtype == np.float16:
        return _in_single(weight_grad, x, dy, window, groups)
    x, window = _cropped(x, window)
    dw = np.zeros((dy.shape[1], x.shape[1] // groups, *window.kernel), x.dtype)
    if not dy.size or not dw.size:
        return dw
    if small.applies(len(x), x.shape[1], dw, dy.shape[2:]):
        return small.weight_grad(x, dy, dw.shape, window, groups)
    if x.ndim == 3:
        return weight_grad(x[:, :, None], dy[:, :, None], window.below_one(), groups)[:, :, 0]
    x, dy = np.ascontiguousarray(x), np.ascontiguousarray(dy)
    if fft.applies(len(x), x.shape[1], len(dw), x.shape[2:], window, groups, x.dtype):
        found = fft.weight_grad(x, dy, window, is_much(dy, dw[0].size))
        if found is not None:
            return found
    if volumes.applies(window):
        return volumes.weight_grad(x, dy, window, groups, weight_grad)
    if groups == 1:
        return dense.weight_grad(x, dy, window)
    if groups == x.shape[1] > 1 and planes.applies(len(x), window, x.shape[2:], dy.shape[2:]):
        return planes.weight_grad(x, dy, dw.shape, window, is_much(dy, 10 * dw[0].size))
    return weight_pass.shifts(x, dy, dw.shape, window, groups)


def _exchanged(w: np.ndarray, groups: int) -> np.ndarray:
    """w (F, C/G, *K) as the weight (C, F/G, *K) of the way back."""
    per_group = w.reshape(groups, len(w) // groups, *w.shape[1:]).swapaxes(1, 2)
    return per_group.reshape(-1, len(w) // groups, *w.shape[2:])


def _in_single(function: Callable[..., np.ndarray], *arguments: Any) -> np.ndarray:
    """float16 computed in float32, for which there are fast products, and rounded once at the end."""
    wide = [a.astype(np.float32) if isinstance(a, np.ndarray) else a for a in arguments]
    return function(*wide).astype(np.float16)


def _cropped(x: np.ndarray, window: Window) -> tuple[np.ndarray, Window]:
    """x without what negative padding at the end takes away (a transposed convolution's output_padding)."""
    if all(q >= 0 for _, q in window.padding):
        return x, window
    kept: Any = (
        ...,
        *(slice(n + min(q, 0)) for n, (_, q) in zip(x.shape[2:], window.padding, strict=True)),
    )
    padding = tuple((p, max(q, 0)) for p, q in window.padding)
    return x[kept], window._replace(padding=padding)


def _turned(window: Window, size: Size, output: Size) -> Window | None:
    """The window of the stride-1 convolution that carries dy back; None if there is none."""
    if any(s != 1 for s in window.stride):
        return None
    padding = tuple(
        (e - 1 - p, n - o + p)
        for n, o, e, (p, _) in zip(size, output, window.extent, window.padding, strict=True)
    )
    if any(p < 0 or q < 0 for p, q in padding):
        return None
    return Window(window.kernel, window.stride, padding, window.dilation)
