"""Samplers: in which order, and in which batches, a dataset's samples are visited."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from penlight._core.dtypes import float64
from penlight._core.random import Generator, numpy_generator
from penlight.tensor import Tensor
from penlight.tensor.creation import as_tensor

__all__ = [
    "BatchSampler", "DistributedSampler", "RandomSampler", "Sampler", "SequentialSampler",
    "SubsetRandomSampler", "WeightedRandomSampler",
]  # fmt: skip

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """Indices, or lists of them, one after the other: a subclass defines ``__iter__()``.

    ``__len__()`` is needed only by those who ask for the loader's length.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__()")


def _check_flag(owner: str, name: str, value: Any, error: type[Exception]) -> None:
    if not isinstance(value, bool):
        raise error(f"{owner}: {name} must be True or False, got {value!r}")


def _check_positive(owner: str, name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{owner}: {name} must be a positive integer, got {value!r}")


class SequentialSampler(Sampler[int]):
    """0, 1, ... to the length of ``data_source``."""

    data_source: Sized

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """A random permutation of the indices, or indices drawn independently.

    ``iter(sampler)`` takes all it needs from the generator at once: an epoch can be repeated by
    giving the generator the state it had before.

    Args:
        data_source: the dataset; only its length is used.
        replacement: whether each index is drawn anew from all. Default: False.
        num_samples: how many indices to give; without replacement one permutation follows the
            other. Default: the dataset's length.
        generator: where the order comes from. Default: the default generator.

    Raises:
        TypeError: if ``replacement`` is not a bool.
        ValueError: if ``num_samples`` is not a positive integer, or the dataset is empty.
    """

    data_source: Sized
    replacement: bool

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        _check_flag("RandomSampler", "replacement", replacement, TypeError)
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        _check_positive("RandomSampler", "num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices an epoch has; the dataset's length now if none was given."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, count = len(self.data_source), self.num_samples
        if not n:
            raise ValueError(f"RandomSampler: data_source is empty, can't draw {count} samples")
        rng = numpy_generator(self.generator)
        if not self.replacement and count <= n:
            return iter(rng.permutation(n)[:count].tolist())
        epoch = np.random.default_rng(rng.integers(2**63))
        draw = self._independent if self.replacement else self._permutations
        return itertools.islice(draw(n, epoch), count)

    @staticmethod
    def _independent(n: int, rng: np.random.Generator) -> Iterator[int]:
        while True:
            yield from rng.integers(n, size=4096).tolist()

    @staticmethod
    def _permutations(n: int, rng: np.random.Generator) -> Iterator[int]:
        while True:
            yield from rng.permutation(n).tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order.

    Args:
        indices: what to visit.
        generator: where the order comes from. Default: the default generator.
    """

    indices: Sequence[int]

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        order = numpy_generator(self.generator).permutation(len(self.indices))
        return (self.indices[i] for i in order.tolist())

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Index ``i`` is drawn with probability ``weights[i] / sum(weights)``.

    Without replacement the draws follow each other among the indices that are left. That order is
    the order of e_i / weights[i] for independent exponential e_i, which needs no loop.

    Args:
        weights: a 1-D sequence of numbers >= 0, not all 0.
        num_samples: how many indices to give.
        replacement: whether an index can come again. Default: True.
        generator: where the draws come from. Default: the default generator.

    Raises:
        ValueError: if ``num_samples`` is not a positive integer, ``replacement`` not a bool or
            ``weights`` not 1-D.
        RuntimeError: when iterated, if a weight is negative, infinite or NaN, all are 0, or there
            are not enough of them above 0 to draw ``num_samples`` without replacement.

    Source: Efraimidis & Spirakis, "Weighted random sampling with a reservoir", 2006.
    """

    weights: Tensor
    num_samples: int
    replacement: bool

    def __init__(
        self,
        weights: Sequence[float] | Tensor,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("WeightedRandomSampler", "num_samples", num_samples)
        _check_flag("WeightedRandomSampler", "replacement", replacement, ValueError)
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.ndim != 1:
            raise ValueError(
                "WeightedRandomSampler: weights must be a 1-D sequence, got shape "
                f"{tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        weights = self.weights.numpy(force=True)
        possible = np.flatnonzero(weights)
        self._check(weights, len(possible))
        weights = weights[possible] / weights.max()
        rng = numpy_generator(self.generator)
        if self.replacement:
            ends = np.cumsum(weights)
            where = np.searchsorted(ends, rng.random(self.num_samples) * ends[-1], side="right")
            chosen = np.minimum(where, len(ends) - 1)  # rounding may reach the very end
        else:
            arrival = rng.standard_exponential(len(weights)) / weights
            chosen = np.argsort(arrival, kind="stable")[: self.num_samples]
        return iter(possible[chosen].tolist())

    def _check(self, weights: np.ndarray, possible: int) -> None:
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise RuntimeError("WeightedRandomSampler: weights must be finite numbers >= 0")
        if not possible or (not self.replacement and possible < self.num_samples):
            raise RuntimeError(
                f"WeightedRandomSampler: can't draw {self.num_samples} samples with "
                f"replacement={self.replacement} from {possible} weights above 0"
            )

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of ``batch_size`` indices taken from another sampler.

    Args:
        sampler: an iterable of indices.
        batch_size: how many indices to a list.
        drop_last: whether to leave out a last list that is not full.

    Raises:
        ValueError: if ``batch_size`` is not a positive integer or ``drop_last`` not a bool.

    Example:
        >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool
    ) -> None:
        _check_positive("BatchSampler", "batch_size", batch_size)
        _check_flag("BatchSampler", "drop_last", drop_last, ValueError)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        return self._batches(iter(self.sampler))  # the sampler draws now, not at the first batch

    def _batches(self, indices: Iterator[int]) -> Iterator[list[int]]:
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return full + (rest > 0 and not self.drop_last)


class DistributedSampler(Sampler[int]):
    """Every ``num_replicas``-th index, from the ``rank``-th on: the share of one of several programs.

    Args:
        dataset: whose indices are shared out.
        num_replicas: how many programs share them.
        rank: which of them this one is, from 0.
        shuffle: draw a new order for each epoch, the same in all programs.
        seed: of that order; equal in all programs.
        drop_last: leave the rest out, rather than repeat the first indices until the shares are equal.

    Raises:
        ValueError: if ``num_replicas`` or ``rank`` is not given (there are no process groups here that
            would know them), or the rank is out of range.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise ValueError(
                "DistributedSampler: there is no default process group here; give num_replicas and rank"
            )
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"DistributedSampler: Invalid rank {rank}, rank should be in the interval "
                f"[0, {num_replicas - 1}]"
            )
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.shuffle, self.seed, self.drop_last, self.epoch = shuffle, seed, drop_last, 0
        n = len(dataset)
        self.num_samples = n // num_replicas if drop_last else -(-n // num_replicas)
        self.total_size = self.num_samples * num_replicas

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins: each has an order of its own, which can be had again."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        order = np.arange(n)
        if self.shuffle:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(n)
        shared = np.resize(order, self.total_size)  # cut, or from the start again
        return iter(shared[self.rank :: self.num_replicas].tolist())

    def __len__(self) -> int:
        return self.num_samples
