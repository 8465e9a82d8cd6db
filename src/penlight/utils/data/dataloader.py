"""``DataLoader``: batches of a dataset, in order or shuffled, made here or ahead by workers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from penlight._core.random import Generator
from penlight.utils.data.collate import default_collate, default_convert
from penlight.utils.data.dataset import Dataset, IterableDataset
from penlight.utils.data.fetch import Source
from penlight.utils.data.iterators import LoaderIterator, SingleIterator, WorkerIterator
from penlight.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

__all__ = ["DataLoader"]

T_co = TypeVar("T_co", covariant=True)

_FIXED = {"batch_size", "batch_sampler", "dataset", "drop_last", "persistent_workers", "sampler"}


class _Endless(Sampler[None]):
    """Asks a stream for one more sample, again and again."""

    def __iter__(self) -> Any:
        while True:
            yield None


class DataLoader(Generic[T_co]):
    """An iterable over the batches of a dataset; each ``iter(loader)`` is one epoch.

    An epoch first draws a seed from the generator and then its order, both at once: a generator
    put back to the state it had before repeats the epoch, with any number of workers. Worker ``i``
    seeds the default generator (a worker process also those of Python and NumPy) with that seed
    plus ``i``, in every epoch.

    An exception in a worker is raised here, with the worker's traceback in a note. If a worker
    process is killed, a RuntimeError names it. Workers end with the epoch, or when the iterator is
    dropped; then they get some seconds to finish their batch.

    Args:
        dataset: a map-style dataset, or an IterableDataset.
        batch_size: samples per batch; ``None`` gives single samples. Default: 1.
        shuffle: whether each epoch has a new random order. Default: False.
        sampler: an iterable of indices, instead of ``shuffle``.
        batch_sampler: an iterable of lists of indices, instead of ``batch_size``, ``shuffle``,
            ``sampler`` and ``drop_last``.
        num_workers: how many workers make batches ahead; 0 makes them here when they are asked
            for. Default: 0.
        collate_fn: makes a batch of a list of samples. Default: ``default_collate``, and without
            batches ``default_convert``.
        pin_memory, pin_memory_device: accepted for PyTorch's sake; there is no GPU to pin for.
        drop_last: whether to leave out a last batch that is not full. Default: False.
        timeout: the longest time in seconds to wait for a worker's batch; 0 is forever.
        worker_init_fn: called once in every worker with its number, after seeding.
        multiprocessing_context: how workers are made. ``"fork"``, ``"spawn"``, ``"forkserver"`` or
            a context of ``multiprocessing``: as processes. ``"thread"``: as threads of this
            process, which share the dataset and start at once; they suit datasets that read files
            or leave the work to NumPy, for that goes on in parallel, and pure Python does not.
            Default: processes, as Python starts them by default.
        generator: where seed and order come from. Default: the default generator.
        prefetch_factor: how many batches per worker are made ahead. Default: 2.
        persistent_workers: keep workers, and their copies of the dataset, between epochs.
        in_order: False gives batches as they are ready, in an order that may differ each time.

    Raises:
        ValueError: for arguments that exclude each other or are out of range.
        TypeError: for a ``multiprocessing_context`` of another type.

    Example:
        >>> dataset = TensorDataset(torch.arange(5))
        >>> [batch for (batch,) in DataLoader(dataset, batch_size=2)]
        [tensor([0, 1]), tensor([2, 3]), tensor([4])]
    """

    dataset: Dataset[T_co]
    batch_size: int | None
    drop_last: bool
    sampler: Any
    batch_sampler: Any
    generator: Generator | None
    promised_length: int | None = None
    _complete = False

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        self.dataset = dataset
        self._set_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.multiprocessing_context = multiprocessing_context
        self.worker_init_fn = worker_init_fn
        self.in_order = in_order
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.generator = generator

        self._check_sampling(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if sampler is None:
            sampler = self._default_sampler(bool(shuffle))
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        batched = batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if batched else default_convert)
        self._iterator: WorkerIterator | None = None
        self._complete = True

    # -- arguments ---------------------------------------------------------------------------

    def _set_workers(
        self, num_workers: int, timeout: float, prefetch_factor: int | None, persistent: bool
    ) -> None:
        if num_workers < 0:
            raise ValueError(f"DataLoader: num_workers must be >= 0, got {num_workers}")
        if timeout < 0:
            raise ValueError(f"DataLoader: timeout must be >= 0, got {timeout}")
        if prefetch_factor is not None and num_workers == 0:
            raise ValueError(
                f"DataLoader: prefetch_factor (={prefetch_factor}) needs workers, got num_workers=0"
            )
        if prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError(f"DataLoader: prefetch_factor must be >= 0, got {prefetch_factor}")
        if persistent and num_workers == 0:
            raise ValueError("DataLoader: persistent_workers needs workers, got num_workers=0")
        self.num_workers = num_workers
        self.timeout = timeout
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent

    @property
    def multiprocessing_context(self) -> Any:
        """How workers are made: ``"thread"``, a context of ``multiprocessing``, or ``None``."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None and self.num_workers == 0:
            raise ValueError(
                "DataLoader: multiprocessing_context needs workers, got num_workers=0 and "
                f"multiprocessing_context={context!r}"
            )
        self._context = context if context in (None, "thread") else _process_context(context)

    def _check_sampling(
        self, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool
    ) -> None:
        if self._stream:
            options = {
                "shuffle": shuffle or None,
                "sampler": sampler,
                "batch_sampler": batch_sampler,
            }
            for name, value in options.items():
                if value is not None:
                    raise ValueError(
                        f"DataLoader: an IterableDataset decides its order itself, got {name}="
                        f"{value!r}; leave it out"
                    )
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: give either sampler or shuffle=True, got both")
        if batch_sampler is not None and (
            batch_size != 1 or shuffle or sampler is not None or drop_last
        ):
            raise ValueError(
                "DataLoader: batch_sampler excludes batch_size, shuffle, sampler and drop_last, got "
                f"batch_size={batch_size}, shuffle={shuffle}, sampler={sampler}, "
                f"drop_last={drop_last}"
            )
        if batch_size is None and drop_last:
            raise ValueError("DataLoader: drop_last=True needs batches, got batch_size=None")

    def _default_sampler(self, shuffle: bool) -> Sampler[Any]:
        if self._stream:
            return _Endless()
        sized: Any = self.dataset
        return (
            RandomSampler(sized, generator=self.generator) if shuffle else SequentialSampler(sized)
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if self._complete and name in _FIXED:
            raise ValueError(
                f"{type(self).__name__}: {name} can't be set after the loader is made; make another"
            )
        super().__setattr__(name, value)

    # -- iteration ---------------------------------------------------------------------------

    @property
    def _stream(self) -> bool:
        return isinstance(self.dataset, IterableDataset)

    @property
    def index_sampler(self) -> Any:
        """What is iterated over: ``batch_sampler``, or ``sampler`` where there are no batches."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    @property
    def source(self) -> Source:
        """The part of the loader that workers need."""
        return Source(
            self.dataset, self._stream, self.batch_sampler is not None, self.collate_fn,
            self.drop_last,
        )  # fmt: skip

    def __iter__(self) -> LoaderIterator:
        if not self.num_workers:
            return SingleIterator(self)
        if not self.persistent_workers:
            return WorkerIterator(self)
        if self._iterator is None or self._iterator.stopped:
            self._iterator = WorkerIterator(self)
        else:
            self._iterator.restart(self)
        return self._iterator

    def __len__(self) -> int:
        """The number of batches; of a stream what its ``__len__`` lets expect."""
        if not self._stream:
            return len(self.index_sampler)
        length = len(self.dataset)  # type: ignore[arg-type]
        self.promised_length = length
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)


def _process_context(context: Any) -> BaseContext:
    import multiprocessing  # here, for few programs need it and it takes time to import

    if isinstance(context, str):
        known = multiprocessing.get_all_start_methods()
        if context not in known:
            raise ValueError(
                f"DataLoader: multiprocessing_context must be one of {[*known, 'thread']}, got "
                f"{context!r}"
            )
        return multiprocessing.get_context(context)
    if not isinstance(context, multiprocessing.context.BaseContext):
        raise TypeError(
            "DataLoader: multiprocessing_context must be a string or a context of "
            f"multiprocessing, got {context!r}"
        )
    return context
