"""Discrete Fourier transforms: y_k = s sum_n x_n exp(-+ 2 pi i k n / N), along some dimensions.

A transform is linear, so its gradient is the transposed conjugate: the transform of dy with the other
sign and the same factor s. The one for real input keeps half of the frequencies, since the others are
conjugates; back from there, each frequency but the first (and for even N the last) counts twice.

Source: Cooley & Tukey, "An algorithm for the machine calculation of complex Fourier series", 1965.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.op import Op

__all__ = ["FFT", "IRFFT", "RFFT"]


class FFT(Op):
    """y = s F x with F_kn = exp(-2 pi i k n / N), or its conjugate; dx = s conj(F) dy."""

    label = "FftC2CBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, axes: tuple[int, ...], forward: bool, s: float) -> Any:
        ctx.options = (axes, not forward, s)
        # each of NumPy's has a norm without factor
        y = np.fft.fftn(x, axes=axes) if forward else np.fft.ifftn(x, axes=axes, norm="forward")
        return y if s == 1 else np.multiply(y, s, out=y)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return FFT.apply(dy, *ctx.options)


class RFFT(Op):
    """y = s F x for real x, frequencies 0 to N/2 along one axis; dx = s Re(conj(F) dy).

    ``IRFFT`` counts the frequencies in the middle twice, so they are halved before.
    """

    label = "FftR2CBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, axis: int, s: float) -> Any:
        ctx.axis, ctx.s, ctx.n = axis, s, x.shape[axis]
        y = np.fft.rfft(x, axis=axis)
        return y if s == 1 else np.multiply(y, s, out=y)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        halves = _weights(dy, ctx.axis, ctx.n, 0.5)
        return IRFFT.apply(dy * halves, ctx.axis, ctx.n, ctx.s)


class IRFFT(Op):
    """y_n = s Re(x_0 + 2 x_1 e_n + ... ) with e_n = exp(2 pi i n / N), real; dx = s F dy, twice in the middle."""

    label = "FftC2RBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, axis: int, n: int, s: float) -> Any:
        ctx.axis, ctx.s, ctx.n = axis, s, n
        y = np.fft.irfft(x, n, axis=axis, norm="forward")
        return y if s == 1 else np.multiply(y, s, out=y)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        dx = RFFT.apply(dy, ctx.axis, ctx.s)
        return dx * _weights(dx, ctx.axis, ctx.n, 2.0)


def _weights(x: Any, axis: int, n: int, middle: float) -> np.ndarray:
    """A number for each of the frequencies 0 to n/2: 1 for those that are their own conjugates."""
    kind = np.float64 if x.dtype == np.complex128 else np.float32
    weights = np.full(n // 2 + 1, middle, kind)
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    return weights.reshape([-1 if i == axis else 1 for i in range(x.ndim)])
