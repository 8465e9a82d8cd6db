"""Reductions of the segments of a dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis
from penlight.ops.joining import stack

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["segment_reduce"]

_EMPTY = {"sum": 0.0, "mean": np.nan, "max": -np.inf, "min": np.inf, "prod": 1.0}
_LONG = {"amax": "max", "amin": "min"}


def segment_reduce(
    data: Tensor,
    reduce: str,
    *,
    lengths: Tensor | None = None,
    indices: Tensor | None = None,
    offsets: Tensor | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: Any = None,
) -> Tensor:
    """The sum, mean, max, min or prod of each segment of a dimension.

    Args:
        data: floating.
        lengths: of the segments, (..., S), with a row for each index of the dimensions before ``axis``.
        offsets: in their place, where segments start, and where the last ends: (..., S + 1).
        unsafe: lengths need not add up to the dimension.
        initial: the value that a segment starts from, and of an empty one.

    Returns:
        ``data``'s shape with S in place of the dimension.

    Raises:
        RuntimeError: if lengths don't fit, or the reduction is not known.
    """
    reduce = _LONG.get(reduce, reduce)
    if reduce not in _EMPTY:
        raise RuntimeError(f"segment_reduce: reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")  # fmt: skip
    if not data.is_floating_point():
        raise NotImplementedError(f"segment_reduce: not implemented for {data.dtype}; use a floating dtype")  # fmt: skip
    axis = normalize_axis(axis, data.ndim)
    starts, ends = _limits(data, lengths, offsets, axis, unsafe)
    rows = []
    for place in np.ndindex(data.shape[:axis]):
        part = data[place] if place else data
        pairs = zip(starts[place], ends[place], strict=True)
        rows.append(stack([_reduced(part[a:b], reduce, initial) for a, b in pairs]))
    y = stack(rows) if axis else rows[0]
    return y.reshape(*data.shape[:axis], starts.shape[-1], *data.shape[axis + 1 :])


def _limits(data: Tensor, lengths: Any, offsets: Any, axis: int, unsafe: bool) -> Any:
    """Where segments start and end, for each index of the dimensions before."""
    given = offsets if offsets is not None else lengths
    if given is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    values, n = given._array, data.shape[axis]
    if values.dtype.kind != "i":
        raise NotImplementedError(f"segment_reduce: lengths and offsets must be integers, got {given.dtype}")  # fmt: skip
    if values.ndim != axis + 1 or values.shape[:-1] != tuple(data.shape[:axis]):
        raise RuntimeError(
            f"segment_reduce(): Expected axis to be the last dimension of lengths: {list(data.shape[:axis])} "
            f"and the segments, but got {list(values.shape)} for axis {axis}"
        )
    if offsets is not None:
        return values[..., :-1], values[..., 1:]
    if (values < 0).any():
        raise RuntimeError("segment_reduce: lengths contains negative value!")
    if not unsafe and (values.sum(-1) != n).any():
        raise RuntimeError(
            f"segment_reduce(): Expected all rows of lengths along axis to sum to {n} when !unsafe."
        )
    ends = np.cumsum(values, -1)
    return ends - values, ends


def _reduced(part: Any, reduce: str, initial: Any) -> Any:
    """One segment, (n, ...), with the initial value."""
    n = part.shape[0]
    if not n:
        start = _EMPTY[reduce] if initial is None else initial
        return part.sum(0) + float(start)
    if reduce in ("max", "min"):
        y = part.amax(0) if reduce == "max" else part.amin(0)
        if initial is None:
            return y
        return y.clamp_min(initial) if reduce == "max" else y.clamp_max(initial)
    if reduce == "prod":
        return part.prod(0) if initial is None else part.prod(0) * initial
    total = part.sum(0) if initial is None else part.sum(0) + initial
    return total / n if reduce == "mean" else total
