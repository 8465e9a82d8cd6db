"""Rows for Fourier transforms."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, OpSpec, Sample, integers, normal

_ones = np.ones((2, 4), np.float32)


def transform(name, complex_input):
    """A call of ``fft``; a pair of real inputs becomes a complex one."""

    def call(torch, x, *rest, **options):
        z = torch.complex(x, rest[0]) if complex_input and rest else x
        y = getattr(torch.fft, name)(z, **options)
        return torch.view_as_real(y.resolve_conj()) if y.is_complex() else y

    return call


def lines(complex_input):
    def samples(rng):
        def arguments(*shape):
            return [normal(rng, *shape) for _ in range(2 if complex_input else 1)]

        for n in (2, 3, 8, 9):
            yield Sample(*arguments(2, n))
        yield Sample(*arguments(6))
        yield Sample(*arguments(4, 3), dim=0, norm="ortho")
        yield Sample(*arguments(2, 5, 2), dim=1, norm="forward")
        yield Sample(*arguments(2, 5), n=3, norm="backward")
        yield Sample(*arguments(2, 5), n=8)
        yield Sample(*arguments(2, 5), n=7, norm="ortho")
        yield Sample(*[a.T for a in arguments(4, 3)])

    return samples


def planes(complex_input, default_dims):
    def samples(rng):
        def arguments(*shape):
            return [normal(rng, *shape) for _ in range(2 if complex_input else 1)]

        for norm in (None, "ortho", "forward"):
            yield Sample(*arguments(3, 4), norm=norm)
        yield Sample(*arguments(2, 3, 5))
        yield Sample(*arguments(2, 3, 4), dim=(0, 2))
        yield Sample(*arguments(2, 3, 4), s=(4, 3), dim=(2, 0))
        yield Sample(*arguments(2, 3, 4), s=(2, 6))
        if default_dims:
            yield Sample(*arguments(2, 3, 4), s=(-1, 5))
            yield Sample(*arguments(2, 2, 3, 2), dim=(1, 2, 3))

    return samples


_bad_lines = [
    Bad(RuntimeError, "data points", (_ones,), {"n": 0}),
    Bad(RuntimeError, "normalization mode", (_ones,), {"norm": "orthonormal"}),
    Bad(IndexError, "out of range", (_ones,), {"dim": 2}),
    Bad(RuntimeError, "float16", (np.ones(4, np.float16),)),
]
_bad_planes = [
    Bad(RuntimeError, "unique", (_ones,), {"dim": (0, 0)}),
    Bad(RuntimeError, "same length", (_ones,), {"s": (2,), "dim": (0, 1)}),
    Bad(RuntimeError, "dimensions", (_ones,), {"s": (2, 2, 2)}),
]
for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    halves = name in ("rfft", "ihfft")
    # a single frequency makes an empty signal; a real one has one kind of input
    OpSpec(
        f"fft.{name}", transform(name, not halves), lines(not halves), errors=_bad_lines, atol=1e-5
    )
    for tail in ("2", "n"):
        OpSpec(
            f"fft.{name}{tail}",
            transform(name + tail, not halves),
            planes(not halves, tail == "n"),
            errors=_bad_planes[: 3 if tail == "n" else 2],
            atol=1e-5,
        )
for name in ("fft", "rfft"):
    OpSpec(
        f"fft.{name} of integers",
        transform(name, False),
        lambda rng: [Sample(integers(rng, 0, 9, 2, 5)), Sample(integers(rng, 0, 2, 4) > 0)],
        gradient=False,
        atol=1e-5,
    )
OpSpec(
    "fft.rfft of complex",
    lambda torch, x, imag=0: torch.fft.rfft(torch.complex(x, x) if imag else x).real,
    lambda rng: [Sample(normal(rng, 3))],
    errors=[Bad(RuntimeError, "must be real|real input", (np.zeros(4, np.float32), 1))],
)


def _window(rng, n):
    """Like a Hann window, but with a gradient of its own and nowhere near 0."""
    return np.asarray(0.6 + 0.4 * np.sin(np.pi * (np.arange(n) + 0.5) / n) + 0 * rng.random(), "f")


def _stft(torch, x, window=None, imag=None, **options):
    z = x if imag is None else torch.complex(x, imag)
    y = torch.stft(z, window=window, return_complex=True, **options)
    return torch.view_as_real(y)


OpSpec(
    "torch.stft",
    _stft,
    lambda rng: [
        Sample(normal(rng, 20), _window(rng, 8), n_fft=8),
        Sample(normal(rng, 2, 23), _window(rng, 8), n_fft=8, hop_length=3, normalized=True),
        Sample(normal(rng, 2, 20), _window(rng, 5), n_fft=8, win_length=5, center=False),
        Sample(
            normal(rng, 20), _window(rng, 4), n_fft=8, win_length=4, center=False, align_to_window=True
        ),
        Sample(normal(rng, 15), _window(rng, 7), n_fft=7, hop_length=2, onesided=False),
        Sample(normal(rng, 15), _window(rng, 6), normal(rng, 15), n_fft=6, hop_length=2),
        *(
            Sample(normal(rng, 2, 12), _window(rng, 6), n_fft=6, hop_length=5, pad_mode=mode)
            for mode in ("constant", "replicate", "circular", "reflect")
        ),
    ],
    covers=("Tensor.stft",),
    errors=[
        Bad(RuntimeError, "n_fft", (np.ones(4, "f"), np.ones(8, "f")), {"n_fft": 8, "center": False}),
        Bad(RuntimeError, "hop_length", (np.ones(9, "f"), np.ones(8, "f")), {"n_fft": 8, "hop_length": 0}),
        Bad(RuntimeError, "win_length", (np.ones(9, "f"), np.ones(4, "f")), {"n_fft": 8}),
        Bad(RuntimeError, "window", (np.ones(9, "f"), np.ones((2, 8), "f")), {"n_fft": 8}),
        Bad(RuntimeError, "1D or 2D", (np.ones((1, 1, 9), "f"), np.ones(8, "f")), {"n_fft": 8}),
        Bad(RuntimeError, "Padding", (np.ones(4, "f"), np.ones(8, "f")), {"n_fft": 8}),
        Bad(RuntimeError, "align_to_window", (np.ones(9, "f"), np.ones(8, "f")), {"n_fft": 8, "align_to_window": True}),
    ],
    atol=1e-5,
)  # fmt: skip


def _istft(torch, real, imag, window=None, **options):
    y = torch.istft(torch.complex(real, imag), window=window, **options)
    return torch.view_as_real(y) if y.is_complex() else y


def _spectra(rng, *shape):
    return normal(rng, *shape), normal(rng, *shape)


OpSpec(
    "torch.istft",
    _istft,
    lambda rng: [
        Sample(*_spectra(rng, 5, 6), _window(rng, 8), n_fft=8),
        Sample(*_spectra(rng, 2, 5, 6), _window(rng, 8), n_fft=8, hop_length=3, normalized=True),
        Sample(*_spectra(rng, 2, 5, 6), _window(rng, 8), n_fft=8, hop_length=3, length=17),
        Sample(*_spectra(rng, 2, 5, 6), _window(rng, 8), n_fft=8, center=False),
        Sample(*_spectra(rng, 5, 6), _window(rng, 6), n_fft=8, win_length=6),
        Sample(*_spectra(rng, 7, 6), _window(rng, 7), n_fft=7, hop_length=2, onesided=False),
        Sample(*_spectra(rng, 7, 6), _window(rng, 7), n_fft=7, onesided=False, return_complex=True),
    ],
    covers=("Tensor.istft",),
    errors=[
        Bad(RuntimeError, "frequencies", (*_spectra(np.random.default_rng(0), 4, 6), np.ones(8, "f")), {"n_fft": 8}),
        Bad(RuntimeError, "overlap add", (*_spectra(np.random.default_rng(0), 5, 6), np.zeros(8, "f")), {"n_fft": 8}),
        Bad(RuntimeError, "onesided", (*_spectra(np.random.default_rng(0), 5, 6), np.ones(8, "f")), {"n_fft": 8, "return_complex": True}),
    ],
    atol=1e-5,
)  # fmt: skip
for name in ("fftfreq", "rfftfreq"):
    OpSpec(
        f"fft.{name}",
        lambda torch, *args, name=name, **options: getattr(torch.fft, name)(*args, **options),
        lambda rng: [Sample(5), Sample(6, 0.1), Sample(1), Sample(4, d=2.0)],
        gradient=False,
    )
for name in ("fftshift", "ifftshift"):
    OpSpec(
        f"fft.{name}",
        lambda torch, *args, name=name, **options: getattr(torch.fft, name)(*args, **options),
        lambda rng: [
            Sample(normal(rng, 5)),
            Sample(normal(rng, 3, 4)),
            Sample(normal(rng, 3, 4), dim=0),
            Sample(normal(rng, 3, 4, 5), dim=(0, 2)),
        ],
        errors=[Bad(IndexError, "out of range", (_ones,), {"dim": 2})],
    )
