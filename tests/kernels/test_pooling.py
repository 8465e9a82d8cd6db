"""Pooling kernels against loops over windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import pooling, pooling_places
from penlight.kernels.windows import Window


@st.composite
def pools(draw: Any) -> tuple[np.ndarray, Window, tuple[int, ...]]:
    n = draw(st.sampled_from([1, 2, 2, 3]))
    each = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(n))  # noqa: E731
    kernel, dilation = each(1, 3), each(1, 2)
    padding = tuple((p, p) for p in (draw(st.integers(0, k // 2)) for k in kernel))
    window = Window(kernel, each(1, 3), padding, dilation)
    least = (max(e - p - q, 1) for e, (p, q) in zip(window.extent, padding, strict=True))
    size = tuple(m + extra for m, extra in zip(least, each(0, 8 - 2 * n), strict=True))
    output = tuple(
        o + (draw(st.booleans()) and o * s < m + p)  # as ceil_mode may
        for o, s, m, (p, _) in zip(
            window.output_size(size), window.stride, size, padding, strict=True
        )
    )
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.integers(-2, 3, (2, 2, *size)).astype(np.float32)
    for special in (np.nan, -np.inf, np.inf):
        if draw(st.booleans()):
            x[rng.random(x.shape) < 0.3] = special
    return x, window, output


def seen(x: np.ndarray, window: Window, output: tuple[int, ...]) -> Iterator[Any]:
    """For each window its index and the places (flat, in the plane) that it sees, in order."""
    for o in np.ndindex(*output):
        places = []
        for k in np.ndindex(*window.kernel):
            i = [
                a * s + t * d - p
                for a, t, s, d, (p, _) in zip(
                    o, k, window.stride, window.dilation, window.padding, strict=True
                )
            ]
            if all(0 <= a < m for a, m in zip(i, x.shape[2:], strict=True)):
                places.append(int(np.ravel_multi_index(i, x.shape[2:])))
        yield o, places


def largest(values: np.ndarray) -> int:
    """PyTorch's choice: the first of the largest, but the last NaN."""
    nans = np.flatnonzero(np.isnan(values))
    return int(nans[-1]) if nans.size else int(np.argmax(values))


@given(pools())
def test_max_pool_is_its_definition(pool: Any) -> None:
    x, window, output = pool
    y, taps = pooling.max_pool(x, window, output, True)
    assert taps is not None
    assert taps.dtype == np.uint8
    places = pooling_places.tap_places(taps, window, x.shape[2:])
    values, none = pooling.max_pool(x, window, output, False)
    assert none is None
    np.testing.assert_array_equal(values, y)
    flat = x.reshape(4, -1)
    blind = False
    for o, at in seen(x, window, output):
        for plane, row in enumerate(flat):
            index = (plane // 2, plane % 2, *o)
            if not at:
                blind = True
                assert y[index] == -np.inf
                assert places[index] == 0
                continue
            which = at[largest(row[at])]
            np.testing.assert_array_equal(y[index], row[which])
            assert places[index] == which
    assert pooling_places.some_see_nothing(window, output, x.shape[2:]) == blind


def test_slices_and_lines_find_the_same_maxima(monkeypatch: pytest.MonkeyPatch) -> None:
    @given(pools())
    def run(pool: Any) -> None:
        x, window, output = pool
        found = []
        for small in (0, 1 << 14):
            monkeypatch.setattr(pooling, "_SMALL", small)
            y, _ = pooling.max_pool(x, window, output, False)
            assert y.flags.c_contiguous
            assert y.dtype == x.dtype
            found.append(y)
        np.testing.assert_array_equal(*found)

    run()


@pytest.mark.parametrize("size", [(7, 7), (4, 4), (5,), (2, 3, 4)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_maxima_of_whole_planes_are_their_definition(size: Any, dtype: str) -> None:
    ones = (1,) * len(size)
    window = Window(size, size, ((0, 0),) * len(size), ones)
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, (40, 3, *size)).astype(dtype)
    rows = x.reshape(120, -1)
    rows[5] = rows[5, 0]
    if dtype != "int16":
        rows[0, [1, 3]], rows[1], rows[2, 2], rows[3] = np.nan, np.nan, np.inf, -np.inf
    which = np.array([largest(row) for row in rows])
    for want_taps in (True, False):
        y, taps = pooling.max_pool(x, window, ones, want_taps)
        assert y.dtype == x.dtype
        np.testing.assert_array_equal(y.reshape(-1), rows[np.arange(120), which])
        if want_taps:
            assert taps is not None
            np.testing.assert_array_equal(taps.reshape(-1), which)


@given(pools())
def test_sum_pool_and_its_transpose_are_their_definition(pool: Any) -> None:
    x, window, output = pool
    x = np.nan_to_num(x, nan=0.5, posinf=3, neginf=-3)
    divisor = np.arange(1.0, 1 + np.prod(output)).reshape(output).astype(x.dtype)
    y = pooling.sum_pool(x, window, output, divisor)
    dx = pooling.spread_windows(y, x.shape[2:], window, divisor)
    assert y.dtype == dx.dtype == np.float32
    flat, expected = x.reshape(4, -1), np.zeros((4, x[0, 0].size))
    for o, at in seen(x, window, output):
        share = flat[:, at].sum(axis=1) / divisor[o]
        np.testing.assert_allclose(y[(..., *o)].ravel(), share, rtol=1e-5, atol=1e-5)
        expected[:, at] += (y[(..., *o)].ravel() / divisor[o])[:, None]
    np.testing.assert_allclose(dx.reshape(4, -1), expected, rtol=1e-5, atol=1e-5)


def test_infinities_and_nans_stay_in_their_windows() -> None:
    x = np.zeros((1, 1, 6, 6), np.float32)
    x[0, 0, 1, 1], x[0, 0, 4, 2] = np.inf, np.nan
    window = Window((2, 2), (2, 2), ((0, 0),) * 2, (1, 1))
    y = pooling.sum_pool(x, window, (3, 3), 4)
    np.testing.assert_array_equal(y[0, 0], [[np.inf, 0, 0], [0, 0, 0], [0, np.nan, 0]])


def test_more_taps_than_a_byte_counts() -> None:
    rng = np.random.default_rng(0)
    x = rng.permutation(40 * 40).reshape(1, 1, 40, 40).astype(np.float32)
    window = Window((19, 18), (5, 4), ((9, 9), (0, 0)), (1, 1))
    output = window.output_size((40, 40))
    y, taps = pooling.max_pool(x, window, output, True)
    assert taps is not None
    places = pooling_places.tap_places(taps, window, (40, 40))
    for o, at in seen(x, window, output):
        assert places[(0, 0, *o)] == at[int(np.argmax(x.ravel()[at]))]
        assert y[(0, 0, *o)] == x.ravel()[at].max()


def test_integers_have_maxima_too() -> None:
    x = np.array([[[[-3, -2], [-5, -9]]]])
    window = Window((2, 2), (2, 2), ((1, 1),) * 2, (1, 1))
    y, taps = pooling.max_pool(x, window, (2, 2), True)
    assert taps is not None
    places = pooling_places.tap_places(taps, window, (2, 2))
    np.testing.assert_array_equal(y[0, 0], [[-3, -2], [-5, -9]])
    np.testing.assert_array_equal(places, [[[[0, 1], [2, 3]]]])


@given(st.integers(1, 9), st.integers(1, 9))
def test_adaptive_windows_cover_everything(n: int, o: int) -> None:
    start, stop = pooling_places.adaptive_edges(n, o)
    assert start[0] == 0
    assert stop[-1] == n
    assert (start < stop).all()
    assert (start[1:] <= stop[:-1]).all()  # no gap


def test_gather_and_scatter_are_transposes() -> None:
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 3, 7))
    places = rng.integers(0, 20, dy.shape)
    y, dx = pooling_places.gather_at(x, places), pooling_places.scatter_at(dy, places, (4, 5))
    np.testing.assert_allclose((y * dy).sum(), (x * dx).sum())
    put = pooling_places.scatter_at(np.ones((1, 1, 3)), np.array([[[2, 2, 0]]]), (4,), add=False)
    np.testing.assert_array_equal(put, [[[1, 0, 1, 0]]])


