"""Padding of planes (..., H, W)."""

from __future__ import annotations

import numbers
from typing import Any, cast

import numpy as np

from penlight.tensor import Tensor
from penlight.tensor.creation import from_numpy
from penlight.transforms.images import colour

__all__ = ["pad_planes", "parse_padding"]

_MODES = ("constant", "edge", "reflect", "symmetric")


def parse_padding(padding: Any, mode: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) from the forms that ``pad`` takes."""
    if not isinstance(mode, str):
        raise TypeError(f"pad: padding_mode must be a string, got {mode!r}")
    if mode not in _MODES:
        raise ValueError(f"pad: padding_mode must be one of {', '.join(_MODES)}, got {mode!r}")
    values = [padding] if isinstance(padding, numbers.Number) else padding
    if not isinstance(values, (tuple, list)) or not all(
        isinstance(v, numbers.Number) for v in values
    ):
        raise TypeError(f"pad: padding must be an int or a sequence of ints, got {padding!r}")
    if len(values) not in (1, 2, 4):
        raise ValueError(f"pad: padding must be an int or have 1, 2 or 4 values, got {padding!r}")
    left, top, right, bottom = (int(v) for v in (values * 4)[:4])
    return left, top, right, bottom


def pad_planes(
    x: Tensor, left: int, top: int, right: int, bottom: int, fill: Any, mode: str
) -> Tensor:
    """Pad a tensor (..., H, W): see ``functional.pad``."""
    if min(left, top, right, bottom) < 0:
        height, width = x.shape[-2:]
        x = x[
            ...,
            max(-top, 0) : height - max(-bottom, 0),
            max(-left, 0) : width - max(-right, 0),
        ]
        left, top, right, bottom = (max(n, 0) for n in (left, top, right, bottom))
    if mode != "constant":
        rows = _indices(x.shape[-2], top, bottom, mode)
        columns = _indices(x.shape[-1], left, right, mode)
        return x[..., rows[:, None], columns]
    height, width = x.shape[-2:]
    channels = 1 if x.ndim == 2 else x.shape[-3]
    paint = colour("pad", fill, channels, x.dtype.numpy)
    y = np.empty((*x.shape[:-2], height + top + bottom, width + left + right), paint.dtype)
    y[...] = paint[0] if x.ndim == 2 else paint[:, None, None]
    padded = from_numpy(y)
    padded[..., top : top + height, left : left + width] = x
    return padded


def _indices(size: int, before: int, after: int, mode: str) -> np.ndarray:
    """Which old pixel each new one repeats, along one dimension."""
    limit = {"edge": np.inf, "reflect": size - 1, "symmetric": size}[mode]
    if max(before, after) > limit or (not size and before + after):
        raise RuntimeError(
            f"pad: {mode} padding of {size} pixels must be at most {limit}, got {before} and {after}"
        )
    return np.pad(np.arange(size), (before, after), cast(Any, mode))
