"""No product wakes the BLAS's own threads: they would spin on where the next chunks are to run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penlight._core.threads import (
    blas_is_controlled,
    blas_threads,
    get_num_threads,
    set_num_threads,
)
from penlight.kernels import sums
from penlight.kernels.conv import winograd
from penlight.kernels.conv.weight_pass import summed
from penlight.kernels.windows import Window

needs_blas = pytest.mark.skipif(not blas_is_controlled(), reason="no BLAS whose threads can be set")
WINDOW = Window((3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))


class _Watched:
    """NumPy, which notes how many threads its products may use."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def matmul(self, *args: Any, **options: Any) -> Any:
        self.seen.append(blas_threads())
        return np.matmul(*args, **options)


@pytest.fixture
def two_threads():
    before = get_num_threads()
    set_num_threads(2)
    yield
    set_num_threads(before)


@needs_blas
@pytest.mark.usefixtures("two_threads")
def test_winograd(monkeypatch):
    watched = _Watched()
    monkeypatch.setattr(winograd, "np", watched)
    rng = np.random.default_rng(0)
    x, dy = (rng.standard_normal((2, 32, 8, 8)).astype("f") for _ in range(2))
    w = rng.standard_normal((32, 32, 3, 3)).astype("f")
    assert winograd.forward(x, w, None, np.empty_like(dy), WINDOW, False)
    assert winograd.weight_grad(x, dy, WINDOW, False, summed) is not None
    assert watched.seen
    assert set(watched.seen) == {1}


@needs_blas
@pytest.mark.usefixtures("two_threads")
def test_sum_of_rows(monkeypatch):
    seen: list[int] = []

    class Ones(np.ndarray):
        def dot(self, x: np.ndarray) -> Any:  # type: ignore[override]
            seen.append(blas_threads())
            return np.asarray(self).dot(x)

    monkeypatch.setattr(sums, "_ones", lambda n, dtype: np.ones(n, dtype).view(Ones))
    x = np.random.default_rng(0).standard_normal((300, 100)).astype("f")
    np.testing.assert_allclose(sums.sum_of_rows(x), x.sum(axis=0), rtol=1e-4, atol=1e-4)
    assert seen == [1]
