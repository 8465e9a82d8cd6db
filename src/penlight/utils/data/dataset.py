"""Datasets: samples by index or as a stream, and ways to combine, cut and split them."""

from __future__ import annotations

import abc
import bisect
import itertools
import math
import operator
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

import numpy as np

from penlight._core.random import Generator, default_generator
from penlight.tensor import Tensor
from penlight.tensor.creation import from_numpy
from penlight.tensor.random import randperm

__all__ = [
    "Batch", "ChainDataset", "ConcatDataset", "Dataset", "IterableDataset", "StackDataset",
    "Subset", "TensorDataset", "random_split",
]  # fmt: skip

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Samples by index: a subclass defines ``__getitem__(index)`` and ``__len__()``.

    It may define ``__getitems__(indices)``, which gives the samples of a whole batch in one call.
    If they lie together in memory it returns a :class:`Batch`, and nothing is done per sample.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index)")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


def samples_at(dataset: Any, indices: Sequence[int]) -> Any:
    """The samples at ``indices``, in one call where the dataset can do that."""
    whole = getattr(dataset, "__getitems__", None)
    return whole(indices) if callable(whole) else [dataset[i] for i in indices]


def _length(dataset: Any) -> int:
    """Its length: PyTorch's Dataset declares none, for not every dataset has one."""
    return len(dataset)


