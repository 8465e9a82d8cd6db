"""The linear layer by chunks of rows, against the two products that it is."""

from __future__ import annotations

import numpy as np
import pytest

import penlight
from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import affine as kernel


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = get_num_threads()
    set_num_threads(request.param)
    yield request.param
    set_num_threads(before)


def arrays(rows, width, out, dtype="f"):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(s).astype(dtype) for s in [(rows, width), (out, width), out]]


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("rows", [1, 8, 100, 101])
def test_chunks_agree_with_whole_products(rows, dtype, threads, monkeypatch):
    monkeypatch.setattr(kernel, "_FEWEST_ROWS", 1)
    monkeypatch.setattr(kernel, "_WORTH_CHUNKS", 0)
    x, w, b = arrays(rows, 3, 5, dtype)
    dy = np.random.default_rng(1).standard_normal((rows, 5)).astype(dtype)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)  # noqa: E731
    close(kernel.affine(x, w, b), x @ w.T + b)
    close(kernel.affine(x, w, None), x @ w.T)
    close(kernel.affine(x[::-1], w[:, ::-1], b), x[::-1] @ w[:, ::-1].T + b)
    for has_x, has_w, need_b in np.ndindex(2, 2, 2):
        dx, dw, db = kernel.affine_gradients(dy, x if has_x else None, w if has_w else None, need_b)
        for got, needed, expected in [
            (dx, has_w, dy @ w), (dw, has_x, dy.T @ x), (db, need_b, dy.sum(0)),
        ]:  # fmt: skip
            assert (got is not None) == bool(needed)
            if needed:
                assert got.dtype == dtype
                close(got, expected)


def test_bits_do_not_depend_on_the_number_of_threads():
    before = get_num_threads()
    x, w, b = arrays(4096, 96, 128)
    assert len(kernel._parts(4096, 96, 128)) > 1
    results = []
    for count in (1, 2, 3):
        set_num_threads(count)
        y = kernel.affine(x, w, b)
        results.append([a.tobytes() for a in (y, *kernel.affine_gradients(y, x, w, True))])
    set_num_threads(before)
    assert results[0] == results[1] == results[2]


def test_the_layer_passes_through_the_chunks():
    x, w, b = (penlight.from_numpy(a).requires_grad_() for a in arrays(4096, 96, 128))
    y = penlight.nn.functional.linear(x.view(32, 128, 96), w, b)
    g = penlight.randn(32, 128, 128)
    (y * g).sum().backward()
    rows = g.view(4096, 128)
    for got, expected in [
        (y.view(4096, 128), x @ w.T + b), (x.grad, rows @ w), (w.grad, rows.T @ x), (b.grad, rows.sum(0)),
    ]:  # fmt: skip
        np.testing.assert_allclose(got.detach().numpy(), expected.detach().numpy(), atol=2e-3)
