"""Short-time spectra: they can be undone, and warn where something is missing."""

from __future__ import annotations

import numpy as np
import pytest

import penlight


@pytest.mark.parametrize(("n_fft", "hop", "win"), [(8, 2, 8), (16, 4, 12), (7, 3, 7)])
def test_istft_undoes_stft(n_fft: int, hop: int, win: int) -> None:
    x = penlight.from_numpy(np.random.default_rng(0).standard_normal((2, 100)))
    window = penlight.hann_window(win, dtype=penlight.float64)
    y = penlight.stft(x, n_fft, hop, win, window, return_complex=True)
    back = penlight.istft(y, n_fft, hop, win, window, length=100)
    np.testing.assert_allclose(back.numpy()[:, :96], x.numpy()[:, :96], atol=1e-12)


def test_a_tone_stands_in_its_row() -> None:
    time = penlight.arange(0, 1, 1 / 64)
    x = (2 * penlight.pi * 16 * time).sin()
    y = penlight.stft(x, 32, window=penlight.hann_window(32), return_complex=True).abs()
    assert y.shape == (17, 9)
    assert set(y[:, 2:-2].argmax(0).tolist()) == {8}  # 16 of 64 Hz


def test_without_window_or_with_too_long_a_length_it_warns() -> None:
    x = penlight.ones(20)
    with pytest.warns(UserWarning, match="rectangular window"):
        y = penlight.stft(x, 8, return_complex=True)
    with pytest.warns(UserWarning, match="padded with zeros"):
        z = penlight.istft(y, 8, window=penlight.ones(8), length=30)
    assert z.tolist()[24:] == [0] * 6


def test_return_complex_must_be_said() -> None:
    with pytest.raises(RuntimeError, match="return_complex"):
        penlight.stft(penlight.ones(20), 8, window=penlight.ones(8))


def test_pairs_of_real_numbers() -> None:
    x, window = penlight.arange(20.0), penlight.ones(8)
    pairs = penlight.stft(x, 8, window=window, return_complex=False)
    y = penlight.stft(x, 8, window=window, return_complex=True)
    assert pairs.shape == (5, 11, 2)
    np.testing.assert_array_equal(pairs.numpy()[..., 1], y.imag.numpy())
