"""Fetching: what the sampler gives (an index, or a list of them) becomes a batch."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from penlight.utils.data.collate import default_collate
from penlight.utils.data.dataset import Batch, samples_at

__all__ = ["END", "Source"]


class _End:
    def __reduce__(self) -> str:
        return "END"  # pickled by name, so that it is the same object in every process


END = _End()
"""What a stream without further samples gives instead of a batch."""


class Source(NamedTuple):
    """Where batches come from and how they are made: the part of a loader that workers need."""

    dataset: Any
    stream: bool  # an IterableDataset
    batched: bool  # the sampler gives lists of indices
    collate_fn: Callable[[Any], Any]
    drop_last: bool

    def fetcher(self) -> Callable[[Any], Any]:
        """Start an epoch: a function from what the sampler gives to a batch, or to :data:`END`."""
        return self._fetcher_of_stream() if self.stream else self.fetch_by_index

    def fetch_by_index(self, index: Any) -> Any:
        """The batch of these indices (without batches: the sample at this index)."""
        try:
            data = samples_at(self.dataset, index) if self.batched else self.dataset[index]
            if isinstance(data, Batch) and self.collate_fn is not default_collate:
                data = list(data)
            return self.collate_fn(data)
        except StopIteration as error:  # it would end the epoch early, and silently
            raise RuntimeError("DataLoader: dataset or collate_fn raised StopIteration") from error

    def _fetcher_of_stream(self) -> Callable[[Any], Any]:
        samples = iter(self.dataset)

        def fetch(index: Any) -> Any:
            if not self.batched:
                sample = next(samples, END)
                return sample if sample is END else self.collate_fn(sample)
            batch = list(itertools.islice(samples, len(index)))
            if not batch or (self.drop_last and len(batch) < len(index)):
                return END
            return self.collate_fn(batch)

        return fetch
