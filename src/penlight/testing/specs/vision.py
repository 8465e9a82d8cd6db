"""Rows for sampling at grids."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, OpSpec, Sample, normal


def _sample(torch, x, grid, **options):
    return torch.nn.functional.grid_sample(x, grid, **{"align_corners": False, **options})


def points(rng, *shape):
    """Inside and outside of -1 ... 1, away from pixels' centres and edges."""
    steps = rng.integers(-14, 15, shape) / 10
    return np.asarray(steps + 0.0371 + 0.01 * rng.random(shape), np.float32)


def _samples(rng):
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            for align in (True, False):
                yield Sample(
                    normal(rng, 2, 3, 4, 5), points(rng, 2, 3, 2, 2),
                    mode=mode, padding_mode=padding, align_corners=align,
                )  # fmt: skip
    for padding in ("zeros", "border", "reflection"):
        for mode in ("bilinear", "nearest"):
            yield Sample(
                normal(rng, 1, 2, 3, 4, 2),
                points(rng, 1, 2, 1, 3, 3),
                mode=mode,
                padding_mode=padding,
            )
    yield Sample(
        normal(rng, 1, 1, 1, 1),
        points(rng, 1, 2, 2, 2),
        padding_mode="reflection",
        align_corners=True,
    )
    yield Sample(normal(rng, 0, 1, 2, 2), points(rng, 0, 2, 2, 2))
    yield Sample(normal(rng, 1, 1, 2, 2), points(rng, 1, 0, 2, 2))
    far = np.float32([[[[9.3, -7.7], [-30.2, 3.3], [2.9, 100.1]]]])
    for padding in ("zeros", "border", "reflection"):
        yield Sample(normal(rng, 1, 2, 4, 5), far, padding_mode=padding)


_x, _grid = np.zeros((1, 1, 4, 4), np.float32), np.zeros((1, 2, 2, 2), np.float32)
OpSpec(
    "F.grid_sample",
    _sample,
    _samples,
    errors=[
        Bad(RuntimeError, "same number of dimensions|last dimension", (_x, _grid[0])),
        Bad(RuntimeError, "batch size", (_x, np.zeros((2, 2, 2, 2), "f"))),
        Bad(RuntimeError, "last dimension", (_x, np.zeros((1, 2, 2, 3), "f"))),
        Bad(RuntimeError, "dtype", (_x, _grid.astype("d"))),
        Bad(RuntimeError, "non-empty", (_x[:, :, :0], _grid)),
        Bad(ValueError, "mode", (_x, _grid), {"mode": "cubic"}),
        Bad(ValueError, "padding_mode", (_x, _grid), {"padding_mode": "wrap"}),
        Bad(NotImplementedError, "int64", (_x.astype(int), _grid.astype(int))),
        Bad(
            RuntimeError, "bicubic", (_x[None], np.zeros((1, 1, 2, 2, 3), "f")), {"mode": "bicubic"}
        ),
    ],
    atol=1e-5,
)
OpSpec(
    "F.grid_sample at the edges",
    _sample,
    lambda rng: [
        Sample(
            normal(rng, 1, 2, 4, 4),
            np.float32([[[[-1, -1], [1, 1], [1.5, 0.1]]]]),
            padding_mode=padding, align_corners=align, mode=mode,
        )
        for mode in ("bilinear", "nearest")
        for padding in ("border", "reflection")
        for align in (True, False)
    ],
    numerical=False,
    note="kinks",
)  # fmt: skip


def _grid_of(torch, theta, size, **options):
    return torch.nn.functional.affine_grid(theta, size, **{"align_corners": False, **options})


_theta = np.zeros((2, 2, 3), np.float32)
OpSpec(
    "F.affine_grid",
    _grid_of,
    lambda rng: [
        Sample(normal(rng, 2, 2, 3), (2, 3, 4, 5)),
        Sample(normal(rng, 2, 2, 3), (2, 3, 4, 5), align_corners=True),
        Sample(normal(rng, 2, 2, 3), (2, 3, 1, 5)),
        Sample(normal(rng, 1, 3, 4), (1, 3, 2, 3, 4)),
        Sample(normal(rng, 1, 3, 4), (1, 3, 2, 3, 4), align_corners=True),
    ],
    errors=[
        Bad(NotImplementedError, "4D and 5D", (_theta, (2, 3, 4))),
        Bad(ValueError, "Nx2x3", (_theta[0], (2, 1, 3, 4))),
        Bad(ValueError, "Nx3x4", (_theta, (2, 1, 3, 4, 5))),
        Bad(ValueError, "floating", (_theta.astype(int), (2, 1, 3, 4))),
        Bad(ValueError, "positive", (_theta, (2, 1, 0, 4))),
        Bad(RuntimeError, "batch", (_theta, (3, 1, 3, 4))),
    ],
)
