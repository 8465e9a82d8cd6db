"""Products cut into blocks agree with plain products, have the same bits for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

import penlight
from penlight.kernels import products


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(products, "UNSHARED", 8)
    monkeypatch.setattr(products, "_WORTH_THREADS", 16)
    monkeypatch.setattr(products, "_BLOCK", 64)
    monkeypatch.setattr(products, "_ALIGNED", 2)


def operands(rng, a, b, dtype, transposed):
    x = rng.standard_normal(a).astype(dtype)
    y = rng.standard_normal((*b[:-2], b[-1], b[-2]) if transposed else b).astype(dtype)
    return x, (np.swapaxes(y, -1, -2) if transposed else y)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "float16"])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (7, 3, 5), (33, 4, 6), (5, 4, 40), (0, 3, 2), (3, 0, 2)]
)
def test_product(small_blocks, shape, dtype, transposed):
    m, k, n = shape
    a, b = operands(np.random.default_rng(0), (m, k), (k, n), dtype, transposed)
    y = products.product(a, b)
    assert y.dtype == a.dtype
    assert y.shape == (m, n)
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    exact = a.astype(wide) @ b.astype(wide)
    np.testing.assert_allclose(y, exact, rtol=0, atol=20 * np.finfo(a.dtype).eps)


@pytest.mark.parametrize(
    ("a", "b"),
    [((6, 3, 4), (6, 4, 5)), ((2, 3, 3, 4), (2, 3, 4, 5)), ((1, 3, 4), (6, 4, 5)), ((3, 4), (6, 4, 5)),
     ((0, 3, 4), (0, 4, 5)), ((6, 3, 4), (4, 5)), ((2, 1, 3, 4), (3, 4, 5))],
)  # fmt: skip
@pytest.mark.parametrize("transposed", [False, True])
def test_stacks(small_blocks, a, b, transposed):
    x, y = operands(np.random.default_rng(0), a, b, "float32", transposed)
    np.testing.assert_allclose(products.matmul(x, y), np.matmul(x, y), atol=1e-5)


@pytest.mark.parametrize("shape", [(512, 300, 128), (100, 784, 512), (2000, 90, 90)])
def test_same_bits_for_any_number_of_threads(shape):
    m, k, n = shape
    a, b = operands(np.random.default_rng(0), (m, k), (k, n), "float32", True)
    stacks = operands(np.random.default_rng(1), (40, 64, 100), (40, 100, 64), "float32", False)
    before = penlight.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            penlight.set_num_threads(threads)
            results.append((products.product(a, b).tobytes(), products.matmul(*stacks).tobytes()))
    finally:
        penlight.set_num_threads(before)
    assert results[0] == results[1] == results[2]


def test_several_products_share_the_threads(small_blocks):
    rng = np.random.default_rng(0)
    pairs = [
        operands(rng, (m, k), (k, n), "float32", transposed)
        for m, k, n, transposed in [(7, 3, 5, False), (1, 2, 2, True), (40, 4, 6, True)]
    ]
    for (a, b), y in zip(pairs, products.products(*pairs), strict=True):
        np.testing.assert_allclose(y, np.matmul(a, b), atol=1e-5)


def test_infinity_stays_in_its_row(small_blocks):
    a = np.ones((9, 4), np.float32)
    a[3, 1] = np.inf
    y = products.product(a, np.ones((4, 6), np.float32))
    assert np.isinf(y[3]).all()
    assert np.isfinite(np.delete(y, 3, 0)).all()
