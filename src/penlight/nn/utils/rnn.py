"""Batches of sequences of different lengths: padded to one length, or packed without padding.

A packed batch holds the first elements of all sequences, then the second elements of those that have
one, and so on. The sequences stand in order of falling length, so every step has the first few of them:
``abc`` and ``x`` are ``axbc`` with the batch sizes 2, 1, 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from penlight.tensor import Tensor
from penlight.tensor.creation import full, tensor

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence",
    "pad_packed_sequence", "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class PackedSequence_(NamedTuple):
    """The parts of a PackedSequence."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """A batch of sequences of different lengths without padding, as the functions here make it.

    Attributes:
        data: (sum of lengths, *), step by step.
        batch_sizes: int64, how many sequences reach each step.
        sorted_indices: int64, where each stood before they were sorted; None: they were sorted.
        unsorted_indices: int64, the inverse of that.
    """

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
                raise AssertionError(
                    f"PackedSequence: expected data to be (data, batch_sizes) where batch_sizes is not "
                    f"given, got {type(data).__name__}"
                )
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """With ``data`` converted as by :meth:`Tensor.to`; itself if nothing changes."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def cpu(self, *args: Any, **kwargs: Any) -> Self:
        """As :meth:`to`: everything is on the CPU."""
        return self.to(*args, **kwargs)

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """Refused: there is no GPU."""
        self.data.cuda()
        return self

    def double(self) -> Self:
        """``data`` as float64."""
        return self.to("cpu", self.data.double().dtype)

    def float(self) -> Self:
        """``data`` as float32."""
        return self.to("cpu", self.data.float().dtype)

    def half(self) -> Self:
        """``data`` as float16."""
        return self.to("cpu", self.data.half().dtype)

    def long(self) -> Self:
        """``data`` as int64."""
        return self.to("cpu", self.data.long().dtype)

    def int(self) -> Self:
        """``data`` as int32."""
        return self.to("cpu", self.data.int().dtype)

    def short(self) -> Self:
        """``data`` as int16."""
        return self.to("cpu", self.data.short().dtype)

    def char(self) -> Self:
        """``data`` as int8."""
        return self.to("cpu", self.data.char().dtype)

    def byte(self) -> Self:
        """``data`` as uint8."""
        return self.to("cpu", self.data.byte().dtype)

    def pin_memory(self) -> Self:
        """Itself: memory is pinned for GPUs alone."""
        return self

    @property
    def is_cuda(self) -> bool:
        """False."""
        return False

    def is_pinned(self) -> bool:
        """False."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes ``permutation``; None for None."""
    return None if permutation is None else tensor(np.argsort(permutation._array))


