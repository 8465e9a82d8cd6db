"""Sums as products agree with plain sums, for every dtype and layout."""

from __future__ import annotations

import numpy as np
import pytest

from penlight.kernels.sums import sum_along_rows, sum_of_rows


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64", "int64"])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (7, 5), (300, 40)])
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_sum_of_rows(dtype, shape, layout):
    rng = np.random.default_rng(0)
    x = rng.integers(-8, 8, (shape[0], 2 * shape[1])).astype(dtype)[:, ::2]
    if layout != "strided":
        x = np.array(x, order=layout)
    y = sum_of_rows(x)
    assert y.dtype == x.dtype
    assert y.tolist() == x.sum(axis=0, dtype=x.dtype).tolist()  # small integers: exact
    z = sum_along_rows(x)
    assert z.dtype == x.dtype
    assert z.tolist() == x.sum(axis=1, dtype=x.dtype).tolist()


def test_one_column_with_infinity_does_not_reach_the_others():
    y = sum_of_rows(np.array([[np.inf, 1, np.nan], [1, 2, 3]], np.float32))
    assert y.tolist()[:2] == [np.inf, 3]
    assert np.isnan(y[2])


def test_one_row_with_infinity_does_not_reach_the_others():
    y = sum_along_rows(np.array([[np.inf, 1], [1, 2], [np.nan, 1]] * 5, np.float32))
    assert y[1::3].tolist() == [3] * 5
    assert y[0::3].tolist() == [np.inf] * 5
    assert np.isnan(y[2::3]).all()