class Batch(Sequence[tuple[Any, ...]]):
    """Samples that already lie together: a sequence of samples as any other, of which
    ``default_collate`` takes the :attr:`columns` as they are. Other collate functions get a list.

    Args:
        columns: for each field of the samples a tensor whose first dimension counts the samples.
    """

    __slots__ = ("columns",)

    def __init__(self, columns: Iterable[Any]) -> None:
        self.columns = list(columns)

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Batch(column[index] for column in self.columns)
        if not -len(self) <= index < len(self):
            raise IndexError(f"Batch: index {index} is out of range for {len(self)} samples")
        return tuple(column[index] for column in self.columns)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns, strict=True)


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """Samples as a stream: a subclass defines ``__iter__()``.

    With several workers each of them has a copy and iterates over it; to share the work
    ``__iter__`` looks at :func:`get_worker_info`.
    """

    @abc.abstractmethod
    def __iter__(self) -> Iterator[T_co]:
        """Start the stream anew."""

    def __add__(self, other: Dataset[T_co]) -> ChainDataset[T_co]:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample ``i`` is ``(t[i] for t in tensors)``; a batch is one indexing call per tensor.

    Args:
        tensors: tensors with the same size along the first dimension.

    Raises:
        AssertionError: if the sizes differ.
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        sizes = [t.size(0) for t in tensors]
        if len(set(sizes)) > 1:
            raise AssertionError(
                f"TensorDataset: tensors must have the same size along dimension 0, got {sizes}"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        rows = np.asarray(indices, np.intp)
        return Batch([_take_rows(t, rows) for t in self.tensors])

    def __len__(self) -> int:
        return len(self.tensors[0])


class StackDataset(Dataset[Any]):
    """Sample ``i`` is the tuple, or the dict, of the sample ``i`` of several datasets.

    Args:
        args: datasets of the same length, for tuples.
        kwargs: datasets of the same length by name, for dicts. Either these or ``args``.

    Raises:
        ValueError: if both or none are given, or the lengths differ.
    """

    datasets: Any

    def __init__(self, *args: Dataset[Any], **kwargs: Dataset[Any]) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError(
                "StackDataset: datasets must be given by position (samples are tuples) or by name "
                f"(samples are dicts), got {len(args)} by position and {len(kwargs)} by name"
            )
        self.datasets = args or kwargs
        lengths = [_length(d) for d in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: datasets must have the same length, got {lengths}")
        self._length = lengths[0]

    def _joined(self, parts: list[Any]) -> Any:
        """Parts of a sample, one from each dataset, as a sample."""
        named = isinstance(self.datasets, dict)
        return dict(zip(self.datasets, parts, strict=True)) if named else tuple(parts)

    def _sources(self) -> Iterable[Any]:
        return self.datasets.values() if isinstance(self.datasets, dict) else self.datasets

    def __getitem__(self, index: Any) -> Any:
        return self._joined([dataset[index] for dataset in self._sources()])

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        columns = [samples_at(dataset, indices) for dataset in self._sources()]
        for dataset, column in zip(self._sources(), columns, strict=True):
            if len(column) != len(indices):
                raise ValueError(
                    f"StackDataset: __getitems__ of {type(dataset).__name__} must give "
                    f"{len(indices)} samples, got {len(column)}"
                )
        return [self._joined(list(parts)) for parts in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return self._length


def _take_rows(t: Tensor, rows: np.ndarray) -> Tensor:
    """``t[rows]``, without the cost of an op where no gradient flows."""
    if t.requires_grad:
        return t[rows]
    return from_numpy(t.numpy().take(rows, axis=0))


class Subset(Dataset[T_co]):
    """The samples of ``dataset`` at ``indices``.

    Args:
        dataset: where the samples come from.
        indices: sample ``i`` of the subset is sample ``indices[i]`` of ``dataset``.
    """

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> Any:
        return samples_at(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[T_co]):
    """The samples of several datasets, one dataset after the other.

    Attributes:
        cumulative_sizes: where each dataset ends.

    Raises:
        AssertionError: if there is no dataset, or one has no length (an IterableDataset).
    """

    datasets: list[Dataset[T_co]]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("ConcatDataset: datasets must hold at least one, got none")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise AssertionError(
                "ConcatDataset: datasets must have a length, got an IterableDataset; "
                "use ChainDataset"
            )
        self.cumulative_sizes = list(itertools.accumulate(map(_length, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T_co:
        position = index + len(self) if index < 0 else index
        if position < 0:
            raise ValueError(
                f"ConcatDataset: index {index} is out of range for {len(self)} samples"
            )
        if position >= len(self):
            raise IndexError(
                f"ConcatDataset: index {index} is out of range for {len(self)} samples"
            )
        which = bisect.bisect_right(self.cumulative_sizes, position)
        start = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][position - start]


class ChainDataset(IterableDataset[T_co]):
    """The samples of several IterableDatasets, one stream after the other."""

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[T_co]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(
                    f"ChainDataset: datasets must be IterableDatasets, got {type(dataset).__name__}"
                )
            yield from dataset

    def __len__(self) -> int:
        return sum(map(_length, self.datasets))


def random_split(
    dataset: Dataset[T_co],
    lengths: Sequence[int | float],
    generator: Generator | None = default_generator,
) -> list[Subset[T_co]]:
    """Split into random subsets that do not overlap.

    Args:
        dataset: what to split.
        lengths: the sizes of the subsets; or fractions that add up to 1, of which each is rounded
            down and what is left over goes one by one to the first subsets.
        generator: where the random order comes from. Default: the default generator.

    Raises:
        ValueError: if a fraction is not in [0, 1] or the lengths don't add up to the dataset's.
        TypeError: if lengths that are no fractions are no integers.
    """
    size = _length(dataset)
    total = sum(lengths)
    if math.isclose(total, 1) and total <= 1:
        sizes = _sizes_of_fractions(size, lengths)
    elif total == size and min(lengths, default=0) >= 0:
        sizes = [operator.index(length) for length in cast(Sequence[int], lengths)]
    else:
        raise ValueError(
            f"random_split: lengths must be >= 0 and add up to the length of the dataset "
            f"({size}), got {list(lengths)}, which add up to {total}"
        )
    order = randperm(size, generator=generator).tolist()
    ends = itertools.accumulate(sizes)
    return [Subset(dataset, order[end - n : end]) for end, n in zip(ends, sizes, strict=True)]


def _sizes_of_fractions(size: int, fractions: Sequence[float]) -> list[int]:
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(
                f"random_split: lengths[{i}] must be a fraction in [0, 1], got {fraction}"
            )
    sizes = [math.floor(size * fraction) for fraction in fractions]
    for i in range(size - sum(sizes)):
        sizes[i % len(sizes)] += 1
    for i, n in enumerate(sizes):
        if n == 0:
            warnings.warn(f"random_split: subset {i} is empty", stacklevel=3)
    return sizes
