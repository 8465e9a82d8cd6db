"""Random convolutions for hypothesis, and their definition as a loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from penlight.kernels.windows import Window


@dataclass
class Case:
    x: np.ndarray
    w: np.ndarray
    b: np.ndarray | None
    dy: np.ndarray
    window: Window
    groups: int


@st.composite
def cases(
    draw: Any,
    dtype: str = "float64",
    dense: bool = False,
    dimensions: tuple[int, ...] = (1, 2, 2, 2, 3),
) -> Case:
    """Any convolution; with ``dense`` one group without dilation, and often without padding."""
    n = draw(st.sampled_from(dimensions))
    each = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(n))  # noqa: E731
    kernel, stride, dilation = each(1, 3), each(1, 3), each(1, 2)
    padding = tuple(zip(each(0, 3), each(0, 3), strict=True))
    if dense:
        dilation = (1,) * n
        padding = draw(st.sampled_from([padding, ((0, 0),) * n]))
    window = Window(kernel, stride, padding, dilation)
    least = (max(e - p - q, 1) for e, (p, q) in zip(window.extent, padding, strict=True))
    size = tuple(m + extra for m, extra in zip(least, each(0, 9 - 2 * n), strict=True))
    groups, c, f = (draw(st.integers(1, 3)) for _ in range(3))
    groups = 1 if dense else groups
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    random = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
    x = random(draw(st.integers(1, 3)), c * groups, *size)
    w = random(f * groups, c, *kernel)
    b = random(len(w)) if draw(st.booleans()) else None
    dy = random(len(x), len(w), *window.output_size(size))
    return Case(x, w, b, dy, window, groups)


def visits(case: Case) -> Any:
    """Every (output, tap, input) that meet, by the definition."""
    window, size = case.window, case.x.shape[2:]
    for o in np.ndindex(*window.output_size(size)):
        for k in np.ndindex(*window.kernel):
            i = tuple(
                a * s + t * d - p
                for a, t, s, d, (p, _) in zip(
                    o, k, window.stride, window.dilation, window.padding, strict=True
                )
            )
            if all(0 <= a < m for a, m in zip(i, size, strict=True)):
                yield o, k, i


def naive(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y, dx and dw as sums over everything that meets."""
    g = case.groups
    n, c, f = len(case.x), case.w.shape[1], len(case.w) // g
    x = case.x.reshape(n, g, c, *case.x.shape[2:])
    w = case.w.reshape(g, f, c, *case.w.shape[2:])
    dy = case.dy.reshape(n, g, f, *case.dy.shape[2:])
    y, dx, dw = np.zeros_like(dy), np.zeros_like(x), np.zeros_like(w)
    for o, k, i in visits(case):
        x_i, w_k, dy_o = x[(..., *i)], w[(..., *k)], dy[(..., *o)]
        y[(..., *o)] += np.einsum("gfc,ngc->ngf", w_k, x_i)
        dx[(..., *i)] += np.einsum("gfc,ngf->ngc", w_k, dy_o)
        dw[(..., *k)] += np.einsum("ngf,ngc->gfc", dy_o, x_i)
    y = y.reshape(case.dy.shape)
    if case.b is not None:
        y += case.b.reshape(-1, *(1,) * (y.ndim - 2))
    return y, dx.reshape(case.x.shape), dw.reshape(case.w.shape)
