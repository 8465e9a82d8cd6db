"""Convolution kernels against their definition, whichever way they go, and on any number of threads."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import conv
from penlight.kernels.conv import common, costs, depthwise, im2col, lines, small
from penlight.kernels.windows import Window
from tests.kernels.conv_cases import Case, cases, naive


def results(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        conv.forward(case.x, case.w, case.b, case.window, case.groups),
        conv.input_grad(case.dy, case.w, case.x.shape[2:], case.window, case.groups),
        conv.weight_grad(case.x, case.dy, case.window, case.groups),
    )


def check(case: Case) -> None:
    for name, actual, expected in zip(("y", "dx", "dw"), results(case), naive(case), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10, err_msg=name)
        assert actual.dtype == case.x.dtype


def problem(case: Case) -> costs.Problem:
    x, w, window = case.x, case.w, case.window
    size = x.shape[2:]
    return costs.Problem(
        len(x), x.shape[1], len(w), size, window.output_size(size), window, x.dtype
    )


@given(cases())
def test_is_its_definition(case: Case) -> None:
    check(case)


@pytest.fixture
def never_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ways of large convolutions, although the arrays are small."""
    monkeypatch.setattr(small, "_GATHERED", 0)


ALL_WAYS = [
    (name, way)
    for name, ways in costs.WAYS.items()
    for way in ways
    if way not in ("winograd", "lines")  # have tests of their own
]


@pytest.mark.usefixtures("never_small")
@pytest.mark.parametrize(("name", "way"), ALL_WAYS)
def test_every_way_is_its_definition(name: str, way: str) -> None:
    gone = 0

    @given(cases(dense=True))
    def run(case: Case) -> None:
        nonlocal gone
        gone += way in costs.estimates(name, problem(case))
        with costs.forced(**{name: way}):
            check(case)

    run()
    assert gone


SAME_WIDTH = [
    ((3, 3), ((1, 1), (1, 1)), (1, 1)),
    ((2, 3), ((0, 2), (2, 0)), (1, 1)),
    ((1, 2), ((0, 0), (0, 1)), (1, 1)),
    ((3, 3), ((0, 1), (2, 2)), (2, 2)),
    ((3, 1), ((0, 0), (0, 0)), (1, 2)),
]


