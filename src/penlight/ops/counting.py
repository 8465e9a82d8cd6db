"""Distinct values, counts, histograms and buckets: no gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight._core.arguments import normalize_axis
from penlight.autograd.base import TensorBase, wrap
from penlight.ops.promotion import result_type

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "bincount", "bucketize", "histc", "histogram", "histogramdd", "searchsorted", "unique", "unique_consecutive",
    "unravel_index",
]  # fmt: skip

_unique: Any = np.unique
_range = range  # which arguments hide


def _tensors(parts: list[Any]) -> Any:
    tensors = tuple(wrap(TensorBase._result_type, np.asarray(p)) for p in parts)
    return tensors if len(tensors) > 1 else tensors[0]


# -- distinct values -------------------------------------------------------------------------


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements (slices along ``dim``) in order; with where each came from, and how often."""
    axis = None if dim is None else normalize_axis(dim, input._array.ndim)
    values, inverse, counts = _unique(
        input._array, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    inverse = inverse.reshape(input._array.shape if axis is None else -1)
    return _tensors([values] + [inverse] * return_inverse + [counts] * return_counts)


def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The elements (slices along ``dim``) without those equal to the one before."""
    axis = 0 if dim is None else normalize_axis(dim, input._array.ndim)
    x = input._array.reshape(-1) if dim is None else input._array
    n = x.shape[axis]
    rows = np.moveaxis(x, axis, 0).reshape(n, -1)
    new = np.ones(n, np.bool_)
    new[1:] = (rows[1:] != rows[:-1]).any(1)
    starts = np.flatnonzero(new)
    inverse = (np.cumsum(new) - 1).reshape(input._array.shape if dim is None else -1)
    counts = np.diff(np.append(starts, n))
    values = np.take(x, starts, axis)
    return _tensors([values] + [inverse] * return_inverse + [counts] * return_counts)


# -- counts ----------------------------------------------------------------------------------


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each integer 0, 1, 2 ... occurs in a row, or the sum of its weights.

    Raises:
        RuntimeError: for negative or non-integer elements, or more than one dimension.
    """
    x = input._array
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and x.min() < 0):
        raise RuntimeError(
            "bincount only supports 1-d non-negative integral inputs, got "
            f"{input.dtype} of {x.ndim} dimensions"
        )
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength should be >= 0, got {minlength}")
    w = None if weights is None else weights._array
    if w is not None and w.shape != x.shape:
        raise RuntimeError(
            f"bincount: weights should be 1-d and have the same length as input, got {list(w.shape)} "
            f"and {list(x.shape)}"
        )
    counts = np.bincount(x.astype(np.int64, copy=False), w, minlength)
    if w is not None and w.dtype == np.float32:
        counts = counts.astype(np.float32)
    return wrap(TensorBase._result_type, counts)


def _limits(
    name: str, x: np.ndarray, low: float, high: float, *, around: float
) -> tuple[float, float]:
    """The range of a histogram: the data's own if both ends are equal, and so much around one value."""
    if low == high and x.size:
        low, high = float(x.min()), float(x.max())
    if low == high:
        low, high = low - around, high + around
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{name}: range of [{low}, {high}] is not finite")
    if high < low:
        raise RuntimeError(f"{name}: max must be larger than min, got {high} and {low}")
    return low, high


