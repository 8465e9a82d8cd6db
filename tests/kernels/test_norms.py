"""The passes of normalisation against the formula in float64, on shapes that are cut into parts and not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import norms

EPS = 1e-5
CHANNELS = [
    (4, 3, 5),
    (1, 2, 7),
    (6, 5, 1),
    (40, 9, 300),
    (700, 300, 1),
    (130, 16, 600),
    (3, 1, 40000),
]
ROWS = [
    (4, 1, 5),
    (6, 3, 10),
    (5, 1, 1),
    (70, 8, 1200),
    (4001, 1, 130),
    (1024, 1, 600),
    (7, 2, 30000),
]


def numbers(shape: Any, seed: int = 0, mean: float = 0.5, dtype: Any = np.float32) -> Any:
    return (np.random.default_rng(seed).standard_normal(shape) * 1.5 + mean).astype(dtype)


def formula(x: Any, w: Any, b: Any, axes: Any, dy: Any, centred: bool = True) -> Any:
    """y, dx, and what dw and db are sums of, in float64; w and b broadcast."""
    x, dy = x.astype(np.float64), dy.astype(np.float64)
    c = x - x.mean(axes, keepdims=True) if centred else x
    r = (np.square(c).mean(axes, keepdims=True) + EPS) ** -0.5
    g = dy * w
    level = g.mean(axes, keepdims=True) if centred else 0
    dx = r * (g - level - c * r * r * (g * c).mean(axes, keepdims=True))
    return c * r * w + b, dx, dy * c * r, dy


def close(got: Any, expected: Any, tolerance: float) -> None:
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("mean", [0.0, 3.0, 100.0])
@pytest.mark.parametrize("shape", CHANNELS)
def test_batch_norm_is_the_formula(shape: Any, mean: float) -> None:
    x, dy = numbers(shape, mean=mean), numbers(shape, 1, 0.0)
    w, b = numbers(shape[1], 2), numbers(shape[1], 3)
    y, m, v, r = norms.batch_norm(x, w, b, EPS)
    dx, dw, db = norms.batch_norm_backward(dy, x, m, r, w)
    e = formula(x, w[:, None], b[:, None], (0, 2), dy)
    n = x.size // shape[1]
    loose = 2e-5 * (1 + mean / 10)
    close(y, e[0], loose)
    close(dx, e[1], loose)
    close(dw / n**0.5, e[2].sum((0, 2)) / n**0.5, loose)
    close(db / n**0.5, e[3].sum((0, 2)) / n**0.5, loose)
    close(m, x.mean((0, 2), dtype=np.float64), 1e-6)
    close(v, x.var((0, 2), dtype=np.float64), 1e-5)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", ROWS)
def test_row_norm_is_the_formula(shape: Any, affine: bool, centred: bool) -> None:
    x, dy = numbers(shape), numbers(shape, 1, 0.0)
    row = shape[1] * shape[2]
    w, b = (numbers(row, 2), numbers(row, 3)) if affine else (None, None)
    y, m, _, r = norms.row_norm(x, w, b, EPS, centred)
    dx, dw, db = norms.row_norm_backward(dy, x, m, r, w)
    wide_w, wide_b = (a.reshape(shape[1:]) if affine else d for a, d in ((w, 1.0), (b, 0.0)))
    e = formula(x, wide_w, wide_b, 2, dy, centred)
    assert (m is None) == (not centred)
    close(y, e[0], 2e-5)
    close(dx, e[1], 2e-5)
    close(dw / shape[0] ** 0.5, e[2].sum(0).reshape(-1) / shape[0] ** 0.5, 2e-5)
    close(db / shape[0] ** 0.5, e[3].sum(0).reshape(-1) / shape[0] ** 0.5, 2e-5)


@pytest.mark.parametrize("shape", [(40, 9, 30), (130, 16, 600)])
def test_a_mean_far_from_zero_does_no_harm(shape: Any) -> None:
    x = numbers(shape, mean=1e4)
    _, m, v, _ = norms.batch_norm(x, None, None, EPS)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(v, exact.var((0, 2)), rtol=2e-4)
    np.testing.assert_allclose(m, exact.mean((0, 2)), rtol=2e-7)


def test_constants_are_normalised_to_zero() -> None:
    x = np.full((20, 4, 500), 7.25, np.float32)
    y, _, v, _ = norms.batch_norm(x, None, None, EPS)
    assert not y.any()
    assert not v.any()
    assert not norms.row_norm(x, None, None, EPS)[0].any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("shape", [(4, 3, 5), (130, 16, 600)])
def test_what_is_not_finite_stays_in_its_channel_and_row(shape: Any, bad: float) -> None:
    x = numbers(shape)
    x[2, 1, 3] = bad
    y = norms.batch_norm(x, None, None, EPS)[0]
    assert np.isnan(y[:, 1]).all() if np.isnan(bad) else np.isnan(y[2, 1, 3])
    assert np.isfinite(np.delete(y, 1, axis=1)).all()
    y = norms.row_norm(x, None, None, EPS)[0]
    assert np.isnan(y[2, 1, 3])
    assert np.isfinite(np.delete(y, 2, axis=0)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_bits(dtype: Any) -> None:
    x, dy = numbers((130, 16, 600), dtype=dtype), numbers((130, 16, 600), 1, dtype=dtype)
    w = numbers(16, 2, dtype=dtype)
    wide = np.repeat(w, 600)

    def everything() -> list[np.ndarray]:
        y, m, v, r = norms.batch_norm(x, w, w, EPS)
        rows, rm, rv, rr = norms.row_norm(x, wide, wide, EPS)
        return [
            y, m, v, r, *norms.batch_norm_backward(dy, x, m, r, w),
            rows, rm, rv, rr, *norms.row_norm_backward(dy, x, rm, rr, wide),
            norms.affine(x, w, w),
        ]  # fmt: skip

    before, size = get_num_threads(), np.getbufsize()
    try:
        set_num_threads(1)
        alone = everything()
        set_num_threads(3)
        together = everything()
    finally:
        set_num_threads(before)
    assert np.getbufsize() == size
    for a, b in zip(alone, together, strict=True):
        assert a.dtype == dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape", [(0, 3, 5), (4, 0, 5), (4, 3, 0)])
def test_nothing_to_normalise(shape: Any) -> None:
    x = np.empty(shape, np.float32)
    y, m, _, r = norms.batch_norm(x, None, None, EPS)
    assert y.shape == norms.batch_norm_backward(x, x, m, r, None)[0].shape == shape
    y, m, _, r = norms.row_norm(x, None, None, EPS)
    assert y.shape == norms.row_norm_backward(x, x, m, r, None)[0].shape == shape


def test_affine_scales_each_channel() -> None:
    for shape in [(4, 3, 5), (2, 3, 40), (70, 16, 600)]:
        x, w, b = numbers(shape), numbers(shape[1], 1), numbers(shape[1], 2)
        np.testing.assert_array_equal(norms.affine(x, w, b), x * w[:, None] + b[:, None])
        np.testing.assert_array_equal(norms.affine(x, w, None), x * w[:, None])


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(5, 3, 8), (1, 1, 24)])
def test_few_rows_are_normalised_as_many_are(
    monkeypatch: pytest.MonkeyPatch, shape: Any, affine: bool, centred: bool
) -> None:
    x = numbers(shape[::-1], mean=2.0).transpose(2, 1, 0)
    w, b = (numbers(24, 1), numbers(24, 2)) if affine else (None, None)
    few = norms.row_norm(x, w, b, EPS, centred)
    monkeypatch.setattr(norms, "_TINY", 0)
    many = norms.row_norm(x, w, b, EPS, centred)
    assert few[0].flags.c_contiguous
    for got, expected in zip(few, many, strict=True):
        if expected is None:
            assert got is None
        else:
            close(got, expected, 1e-6)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(3, 6, 20), (5, 6, 700), (40, 16, 784), (1, 2, 512)])
def test_group_norm_backward_is_the_formula(shape: Any, affine: bool) -> None:
    samples, channels, length = shape
    x, dy = numbers(shape, mean=3.0), numbers(shape, 1, 0.0)
    w = numbers(channels, 2) if affine else None
    rows = (samples, 2, channels // 2 * length)
    _, m, _, r = norms.row_norm(x.reshape(rows), None, None, EPS)
    dx, dw, db = norms.group_norm_backward(dy, x, m, r, w)
    each = np.repeat(np.ones(channels) if w is None else w, length).reshape(1, *rows[1:])
    _, dx_, dw_, db_ = formula(x.reshape(rows), each, 0, 2, dy.reshape(rows))
    close(dx, dx_.reshape(shape), 2e-5)
    for got, terms in ((dw, dw_), (db, db_)):
        terms = terms.reshape(shape)
        scale = np.abs(terms).sum((0, 2)).max()
        close(got / np.float32(scale), terms.sum((0, 2)) / scale, 1e-6)


def test_threads_do_not_change_the_bits_of_group_norm() -> None:
    x, dy, w = numbers((40, 16, 784)), numbers((40, 16, 784), 1), numbers(16, 2)
    _, m, _, r = norms.row_norm(x.reshape(40, 4, -1), None, None, EPS)
    before, results = get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            results.append(norms.group_norm_backward(dy, x, m, r, w))
    finally:
        set_num_threads(before)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))