@given(pools())
def test_taps_say_where_as_places_do(pool: Any) -> None:
    x, window, output = pool
    size = x.shape[2:]
    _, taps = pooling.max_pool(x, window, output, True)
    assert taps is not None
    places = pooling_places.tap_places(taps, window, size)
    if pooling_places.some_see_nothing(window, output, size):
        return
    dy = np.random.default_rng(0).integers(-9, 9, taps.shape).astype(np.float32)
    by_taps = pooling_places.scatter_at(dy, taps, size, window=window)
    np.testing.assert_array_equal(by_taps, pooling_places.scatter_at(dy, places, size))
    np.testing.assert_array_equal(
        pooling_places.gather_at(x, taps, window), pooling_places.gather_at(x, places)
    )
    expected = np.zeros((4, x[0, 0].size), np.float32)
    for plane in range(4):
        for at, value in zip(places.reshape(4, -1)[plane], dy.reshape(4, -1)[plane], strict=True):
            expected[plane, at] += value
    np.testing.assert_array_equal(by_taps.reshape(4, -1), expected)


@pytest.mark.parametrize("share", [0, 10**9])
def test_the_mean_of_all_and_back(share: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling_places, "_WORTH_THREADS", share)
    x = np.random.default_rng(0).standard_normal((5, 3, 4, 6), dtype=np.float32)
    window = Window((4, 6), (4, 6), ((0, 0),) * 2, (1, 1))
    y = pooling.sum_pool(x, window, (1, 1), 24)
    np.testing.assert_allclose(y[..., 0, 0], x.mean((2, 3)), rtol=1e-5, atol=1e-6)
    dx = pooling.spread_windows(y, (4, 6), window, 24)
    np.testing.assert_array_equal(dx, np.broadcast_to(y / 24, x.shape))


@pytest.fixture
def threads() -> Iterator[None]:
    before = get_num_threads()
    yield
    set_num_threads(before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("size", [4, 150])
def test_threads_do_not_change_a_bit(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling_places, "_WORTH_THREADS", 0)
    x = np.random.default_rng(0).standard_normal((3, 7, size, size), dtype=np.float32)
    window = Window((3, 2), (2, 1), ((1, 1), (0, 0)), (1, 1))
    output = window.output_size((size, size))
    found = []
    for n in (1, 2, 3):
        set_num_threads(n)
        y, taps = pooling.max_pool(x, window, output, True)
        assert taps is not None
        mean = pooling.sum_pool(x, window, output, 6)
        back = pooling.spread_windows(mean, (size, size), window, 6)
        dx = pooling_places.scatter_at(y, taps, (size, size), window=window)
        found.append([a.tobytes() for a in (y, taps, mean, back, dx)])
    assert found[0] == found[1] == found[2]
