"""Sorting, the k largest, unique values, counting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from penlight._core.arguments import normalize_axis
from penlight.autograd.base import TensorBase, wrap
from penlight.ops.extrema import MaxResult
from penlight.ops.scatter import gather

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "argsort",
    "bincount",
    "bucketize",
    "kthvalue",
    "msort",
    "searchsorted",
    "sort",
    "topk",
    "unique",
]


class SortResult(NamedTuple):
    values: Any
    indices: Any


def order_of(x: np.ndarray, axis: int, descending: bool) -> np.ndarray:
    """The stable order along ``axis``; NaN counts as the largest."""
    if not descending:
        return np.argsort(x, axis, kind="stable")
    reverse = np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    return x.shape[axis] - 1 - reverse


def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False
) -> SortResult:
    """The elements in order along ``dim``, and where they were. Equal ones keep their order."""
    if not input._array.ndim:
        return SortResult(input.clone(), wrap(TensorBase._result_type, np.zeros((), np.int64)))
    axis = normalize_axis(dim, input._array.ndim)
    indices = wrap(TensorBase._result_type, order_of(input._array, axis, descending))
    return SortResult(gather(input, axis, indices), indices)


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Where the elements in order along ``dim`` are."""
    return sort(input.detach(), dim, descending).indices  # type: ignore[no-any-return]


def msort(input: Tensor) -> Tensor:
    """The elements in order along dimension 0."""
    return sort(input, 0).values  # type: ignore[no-any-return]


def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> SortResult:
    """The k largest (smallest) elements along ``dim`` in order, and where they are.

    Raises:
        RuntimeError: if ``k`` exceeds the size of ``dim``.
    """
    x = input if input._array.ndim else input.reshape(1)
    axis = normalize_axis(dim, x._array.ndim)
    if not 0 <= k <= x._array.shape[axis]:
        raise RuntimeError(
            f"selected index k out of range: k (={k}) must be within 0..{x._array.shape[axis]}, the size of dim {dim}"
        )
    order = np.take(order_of(x._array, axis, largest), range(k), axis)
    indices = wrap(TensorBase._result_type, order)
    values = gather(x, axis, indices)
    if not input._array.ndim:
        return SortResult(values.reshape(()), indices.reshape(()))
    return SortResult(values, indices)


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> MaxResult:
    """The k-th smallest element (from 1) along ``dim``, and where it is."""
    axis = normalize_axis(dim, input._array.ndim)
    size = input._array.shape[axis] if input._array.ndim else 1
    if not 1 <= k <= size:
        raise RuntimeError(
            f"kthvalue(): selected number k (={k}) out of range for dimension {dim} of size {size}"
        )
    values, indices = sort(input, dim)
    if not input._array.ndim:
        return MaxResult(values, indices)
    last, place = values.narrow(axis, k - 1, 1), indices.narrow(axis, k - 1, 1)
    return MaxResult(last, place) if keepdim else MaxResult(last.squeeze(axis), place.squeeze(axis))


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
) -> Tensor:
    """Where each value of ``input`` would go in a sorted row; row by row for equal leading shapes."""
    to_right = right or side == "right"
    values = np.asarray(input._array if isinstance(input, TensorBase) else input)
    rows = sorted_sequence._array
    how = "right" if to_right else "left"
    if rows.ndim == 1:
        found = np.searchsorted(rows, values, how)
    else:
        if rows.shape[:-1] != values.shape[:-1]:
            raise RuntimeError(
                "searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
                f"boundaries tensor and input value tensor must match, got {list(rows.shape)} and {list(values.shape)}"
            )
        pairs = zip(
            rows.reshape(-1, rows.shape[-1]), values.reshape(-1, values.shape[-1]), strict=True
        )
        found = np.stack([np.searchsorted(r, v, how) for r, v in pairs]).reshape(values.shape)
    return wrap(
        TensorBase._result_type, np.asarray(found).astype(np.int32 if out_int32 else np.int64)
    )  # type: ignore[no-any-return]


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """Which of the buckets between sorted boundaries each value falls into."""
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements (slices along ``dim``) in order; with where each came from, and how often."""
    result = np.unique(
        input._array,
        return_inverse=return_inverse,
        return_counts=return_counts,
        axis=dim,
        equal_nan=False,
    )
    parts = list(result) if isinstance(result, tuple) else [result]
    if return_inverse:
        parts[1] = parts[1].reshape(input._array.shape if dim is None else -1)
    tensors = tuple(wrap(TensorBase._result_type, np.asarray(p)) for p in parts)
    return tensors if len(tensors) > 1 else tensors[0]


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each integer 0, 1, 2 ... occurs in a row, or the sum of its weights.

    Raises:
        RuntimeError: for negative or non-integer elements, or more than one dimension.
    """
    x = input._array
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and x.min() < 0):
        raise RuntimeError(
            f"bincount only supports 1-d non-negative integral inputs, got {input.dtype} of {x.ndim} dimensions"
        )
    w = None if weights is None else weights._array
    counts = np.bincount(x, w, minlength)
    if w is not None and w.dtype == np.float32:
        counts = counts.astype(np.float32)
    return wrap(TensorBase._result_type, counts)  # type: ignore[no-any-return]
