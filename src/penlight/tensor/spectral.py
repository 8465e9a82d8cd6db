"""Methods: spectra of signals."""

from __future__ import annotations

from penlight.ops import spectral

__all__ = ["SpectralMethods"]


class SpectralMethods:
    """Short-time Fourier transforms."""

    __slots__ = ()
    stft, istft = spectral.stft, spectral.istft
