"""Short-time Fourier transforms: the spectrum of each stretch of a signal.

Source: Griffin & Lim, "Signal estimation from modified short-time Fourier transform", IEEE
Transactions on Acoustics, Speech and Signal Processing 32(2), 1984.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import wrap
from penlight.ops.complex import view_as_real
from penlight.ops.fourier import FFT, IRFFT, RFFT
from penlight.ops.padding import (
    ConstantPad,
    PadByIndex,
    circular_index,
    reflect_index,
    replicate_index,
)
from penlight.ops.promotion import as_complex
from penlight.ops.strides import FoldAlong, unfold

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["istft", "stft"]

_INDICES = {"reflect": reflect_index, "replicate": replicate_index, "circular": circular_index}


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """Y[w, m] = sum_k window[k] x[m hop + k] exp(-2 pi i w k / n_fft).

    Args:
        input: (L,) or (B, L), real or complex.
        n_fft: length of a stretch.
        hop_length: from one stretch to the next; default: ``n_fft // 4``.
        win_length: length of the window, which stands in the middle of a stretch; default: ``n_fft``.
        window: (win_length,); default: ones.
        center: let stretch m have x[m hop] in its middle, by padding the signal on both sides.
        pad_mode: how it is padded: "reflect", "constant", "replicate" or "circular".
        normalized: divide by sqrt(n_fft).
        onesided: keep the frequencies 0 to n_fft/2; default: for real input and window.
        return_complex: complex values, or (False) pairs of real ones along a new last dimension.
        align_to_window: take it that windows, not stretches, touch the ends; without ``center`` only.

    Returns:
        (B?, frequencies, stretches).

    Raises:
        RuntimeError: if a length is out of range, or ``return_complex`` is not given for real input.
    """
    complex_given = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None:
        if not complex_given:
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs: True for "
                "complex values, False for pairs of real ones."
            )
        return_complex = True
    if not input.is_floating_point() and not input.is_complex():
        raise RuntimeError(f"stft: expected a tensor of floating point or complex values, got {input.dtype}")  # fmt: skip
    hop, length = _lengths("stft", n_fft, hop_length, win_length)
    if input.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, got {input.ndim}D")
    x = input if input.ndim == 2 else input.unsqueeze(0)
    if center:
        if align_to_window is not None:
            raise RuntimeError("stft: align_to_window has an effect only when center=False")
        x = _padded(x, n_fft // 2, pad_mode)
    elif align_to_window:
        left = (n_fft - length) // 2
        x = ConstantPad.apply(x, ((left, n_fft - length - left),), 0)
    if not 0 < n_fft <= x.shape[-1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {x.shape[-1]}, but got n_fft={n_fft}")
    frames = unfold(x, -1, n_fft, hop) * _window("stft", window, n_fft, length, x)
    if onesided is None:
        onesided = not complex_given
    if onesided and complex_given:
        raise RuntimeError("stft: onesided output is only for real input and a real window")
    s = 1 / math.sqrt(n_fft) if normalized else 1.0
    y: Any = RFFT.apply(frames, 2, s) if onesided else FFT.apply(as_complex(frames), (2,), True, s)
    y = y.transpose(1, 2)
    y = y if input.ndim == 2 else y.squeeze(0)
    return y if return_complex else view_as_real(y)


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal whose :func:`stft` is nearest to ``input``: x = sum_m window y_m / sum_m window^2.

    Args:
        input: (B?, frequencies, stretches), complex.
        length: of the result; default: as far as stretches reach.
        return_complex: of a complex signal; needs ``onesided=False``.

    Returns:
        (B?, L).

    Raises:
        RuntimeError: if shapes disagree or some places lie under no window.
    """
    if not input.is_complex():
        raise RuntimeError(f"istft requires a complex-valued input tensor, got {input.dtype}")
    if input.ndim not in (2, 3):
        raise RuntimeError(f"istft: expected a 2D or 3D tensor, got {input.ndim}D")
    hop, win = _lengths("istft", n_fft, hop_length, win_length)
    x = input if input.ndim == 3 else input.unsqueeze(0)
    rows, count = x.shape[1], x.shape[2]
    onesided = (rows != n_fft) if onesided is None else onesided
    expected = n_fft // 2 + 1 if onesided else n_fft
    if rows != expected or not count:
        raise RuntimeError(
            f"istft: expected {expected} frequencies for n_fft={n_fft}, onesided={onesided} and at least "
            f"one stretch, got input of shape {tuple(input.shape)}"
        )
    if return_complex and onesided:
        raise RuntimeError("istft: cannot have onesided output if window or input is complex; set onesided=False")  # fmt: skip
    taper = _window("istft", window, n_fft, win, x)
    s = 1 / math.sqrt(n_fft) if normalized else 1 / n_fft
    frames = x.transpose(1, 2)
    if return_complex:
        frames = FFT.apply(frames, (2,), False, s)
    else:  # the other half would be the conjugates of these
        frames = IRFFT.apply(frames[..., : n_fft // 2 + 1], 2, n_fft, s)
    whole = n_fft + hop * (count - 1)
    options = (1, n_fft, hop)
    y = FoldAlong.apply(frames * taper, (x.shape[0], whole), *options)
    weights = (taper * taper).unsqueeze(0).expand(count, n_fft).unsqueeze(0)
    total = FoldAlong.apply(weights, (1, whole), *options)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else whole - (n_fft // 2 if center else 0)
    y, total = y[:, start:end], total[:, start:end]
    if total.numel() == 0 or float(total.abs().min()) < 1e-11:
        raise RuntimeError(
            "istft: window overlap add min: some places of the signal lie under no window; use a "
            "smaller hop_length or another window"
        )
    y = y / total
    missing = 0 if length is None else length - y.shape[1]
    if missing > 0:
        warnings.warn(
            "The length of signal is shorter than the length parameter. Result is being padded with "
            "zeros in the tail. Please check your center and hop_length settings.",
            UserWarning,
            stacklevel=2,
        )
        y = ConstantPad.apply(y, ((0, missing),), 0)
    result: Tensor = y if input.ndim == 3 else y.squeeze(0)
    return result


def _lengths(
    name: str, n_fft: int, hop_length: int | None, win_length: int | None
) -> tuple[int, int]:
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    if hop <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, but got win_length={length}")
    return hop, length


def _padded(x: Tensor, n: int, mode: str) -> Tensor:
    """A batch of signals, n places longer on both sides."""
    if mode == "constant":
        return ConstantPad.apply(x, ((n, n),), 0)
    if mode not in _INDICES:
        raise RuntimeError(f"stft: pad_mode must be constant, {', '.join(_INDICES)}, got {mode!r}")
    size = x.shape[-1]
    if n >= size and mode == "reflect":
        raise RuntimeError(
            f"stft: Padding size should be less than the corresponding input dimension, but got "
            f"padding {n} on both sides of {size} values; use a smaller n_fft or center=False"
        )
    return PadByIndex.apply(x, (_INDICES[mode](size, n, n),))


def _window(name: str, window: Tensor | None, n_fft: int, length: int, x: Tensor) -> Tensor:
    """The window in the middle of ``n_fft`` places."""
    if window is None:
        warnings.warn(
            f"{name}: A window was not provided. A rectangular window will be applied, with which "
            "spectra leak; pass one, such as window=torch.hann_window(n_fft), the same for stft and "
            "istft.",
            UserWarning,
            stacklevel=3,
        )
        kind = np.float64 if x._array.dtype in (np.float64, np.complex128) else np.float32
        window = wrap(type(x), np.ones(length, kind))
    if window.ndim != 1 or window.shape[0] != length:
        raise RuntimeError(
            f"{name}: expected a 1D window tensor of size equal to win_length={length}, but got window "
            f"with size {tuple(window.shape)}"
        )
    left = (n_fft - length) // 2
    return ConstantPad.apply(window, ((left, n_fft - length - left),), 0)
