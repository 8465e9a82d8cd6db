"""Convolution by minimal filtering against its definition, and where it must not be taken."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from penlight.kernels.conv import winograd
from penlight.kernels.conv.weight_pass import summed
from penlight.kernels.windows import Window
from tests.kernels.conv_cases import Case, naive


def a_case(
    n: int, c: int, f: int, size: tuple[int, int], window: Window, bias: bool, seed: int = 0
) -> Case:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, c, *size), dtype=np.float32)
    w = rng.standard_normal((f, c, *window.kernel), dtype=np.float32)
    dy = rng.standard_normal((n, f, *window.output_size(size)), dtype=np.float32)
    return Case(x, w, rng.standard_normal(f, dtype=np.float32) if bias else None, dy, window, 1)


def in_double(case: Case) -> Case:
    x, w, dy = (a.astype(np.float64) for a in (case.x, case.w, case.dy))
    b = None if case.b is None else case.b.astype(np.float64)
    return Case(x, w, b, dy, case.window, 1)


def results(case: Case, share: bool = False) -> tuple[np.ndarray, np.ndarray]:
    y = np.full_like(case.dy, np.nan)
    assert winograd.forward(case.x, case.w, case.b, y, case.window, share)
    dw = winograd.weight_grad(case.x, case.dy, case.window, share, summed)
    assert dw is not None
    assert y.dtype == dw.dtype == np.float32
    return y, dw


def errors(actual: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-3))


def windows() -> list[Window]:
    kernels = [(3, 3), (5, 5), (2, 4), (3, 5)]
    paddings = [((0, 0), (0, 0)), ((1, 1), (2, 2)), ((3, 0), (0, 4)), ((5, 6), (7, 5))]
    return [Window(k, (1, 1), p, (1, 1)) for k, p in itertools.product(kernels, paddings)]


@pytest.mark.parametrize("window", windows(), ids=str)
def test_is_its_definition(window: Window) -> None:
    """Largest error 1e-5 of the largest result; sizes that tiles divide, and that they don't."""
    for i, size in enumerate([(5, 5), (8, 12), (7, 30), (19, 6)]):
        case = a_case(2, 3, 4, size, window, bias=i % 2 == 0, seed=i)
        y, _, dw = naive(in_double(case))
        for actual, expected in zip(results(case), (y, dw), strict=True):
            assert errors(actual, expected) < 1e-5


@pytest.mark.parametrize("r", [2, 3, 4, 5])
def test_matrices_filter_one_tile(r: int) -> None:
    output, kernel, data = winograd.matrices(r)
    d, g = np.arange(1.0, 7.0) ** 2, np.arange(1.0, r + 1)
    expected = np.convolve(d, g[::-1], "valid")
    np.testing.assert_allclose(output @ ((kernel @ g) * (data @ d)), expected, rtol=1e-12)
