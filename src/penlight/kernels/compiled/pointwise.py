"""Elementwise functions in one pass over memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.kernels import pointwise
from penlight.kernels.compiled.loops import fit, in_pieces, loops

__all__ = ["gated"]

_plain_gated = pointwise.gated


@loops
def _gate(start: int, stop: int, dy: Any, keep: Any, y: Any) -> None:
    zero = dy.dtype.type(0)
    dy, keep, y = dy[start:stop], keep[start:stop], y[start:stop]
    for i in range(y.size):
        y[i] = dy[i] if keep[i] != 0 else zero


def gated(dy: Any, keep: Any) -> Any:
    """dy where ``keep`` is not 0, and 0 elsewhere, even where dy is infinite or NaN."""
    if (
        type(dy) is not np.ndarray
        or not fit(dy)
        or type(keep) is not np.ndarray
        or keep.shape != dy.shape
        or not keep.flags.c_contiguous
        or keep.dtype.char not in "?fd"
    ):
        return _plain_gated(dy, keep)
    y = np.empty(dy.shape, dy.dtype)
    in_pieces(_gate, dy.size, dy.size, dy.reshape(-1), keep.reshape(-1), y.reshape(-1))
    return y
