"""Images for the tests of transforms."""

from __future__ import annotations

import numpy as np

import penlight


def pixels(*shape, dtype=np.uint8, seed=0):
    """Random pixels: bytes, or floats in [0, 1)."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.random(shape).astype(dtype)
    return rng.integers(0, 256, shape).astype(dtype)


def tensor(*shape, dtype=np.float32, seed=0):
    return penlight.from_numpy(pixels(*shape, dtype=dtype, seed=seed))


def numbered(*shape):
    """Every pixel another number."""
    return penlight.from_numpy(np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape))