def _check_histogram(name: str, input: Tensor, bins: int) -> None:
    if input._array.dtype.kind != "f":
        raise NotImplementedError(f"{name}: not implemented for {input.dtype}")
    if bins <= 0:
        raise RuntimeError(f"{name}: bins must be > 0, but got {bins}")


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of ``bins`` equal intervals from ``min`` to ``max``.

    Elements outside are not counted; equal ends stand for the data's own.
    """
    _check_histogram("histc", input, bins)
    low, high = _limits("histc", input._array, min, max, around=1)
    counts, _ = np.histogram(input._array.astype(np.float64), bins, (low, high))
    return wrap(TensorBase._result_type, counts.astype(input._array.dtype))


def histogram(
    input: Tensor, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False
) -> Any:
    """Counts (or weights) by interval, and the intervals' edges.

    Args:
        bins: their number, or a tensor of their edges.
        range: the outermost edges. Default: the data's own.
        density: divide by the total and the widths, so that the integral is 1.
    """
    x = input._array
    edges = bins._array if isinstance(bins, TensorBase) else None
    _check_histogram("histogram", input, 1 if edges is not None else bins)
    span = range or ((0, 0) if x.size else (0, 1))
    limits = None if edges is not None else _limits("histogram", x, *span, around=0.5)
    w = None if weight is None else weight._array.ravel()
    at = bins if edges is None else edges
    counts, ends = np.histogram(
        x.ravel().astype(np.float64), at, limits, density=density, weights=w
    )
    parts = (wrap(input._result_type, v.astype(x.dtype)) for v in (counts, ends))
    return return_types.histogram(*parts)


def histogramdd(
    input: Tensor, bins: Any, range: Any = None, weight: Any = None, density: bool = False
) -> Any:
    """:func:`histogram` of points, by boxes.

    Args:
        input: (..., D), points.
        bins: their number in each dimension, or one for all, or a list of tensors of edges.
        range: the outermost edges, 2 D numbers. Default: the data's own.
        weight: of each point, (...).

    Returns:
        (hist, bin_edges): the counts in D dimensions, and a tuple of D tensors.

    Raises:
        RuntimeError: if shapes don't fit.
    """
    x = input._array
    if x.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    if x.dtype.kind != "f":
        raise NotImplementedError(f"histogramdd: not implemented for {input.dtype}; use a floating dtype")  # fmt: skip
    d = x.shape[-1]
    counts = [bins] * d if isinstance(bins, int) else list(bins)
    if len(counts) != d:
        raise RuntimeError(
            "histogramdd: The size of bins must be equal to the innermost dimension of the input "
            f"({d}), got {len(counts)}"
        )
    if weight is not None and weight._array.shape != x.shape[:-1]:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input "
            f"tensor excluding its innermost dimension, but got {list(x.shape)} and {list(weight.shape)}"
        )
    points = x.reshape(-1, d)
    given = [None] * d if range is None else [tuple(range[2 * i : 2 * i + 2]) for i in _range(d)]
    edges: Any = [b._array if isinstance(b, TensorBase) else b for b in counts]
    limits = [
        _limits("histogramdd", points[:, i], *(given[i] or (0, 0)), around=0.5) for i in _range(d)
    ]
    w = None if weight is None else weight._array.ravel()
    hist, ends = np.histogramdd(points, edges, limits, density=density, weights=w)
    made = [wrap(input._result_type, v.astype(x.dtype)) for v in (hist, *ends)]
    return return_types.histogramdd(made[0], tuple(made[1:]))


# -- buckets ---------------------------------------------------------------------------------

_searchsorted: Any = np.searchsorted


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where each value of ``input`` would go in a sorted row; row by row for equal leading shapes.

    Args:
        right: after equal elements rather than before them; ``side="right"`` says the same.
        sorter: the order of an unsorted ``sorted_sequence``.
    """
    how = _side(right, side)
    rows = sorted_sequence._array
    if sorter is not None:
        rows = np.take_along_axis(rows, sorter._array, -1)
    values = np.asarray(input._array if isinstance(input, TensorBase) else input)
    if values.dtype != rows.dtype:
        common = result_type(sorted_sequence, input).numpy
        rows, values = rows.astype(common), values.astype(common)
    if rows.ndim == 1:
        found = np.asarray(_searchsorted(rows, values, how))
    elif rows.ndim != values.ndim or rows.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            "searchsorted(): sorted_sequence should have 1 dimension, or the first N-1 dimensions of "
            f"it and of input must match, got {list(rows.shape)} and {list(values.shape)}"
        )
    else:
        found = np.empty(values.shape, np.int64)
        for place in np.ndindex(rows.shape[:-1]):
            found[place] = _searchsorted(rows[place], values[place], how)
    return wrap(TensorBase._result_type, found.astype(np.int32 if out_int32 else np.int64))


def _side(right: bool, side: str | None) -> str:
    if side not in (None, "left", "right"):
        raise RuntimeError(f"searchsorted(): side can only be 'left' or 'right' but got {side}")
    if right and side == "left":
        raise RuntimeError(
            "searchsorted(): side and right can't be set to opposites, got side of left while right "
            "was True"
        )
    return "right" if right or side == "right" else "left"


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """Which of the buckets between sorted boundaries each value falls into."""
    if boundaries._array.ndim != 1:
        raise RuntimeError(
            f"bucketize(): boundaries tensor must be 1 dimension, but got {boundaries._array.ndim}"
        )
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Flat indices as a tuple of indices, one tensor per dimension of ``shape``."""
    if indices._array.dtype.kind not in "iu":
        raise ValueError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)
    try:
        parts = np.unravel_index(indices._array, sizes)
    except ValueError as error:
        raise ValueError(f"unravel_index: {error}") from None
    return tuple(wrap(TensorBase._result_type, np.asarray(p)) for p in parts)