@pytest.mark.usefixtures("tiny_chunks", "threads")
@pytest.mark.parametrize(("kernel", "padding", "dilation"), SAME_WIDTH)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("tile", [1, 1000, 10**9])
def test_lines_are_their_definition(
    kernel: Any, padding: Any, dilation: Any, bias: bool, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_TILE", tile)
    window = Window(kernel, (1, 1), padding, dilation)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((7, 2, 6, 5))
    w = rng.standard_normal((3, 2, *kernel))
    dy = rng.standard_normal((7, 3, *window.output_size((6, 5))))
    case = Case(x, w, rng.standard_normal(3) if bias else None, dy, window, 1)
    x[0, 0, 2, 4] = x[3, 1, 3, 0] = 1e30  # at the ends of rows: must not reach their neighbours
    for threads in 1, 2:
        set_num_threads(threads)
        with costs.forced(forward="lines", weight_grad="lines"):
            y, dx, dw = results(case)
        for found, expected in zip((y, dx, dw), naive(case), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("never_small")
def test_tiles_of_small_products_are_their_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "SMALL_PRODUCT", 1)

    @given(cases())
    def run(case: Case) -> None:
        with costs.forced(forward="bands", weight_grad="shifts"):
            check(case)

    run()


@pytest.fixture
def threads() -> Iterator[None]:
    before = get_num_threads()
    yield
    set_num_threads(before)


@pytest.fixture
def tiny_chunks(never_small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many chunks, shared among threads, although the arrays are small."""
    for module in (im2col, depthwise):
        monkeypatch.setattr(module, "CACHE", 2048)
    monkeypatch.setattr(common, "_WORTH_THREADS", 0)


@pytest.mark.usefixtures("tiny_chunks", "threads")
def test_chunks_and_threads_change_nothing() -> None:
    @given(cases())
    def in_chunks(case: Case) -> None:
        set_num_threads(2)
        check(case)

    in_chunks()


OPTIONS = [
    pytest.param(c, f, k, s, g, id=f"{c}->{f} kernel {k} stride {s} groups {g}")
    for c, f, k, s, g in [
        (1, 6, 3, 1, 1), (6, 16, 5, 1, 1), (32, 64, 3, 1, 1), (64, 32, 3, 2, 1), (8, 8, 1, 1, 1),
        (8, 8, 3, 1, 8), (8, 16, 3, 2, 8), (12, 6, 3, 1, 3), (3, 40, 3, 1, 1),
    ]
]  # fmt: skip


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(("c", "f", "k", "s", "groups"), OPTIONS)
@pytest.mark.parametrize("tiny", [False, True], ids=["usual chunks", "tiny chunks"])
def test_threads_do_not_change_a_bit(
    c: int, f: int, k: int, s: int, groups: int, tiny: bool, request: pytest.FixtureRequest
) -> None:
    if tiny:
        request.getfixturevalue("tiny_chunks")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((9, c, 16, 12), dtype=np.float32)
    w = rng.standard_normal((f, c // groups, k, k), dtype=np.float32)
    b = rng.standard_normal(f, dtype=np.float32)
    window = Window((k, k), (s, s), ((k // 2, k // 2),) * 2, (1, 1))
    dy = rng.standard_normal((9, f, *window.output_size((16, 12))), dtype=np.float32)
    case = Case(x, w, b, dy, window, groups)
    found = []
    for n in (1, 2, 3, 1):
        set_num_threads(n)
        found.append([a.tobytes() for a in results(case)])
    for other in found[1:]:
        assert other == found[0]


def test_float32_is_computed_in_float32() -> None:
    """Every result is float32, and float64 is nowhere on the way: 2^24 + 1 is not representable."""
    x = np.full((1, 1, 4, 4), 2.0**24, np.float32)
    w = np.ones((1, 1, 1, 1), np.float32)
    window = Window((1, 1), (1, 1), ((0, 0),) * 2, (1, 1))
    y = conv.forward(x, w, np.ones(1, np.float32), window)
    assert y.dtype == np.float32
    assert (y == 2.0**24).all()


def test_float16_sums_in_float32() -> None:
    """In float16 a sum of ones would stop at 2048."""
    x = np.ones((1, 16, 16, 16), np.float16)
    w = np.ones((1, 16, 16, 16), np.float16)
    window = Window((16, 16), (1, 1), ((0, 0),) * 2, (1, 1))
    assert conv.forward(x, w, None, window) == 4096
    assert conv.weight_grad(x, np.ones((1, 1, 1, 1), np.float16), window).dtype == np.float16


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("way", [None, "never_small"])
def test_an_infinity_reaches_its_own_windows_only(
    bad: float, groups: int, way: str | None, request: pytest.FixtureRequest
) -> None:
    if way is not None:
        request.getfixturevalue(way)
    x = np.ones((2, 4, 8, 8), np.float32)
    x[0, 1, 3, 4] = bad
    w = np.ones((4, 4 // groups, 3, 3), np.float32)
    window = Window((3, 3), (1, 1), ((1, 1),) * 2, (1, 1))
    y = conv.forward(x, w, None, window, groups)
    touched = np.zeros(y.shape, bool)
    touched[0, 1 if groups == 4 else slice(None), 2:5, 3:6] = True
    np.testing.assert_array_equal(np.isfinite(y), ~touched)


@pytest.mark.parametrize("way", [None, "never_small"])
def test_memory_that_is_not_contiguous(way: str | None, request: pytest.FixtureRequest) -> None:
    if way is not None:
        request.getfixturevalue(way)
    rng = np.random.default_rng(0)
    for c, f, groups, k in itertools.product((4, 20), (4, 20), (1, 4), (1, 3)):
        window = Window((k, k), (1, 1), ((0, 0),) * 2, (1, 1))
        x = rng.standard_normal((2, c, 12, 10))[:, :, ::-1].swapaxes(2, 3)
        w = rng.standard_normal((k, k, c // groups, f)).T
        dy = np.broadcast_to(rng.standard_normal((f, 1, 1)), (2, f, 11 - k, 13 - k))
        strided = Case(x, w, None, dy, window, groups)
        plain = Case(*(np.ascontiguousarray(a) for a in (x, w)), None, dy.copy(), window, groups)
        for a, b in zip(results(strided), results(plain), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_nothing_in_gives_bias_or_zeros_out(n: int) -> None:
    window = Window((2,) * n, (1,) * n, ((0, 0),) * n, (1,) * n)
    size, output = (4,) * n, (3,) * n
    b = np.arange(3.0)
    no_images = conv.forward(np.ones((0, 2, *size)), np.ones((3, 2, *window.kernel)), b, window)
    assert no_images.shape == (0, 3, *output)
    no_channels = conv.forward(np.ones((2, 0, *size)), np.ones((3, 0, *window.kernel)), b, window)
    np.testing.assert_array_equal(
        no_channels, np.broadcast_to(b.reshape(3, *(1,) * n), (2, 3, *output))
    )
    dx = conv.input_grad(np.ones((2, 0, *output)), np.ones((0, 2, *window.kernel)), size, window)
    np.testing.assert_array_equal(dx, np.zeros((2, 2, *size)))
    dw = conv.weight_grad(np.ones((0, 2, *size)), np.ones((0, 3, *output)), window)
    np.testing.assert_array_equal(dw, np.zeros((3, 2, *window.kernel)))


@pytest.mark.parametrize("way", [None, "never_small"])
def test_inputs_are_not_changed(way: str | None, request: pytest.FixtureRequest) -> None:
    if way is not None:
        request.getfixturevalue(way)
    rng = np.random.default_rng(0)
    window = Window((3, 3), (1, 1), ((1, 1),) * 2, (1, 1))
    arrays: list[Any] = [
        rng.standard_normal(s) for s in [(2, 4, 8, 8), (4, 1, 3, 3), (4,), (2, 4, 8, 8)]
    ]
    copies = [a.copy() for a in arrays]
    results(Case(*arrays, window, 4))
    for a, b in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("limit", [10**6, 600, 100, 1])  # one tile, 2, 8; none small enough
@pytest.mark.parametrize("lead", [(), (2,)])
def test_products_in_tiles(
    limit: int, lead: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "SMALL_PRODUCT", limit)
    common._small_tiles.cache_clear()
    rng = np.random.default_rng(0)
    w, windows = rng.standard_normal((*lead, 3, 2)), rng.standard_normal((4, *lead, 2, 128))
    y = np.full((4, *lead, 3, 128), np.nan)
    common.product(w, windows, y)
    common._small_tiles.cache_clear()
    np.testing.assert_allclose(y, w @ windows, rtol=1e-13, atol=1e-13)
