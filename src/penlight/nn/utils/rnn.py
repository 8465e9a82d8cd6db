"""Batches of sequences of different lengths: padded to one length, or packed without padding.

A packed batch holds the first elements of all sequences, then the second elements of those that have
one, and so on; with the sequences in order of falling length every step's are the first few:
``abc`` and ``x`` are ``axbc`` with the batch sizes 2, 1, 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from penlight.tensor import Tensor
from penlight.tensor.creation import tensor

__all__ = ["PackedSequence", "invert_permutation"]


class PackedSequence_(NamedTuple):
    """The parts of a PackedSequence."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """A batch of sequences of different lengths without padding; what the functions here make.

    Attributes:
        data: (sum of lengths, *), step by step.
        batch_sizes: int64, how many sequences reach each step.
        sorted_indices: int64, where the sequences stood before they were sorted; None: as they are.
        unsorted_indices: int64, the inverse of that.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("PackedSequence: expected data to be (data, batch_sizes)")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes ``permutation``; None for None."""
    if permutation is None:
        return None
    return tensor(np.argsort(permutation._array))
