"""Window functions: what a stretch of a signal is weighted with.

Source: Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform",
Proceedings of the IEEE 66(1), 1978.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.tensor.creation import finish, read_options
from penlight.tensor.tensor import Tensor

__all__ = [
    "bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window",
]  # fmt: skip


def _window(
    name: str, n: int, periodic: bool, form: Callable[[np.ndarray], Any], options: dict[str, Any]
) -> Tensor:
    """``form`` of n places in [0, 1]; a periodic window is one longer, without its last."""
    if n < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={n}")
    dtype, device, grad, layout = read_options(name, options)
    if dtype.kind != "f":
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    steps = n if periodic else n - 1
    values = np.ones(n) if n == 1 else form(np.arange(n) / max(steps, 1))
    return finish(np.asarray(values).astype(dtype), device, grad, layout)


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """(1 - cos 2 pi t) / 2 for t from 0 to 1.

    Args:
        periodic: leave out the last point, so that the window continues itself. Default: True.
        options: ``dtype``, ``device``, ``requires_grad`` ..., as for ``zeros``.
    """
    return hamming_window(window_length, periodic, 0.5, 0.5, **options)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    **options: Any,
) -> Tensor:
    """alpha - beta cos 2 pi t for t from 0 to 1."""

    def form(t: np.ndarray) -> Any:
        return alpha - beta * np.cos(2 * math.pi * t)

    return _window("hamming_window", window_length, periodic, form, options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """0.42 - 0.5 cos 2 pi t + 0.08 cos 4 pi t for t from 0 to 1."""

    def form(t: np.ndarray) -> Any:
        return 0.42 - 0.5 * np.cos(2 * math.pi * t) + 0.08 * np.cos(4 * math.pi * t)

    return _window("blackman_window", window_length, periodic, form, options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """1 - |2 t - 1| for t from 0 to 1: a triangle."""

    def form(t: np.ndarray) -> Any:
        return 1 - np.abs(2 * t - 1)

    return _window("bartlett_window", window_length, periodic, form, options)


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any
) -> Tensor:
    """I0(beta sqrt(1 - (2 t - 1)^2)) / I0(beta) for t from 0 to 1, I0 the modified Bessel function."""

    def form(t: np.ndarray) -> Any:
        inside = np.sqrt(np.maximum(1 - (2 * t - 1) ** 2, 0))
        return np.i0(beta * inside) / np.i0(beta)

    return _window("kaiser_window", window_length, periodic, form, options)
