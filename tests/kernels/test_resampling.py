"""Resampling kernels against what they mean: single elements, and dense matrices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import resampling
from penlight.kernels.resampling_axes import (
    Axis,
    area_axis,
    filtered_axis,
    nearest_axis,
    smooth_axis,
)

MAKERS: dict[str, Any] = {
    "nearest": lambda n, m: nearest_axis(n, m, None, False, False),
    "linear": lambda n, m: smooth_axis(n, m, None, False, False, False),
    "aligned": lambda n, m: smooth_axis(n, m, None, True, False, True),
    "cubic": lambda n, m: smooth_axis(n, m, None, False, True, False),
    "filtered": lambda n, m: filtered_axis(n, m, None, False, "bicubic"),
    "area": area_axis,
}


def dense(axis: Axis) -> np.ndarray:
    matrix = np.zeros((axis.new, axis.old))
    for row, col, weight in zip(axis.rows, axis.cols, axis.weights, strict=True):
        matrix[row, col] += weight
    return matrix


def multiplied(x: np.ndarray, axes: tuple[Axis, ...]) -> np.ndarray:
    for dim, axis in enumerate(axes, 2):
        x = np.moveaxis(np.tensordot(x, dense(axis), (dim, 1)), -1, dim)
    return x


@st.composite
def maps(draw: Any, largest: int = 90) -> tuple[np.ndarray, tuple[Axis, ...]]:
    n = draw(st.integers(1, 3))
    bound = largest if n < 3 else 12
    axes = []
    for _ in range(n):
        maker = MAKERS[draw(st.sampled_from(sorted(MAKERS)))]
        axis = maker(draw(st.integers(1, bound)), draw(st.integers(1, bound)))
        axes.append(axis.transposed if draw(st.booleans()) else axis)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.standard_normal((2, 2, *(axis.old for axis in axes)))
    return x, tuple(axes)


@given(maps())
def test_blocks_and_entries_are_the_matrix(case: tuple[np.ndarray, tuple[Axis, ...]]) -> None:
    x, axes = case
    expected = multiplied(x, axes)
    np.testing.assert_allclose(resampling.mix(x, axes), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(resampling.mix_entries(x, axes), expected, rtol=0, atol=1e-10)
    single = resampling.mix(x.astype(np.float32), axes)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=0, atol=1e-3)


@given(maps(20), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_what_is_no_number_stays_where_it_has_weight(case: Any, value: float) -> None:
    x, axes = case
    x.flat[x.size // 2] = value
    touched = multiplied((x != x) | np.isinf(x), tuple(map(_ones, axes))) > 0
    y = resampling.mix(x, axes)
    np.testing.assert_array_equal(np.isfinite(y), ~touched)


def _ones(axis: Axis) -> Axis:
    if axis.factor == 1:
        return axis
    return Axis((axis.old, axis.new), axis.rows, axis.cols, np.ones(len(axis.rows)))


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(("old", "new"), [(7, 20), (20, 7), (1, 5), (5, 1), (40, 41), (6, 6)])
def test_weights_sum_to_one(name: str, old: int, new: int) -> None:
    axis = MAKERS[name](old, new)
    np.testing.assert_allclose(dense(axis).sum(1), 1, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(dense(axis.transposed), dense(axis).T)
    assert (np.diff(axis.transposed.rows) >= 0).all()


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 4)), min_size=1, max_size=3))
def test_blocks_are_repeated_and_summed(pairs: list[tuple[int, int]]) -> None:
    size, factors = zip(*pairs, strict=True)
    x = np.random.default_rng(0).standard_normal((2, 3, *size)).astype(np.float32)
    expected = x
    for dim, f in enumerate(factors, 2):
        expected = np.repeat(expected, f, dim)
    y = resampling.repeat_blocks(x, factors)
    np.testing.assert_array_equal(y, expected)
    assert y.dtype == x.dtype
    assert not np.may_share_memory(x, y)
    back = resampling.sum_blocks(y, factors)
    np.testing.assert_allclose(back, x * np.prod(factors), rtol=1e-6)
    assert back.dtype == x.dtype
    assert not np.may_share_memory(back, y)


def test_sums_of_halves_need_more_digits() -> None:
    x = np.full((1, 1, 64, 64), 1.001, np.float16)
    total = resampling.sum_blocks(x, (64, 64))
    assert total.dtype == np.float16
    assert total.item() == np.float16(np.float32(x[0, 0, 0, 0]) * 4096)


def test_whole_factors_are_recognised() -> None:
    assert MAKERS["nearest"](7, 21).factor == 3
    assert MAKERS["nearest"](7, 7).factor == 1
    assert MAKERS["nearest"](7, 20).factor == 0
    assert MAKERS["linear"](7, 7).factor == 1
    assert MAKERS["linear"](7, 14).factor == 0
    assert nearest_axis(7, 14, 2.1, False, False).factor == 0


@pytest.fixture
def threads() -> Iterator[None]:
    before = get_num_threads()
    yield
    set_num_threads(before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("name", ["repeat", "sum", "mix", "mix back"])
def test_threads_change_no_bit(name: str) -> None:
    large = np.random.default_rng(0).standard_normal((8, 25, 128, 128)).astype(np.float32)
    axes = MAKERS["linear"](128, 70), MAKERS["cubic"](128, 130)
    back = MAKERS["area"](160, 128).transposed, MAKERS["linear"](100, 128).transposed
    call = {
        "repeat": lambda: resampling.repeat_blocks(large[:, :, :64, :64].copy(), (2, 2)),
        "sum": lambda: resampling.sum_blocks(large, (2, 2)),
        "mix": lambda: resampling.mix(large, axes),
        "mix back": lambda: resampling.mix(large, back),
    }[name]
    results = []
    for n in (1, 2, 3):
        set_num_threads(n)
        results.append(call().tobytes())
    assert results[0] == results[1] == results[2]
