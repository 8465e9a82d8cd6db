"""Dense convolutions (one group): each pass goes the way that ``costs`` predicts to be fastest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.kernels.conv import forward_pass, input_pass, lines, small, weight_pass, winograd
from penlight.kernels.conv.common import is_much
from penlight.kernels.conv.costs import Problem, chosen, turned
from penlight.kernels.windows import Size, Window

__all__ = ["forward", "input_grad", "weight_grad"]


def forward(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, window: Window) -> np.ndarray:
    """y, (N, F, *O), none of whose dimensions is 0. x: (N, C, *S). w: (F, C, *K). b: (F,) or None."""
    x, window = _thinned(x, window)
    p = _problem(x, len(w), window)
    way = chosen("forward", p)
    if way == "small":
        return small.forward(x, w, b, window, p.output, 1)
    y = np.empty((p.n, p.f, *p.output), x.dtype)
    if way == "winograd":
        if winograd.forward(x, w, b, y, window, is_much(y, p.depth)):
            return y
        way = chosen("forward", p, exact=True)
    if way == "pointwise":
        forward_pass.pointwise(np.ascontiguousarray(x), w, b, y, 1)
    elif way == "rows":
        forward_pass.rows(x, w, b, y, window)
    elif way == "bands":
        forward_pass.bands(x, w, b, y, window, 1)
    elif way == "lines":
        lines.forward(x, w, b, y, window)
    else:
        return small.forward(x, w, b, window, p.output, 1)
    return y


def input_grad(
    dy: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None,
    size: Size,
    window: Window,
    convolve: Callable[..., np.ndarray],
) -> np.ndarray:
    """dx, (N, C, *size). dy: (N, F, *O), contiguous and not empty. w: (F, C, *K). b: (C,) or None.

    Args:
        convolve: the forward pass with any arguments.
    """
    p = Problem(len(dy), w.shape[1], len(w), size, dy.shape[2:], window, dy.dtype)
    way = chosen("input_grad", p)
    if way == "turned":
        transposed = turned(p)
        assert transposed is not None
        around: Any = (..., *(slice(None, None, -1),) * len(size))
        return convolve(dy, w[around].swapaxes(0, 1), b, transposed.window)
    dx = np.empty((p.n, p.c, *size), dy.dtype)
    if way == "phases":
        input_pass.phases(dy, w, b, dx, window, convolve)
    elif way == "rows":
        input_pass.rows(dy, w, b, dx, window)
    else:
        input_pass.columns(dy, w, b, dx, window, 1)
    return dx


def weight_grad(x: np.ndarray, dy: np.ndarray, window: Window) -> np.ndarray:
    """dw, (F, C, *K), not empty. x: (N, C, *S). dy: (N, F, *O); both contiguous."""
    x, window = _thinned(x, window)
    p = _problem(x, dy.shape[1], window)
    shape = (p.f, p.c, *window.kernel)
    way = chosen("weight_grad", p)
    if way == "winograd":
        dw = winograd.weight_grad(x, dy, window, is_much(dy, p.depth), weight_pass.summed)
        if dw is not None:
            return dw
        way = chosen("weight_grad", p, exact=True)
    if way == "rows":
        return weight_pass.rows(x, dy, shape, window)
    if way == "shifts":
        return weight_pass.shifts(x, dy, shape, window, 1)
    if way == "lines":
        return lines.weight_grad(x, dy, shape, window)
    return small.weight_grad(x, dy, shape, window, 1)


def _problem(x: np.ndarray, f: int, window: Window) -> Problem:
    n, c, *size = x.shape
    return Problem(n, c, f, tuple(size), window.output_size(tuple(size)), window, x.dtype)


def _thinned(x: np.ndarray, window: Window) -> tuple[np.ndarray, Window]:
    """For windows of one element with strides: only the elements they see, which need no stride."""
    if all(s == 1 for s in window.stride) or any(k > 1 for k in window.kernel):
        return x, window
    if any(map(any, window.padding)):
        return x, window
    seen: Any = (..., *(slice(None, None, s) for s in window.stride))
    return np.ascontiguousarray(x[seen]), window._replace(stride=(1,) * len(window.stride))