def _positions(batch_sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Step and sequence of each element of a packed batch."""
    steps = np.repeat(np.arange(len(batch_sizes)), batch_sizes)
    starts = np.cumsum(batch_sizes) - batch_sizes
    return steps, np.arange(len(steps)) - np.repeat(starts, batch_sizes)


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Leave out the padding of a batch.

    Args:
        input: (T, N, *), or (N, T, *) with ``batch_first``.
        lengths: of the N sequences, from 1 to T.
        batch_first: whether the sequences are the first dimension. Default: False.
        enforce_sorted: require ``lengths`` to fall; False sorts them. Default: True.

    Returns:
        The packed batch; :func:`pad_packed_sequence` puts the sequences back in their order.

    Raises:
        RuntimeError: if the input is empty, or the lengths do not fit it or are not sorted.
    """
    sizes = np.asarray(lengths._array if isinstance(lengths, Tensor) else lengths).astype(np.int64)
    if sizes.ndim != 1:
        raise RuntimeError(f"pack_padded_sequence: lengths must be 1D, got {sizes.ndim}D")
    if input.ndim < 2:
        raise IndexError(
            f"pack_padded_sequence: input must have at least 2 dimensions, got {input.ndim}"
        )
    batch, steps = input.shape[:2] if batch_first else (input.shape[1], input.shape[0])
    if not input.numel():
        raise RuntimeError("pack_padded_sequence: Cannot pack empty tensors.")
    if len(sizes) != batch:
        raise RuntimeError(
            f"pack_padded_sequence: Expected `len(lengths)` to be equal to batch_size, but got "
            f"{len(sizes)} (batch_size={batch})"
        )
    if sizes.min() <= 0 or sizes.max() > steps:
        raise RuntimeError(
            f"pack_padded_sequence: lengths has to be greater than 0 and at most {steps}, the size of "
            f"input, got {sizes.tolist()}"
        )
    order = None
    if not enforce_sorted:
        order = np.argsort(-sizes, kind="stable")
        sizes = sizes[order]
    elif (np.diff(sizes) > 0).any():
        raise RuntimeError(
            "pack_padded_sequence: `lengths` array must be sorted in decreasing order when "
            "`enforce_sorted` is True; pass enforce_sorted=False to have the sequences sorted"
        )
    batch_sizes = (sizes > np.arange(sizes[0])[:, None]).sum(1)
    step, sequence = _positions(batch_sizes)
    if order is not None:
        sequence = order[sequence]
    index = (sequence, step) if batch_first else (step, sequence)
    data = input[tuple(map(tensor, index))]
    return PackedSequence(data, tensor(batch_sizes), None if order is None else tensor(order))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The inverse of :func:`pack_padded_sequence`.

    Args:
        sequence: the packed batch.
        batch_first: make the sequences the first dimension. Default: False.
        padding_value: what stands after the sequences' ends. Default: 0.
        total_length: the number of steps. Default: that of the longest sequence.

    Returns:
        the padded batch, (T, N, *) or (N, T, *); the lengths, (N,).

    Raises:
        ValueError: if ``total_length`` is less than the longest sequence's.
    """
    sizes = sequence.batch_sizes._array
    length = len(sizes)
    if total_length is not None:
        if total_length < length:
            raise ValueError(
                "pad_packed_sequence: Expected total_length to be at least the length of the longest "
                f"sequence in input, but got total_length={total_length} and max sequence length "
                f"being {length}"
            )
        length = total_length
    step, row = _positions(sizes)
    lengths = (sizes[:, None] > np.arange(sizes[0])).sum(0)
    if sequence.unsorted_indices is not None:
        back = sequence.unsorted_indices._array
        row, lengths = np.argsort(back)[row], lengths[back]
    data, batch = sequence.data, int(sizes[0])
    shape = (batch, length) if batch_first else (length, batch)
    padded = full((*shape, *data.shape[1:]), padding_value, dtype=data.dtype)
    padded[tuple(map(tensor, (row, step) if batch_first else (step, row)))] = data
    return padded, tensor(lengths)


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences of different lengths in one tensor.

    Args:
        sequences: (L, *) each, alike but for L.
        batch_first: make the sequences the first dimension. Default: False.
        padding_value: what fills the rest. Default: 0.
        padding_side: "right", after the sequences, or "left". Default: "right".

    Returns:
        (T, N, *), or (N, T, *) with ``batch_first``, for N sequences of which the longest has T elements.

    Raises:
        RuntimeError: if there are none, if they are not alike, or the side is another.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    parts = list(sequences)
    if not parts:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"pad_sequence: Expected padding_side to be one of left or right, but got {padding_side}."
        )
    first = parts[0]
    for i, part in enumerate(parts):
        if not part.ndim or part.shape[1:] != first.shape[1:]:
            raise RuntimeError(
                f"pad_sequence: sequences[{i}] must have the shape (L, *) with the trailing sizes of "
                f"sequences[0] {list(first.shape)}, got {list(part.shape)}"
            )
    length = max(len(part) for part in parts)
    padded = full((len(parts), length, *first.shape[1:]), padding_value, dtype=first.dtype)
    for i, part in enumerate(parts):
        start = length - len(part) if padding_side == "left" else 0
        padded[i, start : start + len(part)] = part
    return padded if batch_first else padded.transpose(0, 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The sequences of a padded batch.

    Args:
        padded_sequences: (T, N, *), or (N, T, *) with ``batch_first``. It stays as it is, whereas
            PyTorch swaps its first dimensions in place.
        lengths: of the N sequences.

    Raises:
        ValueError: if there are not N lengths.
    """
    batch = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    if len(batch) != len(lengths):
        raise ValueError(
            f"unpad_sequence: lengths must have {len(batch)} elements, as many as there are "
            f"sequences, got {len(lengths)}"
        )
    sizes = [int(n) for n in lengths]
    return [batch[i, :n].clone() for i, n in enumerate(sizes)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (L, *) of different lengths as a packed batch.

    Args:
        sequences: alike but for L.
        enforce_sorted: require the lengths to fall; False sorts them. Default: True.

    Raises:
        RuntimeError: as :func:`pad_sequence` and :func:`pack_padded_sequence`.
    """
    lengths = [len(s) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The inverse of :func:`pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
