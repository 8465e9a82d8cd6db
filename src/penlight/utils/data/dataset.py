"""Datasets: samples by index or as a stream, and ways to combine, cut and split them."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from penlight._core.random import Generator
from penlight.tensor import Tensor
from penlight.tensor.random import randperm

__all__ = [
    "Batch", "ChainDataset", "ConcatDataset", "Dataset", "IterableDataset", "Subset",
    "TensorDataset", "random_split",
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


class Batch(Sequence[tuple[Any, ...]]):
    """Samples that already lie together: to a ``collate_fn`` a sequence of samples as any other,
    while ``default_collate`` takes :attr:`columns` as they are.

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


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """Samples as a stream: a subclass defines ``__iter__()``.

    With several workers each of them has a copy and iterates over it; to share the work
    ``__iter__`` looks at :func:`get_worker_info`.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__()")

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
        return Batch(t[rows] for t in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].size(0)  # type: ignore[no-any-return]


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
        chosen = [self.indices[i] for i in indices]
        whole = getattr(self.dataset, "__getitems__", None)
        return whole(chosen) if callable(whole) else [self.dataset[i] for i in chosen]

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
        self.cumulative_sizes = list(itertools.accumulate(len(d) for d in self.datasets))  # type: ignore[arg-type]

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
        return sum(len(dataset) for dataset in self.datasets)  # type: ignore[arg-type]


def random_split(
    dataset: Dataset[T_co], lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[T_co]]:
    """Split into random subsets that do not overlap.

    Args:
        dataset: what to split.
        lengths: the sizes of the subsets; or fractions that add up to 1, of which each is rounded
            down and what is left over goes one by one to the first subsets.
        generator: where the random order comes from. Default: the default generator.

    Raises:
        ValueError: if a fraction is not in [0, 1] or the lengths don't add up to the dataset's.
    """
    size = len(dataset)  # type: ignore[arg-type]
    total = sum(lengths)
    if math.isclose(total, 1) and total <= 1:
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ValueError(
                    f"random_split: lengths[{i}] must be a fraction in [0, 1], got {fraction}"
                )
        lengths = [math.floor(size * fraction) for fraction in lengths]
        for i in range(size - sum(lengths)):
            lengths[i % len(lengths)] += 1
        for i, length in enumerate(lengths):
            if length == 0:
                warnings.warn(f"random_split: subset {i} is empty", stacklevel=2)
    if sum(lengths) != size:
        raise ValueError(
            f"random_split: lengths must add up to the length of the dataset ({size}), "
            f"got {list(lengths)}, which add up to {sum(lengths)}"
        )
    order = randperm(size, generator=generator).tolist()
    ends = list(itertools.accumulate(int(length) for length in lengths))
    return [
        Subset(dataset, order[end - int(length) : end])
        for end, length in zip(ends, lengths, strict=True)
    ]
