"""Convolution by spectra against its definition, with its rounding errors measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import conv
from penlight.kernels.conv import fft
from penlight.kernels.windows import Window
from tests.kernels.conv_cases import Case, cases, naive


def results(case: Case, share: bool = False) -> tuple[Any, Any, Any]:
    size = case.x.shape[2:]
    return (
        fft.forward(case.x, case.w, case.b, case.window, share),
        fft.input_grad(case.dy, case.w, None, size, case.window, share),
        fft.weight_grad(case.x, case.dy, case.window, share),
    )


@given(cases())
def test_is_the_definition(drawn: Case) -> None:
    """For one group and stride 1, with any padding and dilation, in one to three dimensions."""
    window = drawn.window._replace(stride=(1,) * len(drawn.window.kernel))
    c = drawn.w.shape[1]
    x = drawn.x[:, :c]
    output = window.output_size(x.shape[2:])
    dy = np.random.default_rng(0).standard_normal((len(x), len(drawn.w), *output))
    case = Case(x, drawn.w, drawn.b, dy, window, 1)
    for actual, expected in zip(results(case), naive(case), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10)
        assert actual.dtype == expected.dtype


def large(dtype: str) -> Case:
    rng = np.random.default_rng(0)
    random = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
    window = Window((11, 13), (1, 1), ((5, 5), (6, 6)), (1, 1))
    return Case(
        random(9, 6, 20, 26), random(5, 6, 11, 13), random(5), random(9, 5, 20, 26), window, 1
    )


def test_errors_in_single_precision_are_a_millionth_of_the_largest() -> None:
    double = large("float64")
    single = replace(
        double, **{a: getattr(double, a).astype(np.float32) for a in ("x", "w", "b", "dy")}
    )
    for actual, exact in zip(results(single), results(double), strict=True):
        assert actual.dtype == np.float32
        assert np.abs(actual - exact).max() < 1e-6 * np.abs(exact).max()


def test_threads_do_not_change_a_bit() -> None:
    before, found = get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            found.append([a.tobytes() for a in results(large("float32"), True)])
    finally:
        set_num_threads(before)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_told(bad: float) -> None:
    case = large("float32")
    case.x[0, 0, 3, 4] = bad
    case.dy[0, 0, 3, 4] = bad
    with np.errstate(invalid="ignore"):
        assert results(case) == (None, None, None)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_kernels_of_many_channels_go_by_spectra(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []
    for name in ("forward", "input_grad", "weight_grad"):
        original = getattr(fft, name)

        def spy(*args: Any, name: str = name, original: Any = original) -> Any:
            called.append(name)
            return original(*args)

        monkeypatch.setattr(fft, name, spy)
    rng = np.random.default_rng(0)
    window = Window((129,), (1,), ((64, 64),), (1,))
    x, w = rng.standard_normal((4, 16, 512)), rng.standard_normal((16, 16, 129))
    x, w = x.astype(dtype), w.astype(dtype)
    y = conv.forward(x, w, None, window)
    assert y.dtype == dtype
    conv.input_grad(y, w, (512,), window)
    conv.weight_grad(x, y, window)
    assert called == ["forward", "input_grad", "weight_grad"]
    x[0, 0, 0] = np.inf
    with np.errstate(invalid="ignore"):
        assert np.isfinite(conv.forward(x, w, None, window)[:, :, 65:]).all()
