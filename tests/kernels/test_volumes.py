"""Convolutions of volumes: by planes, in several parts, against their definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import conv
from penlight.kernels.conv import small, volumes
from penlight.kernels.windows import Window
from tests.kernels.conv_cases import Case, cases, naive

rng = np.random.default_rng(0)


def results(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        conv.forward(case.x, case.w, case.b, case.window, case.groups),
        conv.input_grad(case.dy, case.w, case.x.shape[2:], case.window, case.groups),
        conv.weight_grad(case.x, case.dy, case.window, case.groups),
    )


@pytest.mark.parametrize("gathered", [1, 2000, 1 << 26])
@pytest.mark.parametrize("worth_threads", [0, 1 << 30])
def test_parts_of_any_size_give_the_definition(
    gathered: int, worth_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one output's planes at a time up to all of them."""
    monkeypatch.setattr(volumes, "_GATHERED", gathered)
    monkeypatch.setattr(volumes, "_WORTH_THREADS", worth_threads)
    monkeypatch.setattr(small, "_GATHERED", 0)
    gone = 0

    @given(cases(dimensions=(3,)))
    def run(case: Case) -> None:
        nonlocal gone
        gone += volumes.applies(case.window)
        for name, a, b in zip(("y", "dx", "dw"), results(case), naive(case), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10, err_msg=name)

    run()
    assert gone


def _large(dtype: str = "f") -> Case:
    window = Window((3, 3, 2), (1, 2, 1), ((1, 1), (0, 1), (1, 0)), (2, 1, 1))
    x = rng.standard_normal((3, 8, 10, 33, 34)).astype(dtype)
    w = rng.standard_normal((12, 4, 3, 3, 2)).astype(dtype)
    dy = rng.standard_normal((3, 12, *window.output_size(x.shape[2:]))).astype(dtype)
    return Case(x, w, np.ones(12, dtype), dy, window, 2)


def test_bits_do_not_depend_on_threads() -> None:
    case, before, found = _large(), get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            found.append([r.tobytes() for r in results(case)])
    finally:
        set_num_threads(before)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_stays_in_its_windows(bad: float) -> None:
    """Where a direct sum in float64 has NaN or infinity, and nowhere else."""
    x = np.ones((1, 8, 6, 24, 24), np.float32)
    x[0, 3, 2, 11, 5] = bad
    w = np.ones((8, 8, 3, 3, 3), np.float32)
    y = conv.forward(x, w, None, Window((3,) * 3, (1,) * 3, ((1, 1),) * 3, (1,) * 3))
    expected = np.zeros(y.shape[2:], bool)
    expected[1:4, 10:13, 4:7] = True
    np.testing.assert_array_equal(~np.isfinite(y[0]), np.broadcast_to(expected, y[0].shape))


def test_rows_beyond_the_windows_get_no_gradient() -> None:
    """A negative padding at the end: a transposed convolution's output_padding."""
    window = Window((2, 2, 2), (2, 2, 2), ((0, -1),) * 3, (1, 1, 1))
    dy: Any = rng.standard_normal((2, 8, 12, 12, 12))
    w = rng.standard_normal((8, 4, 2, 2, 2))
    dx = conv.input_grad(dy, w, (25, 25, 25), window, 1, np.full(4, 3.0))
    assert (dx[:, :, 24] == dx[:, :, :, 24]).all()
    assert (dx[:, :, 24] == 3).all()
    assert (dx[..., 24] == 3).all()
    expected = np.einsum("nfdhw,fcijk->ncdihjwk", dy, w).reshape(2, 4, 24, 24, 24)
    np.testing.assert_allclose(dx[:, :, :24, :24, :24], expected + 3, rtol=1e-10, atol=1e-10)
