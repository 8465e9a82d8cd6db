"""Initial weights that do not depend on the library: drawn by NumPy once, then read from a file."""

from __future__ import annotations

import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workloads.base import seeded

__all__ = ["draw", "load_common"]


def draw(name: str, like: np.ndarray) -> np.ndarray:
    """Values for the state ``name``: matrices and kernels normal with variance 1 / fan-in, biases 0.

    The rest (scales, running statistics, counts) stays as the library made it.
    """
    if like.ndim >= 2:
        rng = seeded(zlib.crc32(name.encode()))
        deviation = 1 / math.sqrt(math.prod(like.shape[1:]))
        return rng.standard_normal(like.shape, np.float32) * np.float32(deviation)
    return np.zeros_like(like) if "bias" in name.rsplit(".", 1)[-1] else like


def load_common(torch: Any, model: Any, path: Path) -> None:
    """Load the weights of ``path`` into the model, after making the file if it does not exist.

    Raises:
        RuntimeError: if the model has other names or shapes than the one that the file was made from.
    """
    if not path.exists():
        state = {name: np.array(value.numpy()) for name, value in model.state_dict().items()}
        temporary = path.with_suffix(f".{os.getpid()}.npz")
        weights: dict[str, Any] = {name: draw(name, value) for name, value in state.items()}
        np.savez(temporary, **weights)
        temporary.replace(path)
    with np.load(path) as file:
        model.load_state_dict({name: torch.from_numpy(file[name]) for name in file.files})
