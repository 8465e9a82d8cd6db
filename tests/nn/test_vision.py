"""Sampling at grids: points without a place, and defaults that must be chosen."""

from __future__ import annotations

import math

import numpy as np
import pytest

import penlight
from penlight.nn import functional as F

IMAGE = penlight.arange(16.0).reshape(1, 1, 4, 4)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_the_identity_gives_the_image_back(padding: str) -> None:
    theta = penlight.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    for align in (True, False):
        grid = F.affine_grid(theta, (1, 1, 4, 4), align_corners=align)
        y = F.grid_sample(IMAGE, grid, padding_mode=padding, align_corners=align)
        np.testing.assert_allclose(y.numpy(), IMAGE.numpy(), atol=1e-5)


def test_points_at_infinity_and_nowhere() -> None:
    grid = penlight.tensor([[[[math.nan, 0.0], [math.inf, 0.0], [-math.inf, 0.0]]]])

    def sampled(padding: str) -> list[float]:
        y = F.grid_sample(IMAGE, grid, padding_mode=padding, align_corners=True)
        return [float(v) for v in y.flatten()]

    assert sampled("border") == [6.0, 9.0, 6.0]  # NaN lies at the left edge, as in PyTorch
    assert sampled("reflection") == [6.0, 6.0, 6.0]
    assert all(math.isnan(v) for v in sampled("zeros"))


def test_the_default_of_align_corners_is_said() -> None:
    with pytest.warns(UserWarning, match="align_corners is False by default"):
        F.grid_sample(IMAGE, penlight.zeros(1, 1, 1, 2))
    with pytest.warns(UserWarning, match="align_corners is False by default"):
        F.affine_grid(penlight.zeros(1, 2, 3), (1, 1, 2, 2))
    with pytest.warns(UserWarning, match="size 1 lies at 0"):
        F.affine_grid(penlight.zeros(1, 2, 3), (1, 1, 1, 2), align_corners=True)
