"""Sorting, the k largest, the k-th, the most frequent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight._core.arguments import normalize_axis, numpy_names
from penlight.autograd.base import TensorBase, wrap
from penlight.ops.extrema import of_scalar, pick
from penlight.ops.scatter import gather

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["argsort", "kthvalue", "mode", "msort", "sort", "topk"]


def order_of(x: np.ndarray, axis: int, descending: bool) -> np.ndarray:
    """The stable order along ``axis``; NaN counts as the largest."""
    if not descending:
        return x.argsort(axis, kind="stable")
    if x.dtype.kind != "f":
        return (~x).argsort(axis, kind="stable")  # the opposite order, without overflow
    if not np.isnan(x).any():
        return (-x).argsort(axis, kind="stable")
    reverse = np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    return x.shape[axis] - 1 - reverse


@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The elements in order along ``dim``, and where they were. Equal ones keep their order."""
    axis = normalize_axis(dim, input._array.ndim)
    if input._array.dtype.kind == "c":
        raise RuntimeError(f"sort: complex dtypes have no order, got {input.dtype}; sort abs()")
    if not input._array.ndim:
        return of_scalar(input, return_types.sort)
    indices = wrap(TensorBase._result_type, order_of(input._array, axis, descending))
    return return_types.sort(gather(input, axis, indices), indices)


@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Where the elements in order along ``dim`` are."""
    return sort(input.detach(), dim, descending).indices


def msort(input: Tensor) -> Tensor:
    """The elements in order along dimension 0."""
    return sort(input, 0).values


@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The k largest (smallest) elements along ``dim`` in order, and where they are.

    Raises:
        RuntimeError: if ``k`` exceeds the size of ``dim``.
    """
    axis = normalize_axis(dim, input._array.ndim)
    x = input if input._array.ndim else input.reshape(1)
    if x._array.dtype.kind in "cb":
        raise NotImplementedError(f"topk: not implemented for {input.dtype}")
    size = x._array.shape[axis]
    if not 0 <= k <= size:
        raise RuntimeError(
            f"topk: selected index k out of range: k (={k}) must be within 0..{size}, the size of "
            f"dim {dim}"
        )
    indices = wrap(TensorBase._result_type, _first_of_order(x._array, int(k), axis, largest))
    values = gather(x, axis, indices)
    if not input._array.ndim:
        return return_types.topk(values.reshape(()), indices.reshape(()))
    return return_types.topk(values, indices)


def _first_of_order(x: np.ndarray, k: int, axis: int, descending: bool) -> np.ndarray:
    """The first k of the order along ``axis``: of few among many by partition, which is O(n)."""
    n = x.shape[axis]
    if k * 8 > n or n < 64:
        return order_of(x, axis, descending)[(slice(None),) * axis + (slice(k),)]
    at = np.argpartition(x, n - k if descending else k - 1, axis) if k else np.argsort(x, axis)
    chosen = np.sort(np.take(at, np.arange(n - k, n) if descending else np.arange(k), axis), axis)
    order = order_of(np.take_along_axis(x, chosen, axis), axis, descending)
    return np.take_along_axis(chosen, order, axis)


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The k-th smallest element (from 1) along ``dim``, and where it is."""
    axis = normalize_axis(dim, input._array.ndim)
    size = input._array.shape[axis] if input._array.ndim else 1
    if not 1 <= k <= size:
        raise RuntimeError(
            f"kthvalue(): selected number k (={k}) out of range for dimension {dim} of size {size}"
        )
    if not input._array.ndim:
        return of_scalar(input, return_types.kthvalue)
    index = np.take(order_of(input._array, axis, False), [k - 1], axis)
    return pick(input, index, axis, keepdim, return_types.kthvalue)


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """The most frequent element along ``dim``, the smallest among equals, and where it last is."""
    axis = normalize_axis(dim, input._array.ndim)
    if not input._array.ndim:
        return of_scalar(input, return_types.mode)
    if not input._array.shape[axis]:
        raise IndexError(f"mode(): Expected reduction dim {axis} to have non-zero size.")
    rows = np.moveaxis(input._array, axis, -1)
    last = np.empty(rows.shape[:-1], np.int64)
    for place in np.ndindex(last.shape):
        _, inverse, counts = np.unique(rows[place], return_inverse=True, return_counts=True)
        last[place] = np.flatnonzero(inverse == np.argmax(counts))[-1]
    return pick(input, np.expand_dims(last, axis), axis, keepdim, return_types.mode)
