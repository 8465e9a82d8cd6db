"""Convolution by minimal filtering against its definition, and where it must not be taken."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import conv
from penlight.kernels.conv import common, costs, im2col, winograd
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


SAME = Window((3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))


@pytest.fixture
def by_winograd(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Even where it does not pay."""
    monkeypatch.setattr("penlight.kernels.conv.small._GATHERED", 0)
    with costs.forced(forward="winograd", weight_grad="winograd"):
        yield


@pytest.mark.usefixtures("by_winograd")
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("where", ["x", "w", "dy"])
def test_what_is_not_finite_reaches_only_what_sees_it(bad: float, where: str) -> None:
    window = SAME if where != "w" else SAME._replace(padding=((0, 0), (0, 0)))
    case = a_case(2, 3, 4, (9, 10), window, bias=True)
    getattr(case, where)[1, 2, 1, 2] = bad
    y, _, dw = naive(in_double(case))
    found = (
        conv.forward(case.x, case.w, case.b, window),
        conv.weight_grad(case.x, case.dy, window),
    )
    for actual, expected in zip(found, (y, dw), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("by_winograd")
def test_sums_that_overflow_on_the_way_only_are_right() -> None:
    """The definition stays below 2e38; B^T d B does not."""
    case = a_case(1, 1, 1, (9, 9), SAME, bias=False)
    case.x[...] = np.where(np.indices((9, 9)).sum(axis=0) % 2, 3e38, -3e38)
    case.w[...] = 0
    case.w[..., 1, 1] = 0.5
    np.testing.assert_array_equal(conv.forward(case.x, case.w, None, SAME), case.x / 2)


def test_doubles_and_whole_numbers_go_by_the_definition() -> None:
    for dtype in (np.float64, np.int32, np.complex64):
        assert not winograd.applies(SAME, np.dtype(dtype))
    assert winograd.applies(SAME, np.dtype(np.float32))
    for other in (
        SAME._replace(stride=(2, 2)),
        SAME._replace(dilation=(1, 2)),
        SAME._replace(kernel=(3, 6)),
        SAME.below_one(),
    ):
        assert not winograd.applies(other, np.dtype(np.float32))


def test_threads_and_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits on any number of threads; and rows of tiles may be cut anywhere."""
    case = a_case(5, 8, 6, (23, 18), SAME, bias=True)
    whole = results(case)
    monkeypatch.setattr(im2col, "CACHE", 10_000)
    monkeypatch.setattr(common, "_WORTH_THREADS", 0)
    before = get_num_threads()
    found = []
    try:
        for n in (1, 2, 3):
            set_num_threads(n)
            found.append([a.tobytes() for a in results(case, share=True)])
    finally:
        set_num_threads(before)
    assert found[0] == found[1] == found[2]
    for a, b in zip(results(case, share=True), whole, strict=True):
        assert errors(a, b) < 1e-5


@pytest.mark.parametrize("kernel", [3, 5])
def test_rounds_little_more_than_the_definition(kernel: int) -> None:
    """As the docstring says: within 3e-6 of the largest output, on normal data."""
    window = Window((kernel, kernel), (1, 1), ((1, 1), (1, 1)), (1, 1))
    for seed in range(5):
        case = a_case(2, 64, 32, (16, 16), window, bias=False, seed=seed)
        exact = in_double(case)
        with costs.forced(forward="rows"):
            expected = conv.forward(exact.x, exact.w, None, window)
        assert errors(results(case)[0], expected) < 3e-6


def test_can_be_forbidden() -> None:
    p = costs.Problem(64, 64, 64, (16, 16), (16, 16), SAME, np.dtype(np.float32))
    assert costs.chosen("forward", p) == "winograd"
    costs.allow_winograd(False)
    try:
        assert costs.chosen("forward", p) != "winograd"
        with costs.forced(forward="winograd"):
            assert costs.chosen("forward", p) != "winograd"
    finally:
        costs.allow_winograd(True)
    assert costs.chosen("forward", p) == "winograd"
