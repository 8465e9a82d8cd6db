"""Bags of rows that are looked up and reduced: their sum, mean or maximum."""

from __future__ import annotations

import numpy as np

from penlight.autograd.base import wrap
from penlight.nn.functional.embedding import embedding
from penlight.ops.joining import cat
from penlight.ops.rows import index_add
from penlight.ops.scatter import gather
from penlight.tensor import Tensor

__all__ = ["embedding_bag"]


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """y_b = the sum, mean or maximum of the rows weight[i] for the integers i of bag b; 0 of none.

    Args:
        input: (B, N) integers, a bag in each row; or (sum of sizes,), the bags end to end.
        weight: (V, D).
        offsets: (B,) where bags start, for 1-D input only.
        max_norm, norm_type, scale_grad_by_freq: as for :func:`embedding`.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        sparse: accepted; the gradient is dense here.
        per_sample_weights: factors of the rows, of ``input``'s shape, for ``"sum"`` only.
        include_last_offset: ``offsets`` tells the end of the last bag as well.
        padding_idx: a row that counts as not there and gets no gradient.

    Returns:
        y, (B, D).

    Raises:
        ValueError: if ``offsets``, ``mode`` or ``per_sample_weights`` don't fit.
        RuntimeError: if an integer, an offset or ``padding_idx`` is out of range.
        NotImplementedError: if weights are given for a mean or maximum.
    """
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"embedding_bag: mode has to be one of sum, mean or max, got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("embedding_bag: max mode does not support scale_grad_by_freq")
    if per_sample_weights is not None:
        _check_weights(per_sample_weights, input, weight, mode)
    rows = weight.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise RuntimeError(
                f"embedding_bag: padding_idx must be within the number of embeddings, {-rows} through "
                f"{rows - 1}, but got {padding_idx}"
            )
        padding_idx %= rows
    bags, count = _bags(input, offsets, include_last_offset)
    index = input.reshape(-1)
    _check_range(index, rows)
    found = embedding(index, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq)
    present = bags < count  # what lies behind the last bag is in none
    if padding_idx is not None:
        present &= index._array != padding_idx
    if mode == "max":
        return _maxima(found, bags, present, count)
    if per_sample_weights is not None:
        found = found * per_sample_weights.reshape(-1, 1)
    kept = wrap(Tensor, np.flatnonzero(present))
    into = wrap(Tensor, bags[present])
    zeros = found.new_zeros((count, weight.shape[1]))
    y = index_add(zeros, 0, into, found[kept])
    if mode == "sum":
        return y
    sizes = np.bincount(bags[present], minlength=count)
    return y / y.new_tensor(np.maximum(sizes, 1)[:, None])


def _check_weights(weights: Tensor, input: Tensor, weight: Tensor, mode: str) -> None:
    if mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights is only supported for mode='sum' (got mode={mode!r})"
        )
    if weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({tuple(weights.shape)}) is not None, then it must "
            f"have the same shape as the input ({tuple(input.shape)})"
        )
    if weights.dtype != weight.dtype:
        raise RuntimeError(
            f"embedding_bag: expected weight ({weight.dtype}) and per_sample_weights ({weights.dtype}) "
            "to have the same dtype"
        )


def _check_range(index: Tensor, rows: int) -> None:
    values = index._array
    if (
        values.dtype.kind in "iu"
        and values.size
        and not (values.min() >= 0 and values.max() < rows)
    ):
        place = int(np.flatnonzero((values < 0) | (values >= rows))[0])
        raise RuntimeError(
            f"embedding_bag: Index {place} of input takes value {values[place]} which is not in the "
            f"valid range [0, {rows})"
        )


def _bags(input: Tensor, offsets: Tensor | None, include_last: bool) -> tuple[np.ndarray, int]:
    """The bag of each integer (the number of bags for those behind the last), and how many there are."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "embedding_bag: if input is 2D, then offsets has to be None, as input is treated as a "
                f"mini-batch of fixed length sequences. However, found offsets of type {type(offsets)}"
            )
        count, size = input.shape
        return np.repeat(np.arange(count), size), count
    if input.ndim != 1:
        raise ValueError(f"embedding_bag: input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")  # fmt: skip
    if offsets is None or offsets.ndim != 1:
        raise ValueError("embedding_bag: offsets has to be a 1D Tensor " + ("but got None" if offsets is None else f"but got {offsets.ndim}D"))  # fmt: skip
    edges, n = offsets._array.astype(np.int64), input.shape[0]
    if include_last and not edges.size:
        raise RuntimeError(
            "embedding_bag: include_last_offset: number of offsets should be at least 1"
        )
    if edges.size and edges[0] != 0:
        raise RuntimeError(f"embedding_bag: offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {edges[0]}")  # fmt: skip
    if edges.size and edges.max() > n:
        raise RuntimeError(f"embedding_bag: offsets can not be greater than input's length {n} but got {edges.max()}")  # fmt: skip
    if (np.diff(edges) < 0).any():
        raise RuntimeError(f"embedding_bag: offsets must not decrease, got {edges.tolist()}")
    starts, ends = (edges[:-1], edges[1:]) if include_last else (edges, np.append(edges[1:], n))
    ends = ends[: len(starts)]
    bags = np.full(n, len(starts))
    last = int(ends[-1]) if len(ends) else 0
    bags[:last] = np.repeat(np.arange(len(starts)), ends - starts)
    return bags, len(starts)


def _maxima(found: Tensor, bags: np.ndarray, present: np.ndarray, count: int) -> Tensor:
    """The largest number of each column in each bag: where it lies first, the gradient goes."""
    n, columns = found.shape
    into, values = bags[present], found._array[present]
    best = np.full((count, columns), -np.inf, values.dtype)
    np.maximum.at(best, into, values)
    reached = (values == best[into]) | np.isnan(values)
    places = np.where(reached, np.flatnonzero(present)[:, None], n)
    first = np.full((count, columns), n)  # a row of zeros behind the others
    np.minimum.at(first, into, places)
    return gather(cat([found, found.new_zeros((1, columns))]), 0, wrap(Tensor, first))
