"""Elementwise kernels: blocks give the whole, masks pass what they keep, fast forms equal slow ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import pointwise, softmax, special

LARGE = (1 << 20) + 3  # elements: above all thresholds, and no multiple of a block


def numbers(shape: Any, seed: int = 0, scale: float = 3.0) -> Any:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def test_blocks_make_the_whole() -> None:
    x, z = numbers((LARGE,)), numbers((LARGE,), 1)
    seen: list[int] = []

    def formula(a: Any, b: Any) -> Any:
        seen.append(len(a))
        return a * b + 1

    y = pointwise.blockwise(formula, x, z)
    assert len(seen) > 3
    assert sum(seen) == LARGE
    np.testing.assert_array_equal(y, x * z + 1)
    small = pointwise.blockwise(formula, x[:10], z[:10])
    np.testing.assert_array_equal(small, y[:10])


@pytest.mark.parametrize("kind", ["transposed", "strided", "broadcast", "other dtype"])
def test_what_does_not_fit_together_is_taken_whole(kind: str) -> None:
    x = numbers((1100, 1000))
    z: Any = {
        "transposed": numbers((1000, 1100)).T,
        "strided": numbers((1100, 2000))[:, ::2],
        "broadcast": np.broadcast_to(numbers(1000), (1100, 1000)),
        "other dtype": numbers((1100, 1000)).astype(np.float64),
    }[kind]
    y = pointwise.blockwise(lambda a, b: a * b, x, z)
    assert y.dtype == (x * z).dtype
    np.testing.assert_array_equal(y, x * z)


@pytest.mark.parametrize("n", [1, 5000, LARGE])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_gate_keeps_bits_and_cuts_off_what_is_not_finite(n: int, dtype: Any) -> None:
    dy = numbers((n,)).astype(dtype)
    keep = numbers((n,), 1) > 0
    dy[::3], dy[1::3] = np.inf, np.nan
    expected = np.where(keep, dy, dtype(0))
    np.testing.assert_array_equal(pointwise.gated(dy, keep), expected)
    y = np.where(keep, dtype(2), dtype(-0.0))
    np.testing.assert_array_equal(pointwise.gated(dy, y), expected)
    y[keep] = np.nan  # NaN is not 0: gradients pass, as in PyTorch
    np.testing.assert_array_equal(pointwise.gated(dy, y), expected)


@pytest.mark.parametrize("n", [7, LARGE])
@pytest.mark.parametrize("slope", [0.01, 1.0, 0.0, -0.5, 1.5])
def test_leaky(n: int, slope: float) -> None:
    x, dy = numbers((n,)), numbers((n,), 1)
    x[0] = 0
    expected = np.where(x > 0, x, x * np.float32(slope))
    np.testing.assert_array_equal(pointwise.leaky(x, x, slope), expected)
    expected = np.where(x > 0, dy, dy * np.float32(slope))
    np.testing.assert_array_equal(pointwise.leaky(dy, x, slope), expected)
    x[0] = np.nan
    assert np.isnan(pointwise.leaky(x, x, slope)[0])


@pytest.mark.parametrize("n", [50, LARGE])
def test_logistic_is_exact_to_rounding(n: int) -> None:
    x = np.linspace(-87, 100, n).astype(np.float32)  # below, y is subnormal
    y = pointwise.filled(pointwise.logistic, x)
    with np.errstate(over="ignore"):
        exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    error = np.abs(y - exact) / np.maximum(exact, 1e-37)
    assert (error < 3e-7 + 8e-8 * np.abs(np.minimum(x, 0))).all()
    ends = pointwise.filled(pointwise.logistic, np.array([-np.inf, np.inf, np.nan], np.float32))
    assert ends[:2].tolist() == [0, 1]
    assert math.isnan(ends[2])


def test_normal_cdf_and_gelu_are_closer_than_claimed() -> None:
    x = np.concatenate([np.linspace(-9, 9, 20001), np.linspace(-300, 300, 601)]).astype(np.float32)
    p = np.empty_like(x)
    special.normal_cdf(p, x)
    exact = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in x.astype(float)])
    assert np.abs(p - exact).max() < 2e-7
    assert (np.abs(x * p - x * exact) < 6e-7 + 1e-7 * np.abs(x)).all()
    far = np.array([-3e38, -1e20, 1e20, 3e38, np.nan], np.float32)
    p = np.empty_like(far)
    special.normal_cdf(p, far)
    assert p[:4].tolist() == [0, 0, 1, 1]
    assert math.isnan(p[4])


@pytest.mark.parametrize("n", [0, 1, 1023, 5000, LARGE])
def test_squared_distance(n: int) -> None:
    x, t = numbers((n,)), numbers((n,), 1)
    exact = np.square(x.astype(np.float64) - t).sum()
    y = pointwise.squared_distance(x, t)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, exact, rtol=1e-6)


ROWS = [(3, 4), (1, 1), (5, 1), (9000, 65), (3000, 300)]


@pytest.mark.parametrize("scale", [1.0, 10.0, 200.0])  # no shift is needed, some need one, all do
@pytest.mark.parametrize("shape", ROWS)
def test_softmax_is_the_formula(shape: Any, scale: float) -> None:
    x, dy = numbers(shape, scale=scale), numbers(shape, 1, 1.0)
    z = x.astype(np.float64)
    z -= z.max(1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    y = softmax.softmax(x)
    np.testing.assert_allclose(y, p, rtol=2e-5, atol=1e-6)
    expected = (dy - (dy * p).sum(1, keepdims=True)) * p
    np.testing.assert_allclose(softmax.softmax_backward(dy, y), expected, rtol=1e-4, atol=2e-6)
    y = softmax.log_softmax(x)
    np.testing.assert_allclose(y, z - np.log(np.exp(z).sum(1, keepdims=True)), rtol=1e-5, atol=2e-5)
    expected = dy - p * dy.sum(1, keepdims=True)
    np.testing.assert_allclose(softmax.log_softmax_backward(dy, y), expected, rtol=1e-4, atol=1e-4)
    e, s, shift = softmax.exponentials(x)
    np.testing.assert_allclose(e / s, p, rtol=2e-5, atol=1e-6)
    logarithm = np.log(s) + shift
    total = np.log(np.exp(z).sum(1, keepdims=True)) + x.max(1, keepdims=True)
    np.testing.assert_allclose(logarithm, total, rtol=1e-5, atol=1e-5)


def test_softmax_of_what_is_not_finite() -> None:
    x = np.zeros((4, 3), np.float32)
    x[0, 1], x[1], x[2, 2] = -np.inf, -np.inf, np.inf
    y = softmax.softmax(x)
    assert y[0].tolist() == [0.5, 0, 0.5]
    assert np.isnan(y[1]).all()
    assert np.isnan(y[2, 2])
    np.testing.assert_allclose(y[3], 1 / 3, rtol=1e-6)
    x[3, 0] = np.nan
    assert np.isnan(softmax.softmax(x)[3]).all()


def test_threads_do_not_change_bits() -> None:
    x, t = numbers((9000, 130)), numbers((9000, 130), 1)

    def everything() -> list[Any]:
        y = softmax.softmax(x)
        return [
            y, softmax.softmax_backward(t, y), softmax.log_softmax(x), *softmax.exponentials(x),
            softmax.log_softmax_backward(t, y), pointwise.squared_distance(x, t),
            pointwise.filled(pointwise.logistic, x), pointwise.gated(t, x > 0),
        ]  # fmt: skip

    before = get_num_threads()
    try:
        set_num_threads(1)
        alone = everything()
        set_num_threads(3)
        together = everything()
    finally:
        set_num_threads(before)
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)
