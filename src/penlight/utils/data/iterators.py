"""Iterators over a loader's batches: one epoch in this process, or with workers."""

from __future__ import annotations

import itertools
import os
import queue
import time
import warnings
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from penlight._core.random import numpy_generator
from penlight.utils.data.failure import Failure
from penlight.utils.data.fetch import END
from penlight.utils.data.threads import Threads
from penlight.utils.data.worker import Answer, Job, Lost, Mailbox, Start, Task

if TYPE_CHECKING:
    from penlight.utils.data.dataloader import DataLoader
    from penlight.utils.data.processes import Processes

__all__ = ["LoaderIterator", "SingleIterator", "WorkerIterator"]

_CHECK_EVERY = 5.0  # seconds of waiting after which it is checked that all workers are alive


class LoaderIterator(Iterator[Any]):
    """What both kinds share: an epoch's seed and indices, and the count of batches."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._source = loader.source
        self._sampler = loader.index_sampler
        self._begin_epoch(loader)

    def _begin_epoch(self, loader: DataLoader[Any]) -> None:
        self._seed = int(numpy_generator(loader.generator).integers(2**63))
        self._indices = iter(self._sampler)
        self._given = 0
        self._promised: int | None = loader.promised_length

    def __next__(self) -> Any:
        batch = self._next_batch()
        self._given += 1
        if self._promised is not None and self._given > self._promised:
            warnings.warn(
                f"DataLoader: the IterableDataset said that its length is {self._promised}, but "
                f"batch {self._given} has come. With workers, __iter__ must give each of them its "
                "part of the samples: see get_worker_info()",
                stacklevel=2,
            )
            self._promised = None
        return batch

    def _next_batch(self) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._sampler)

    def __reduce__(self) -> Any:
        raise TypeError("DataLoader: an iterator can't be pickled or copied; pickle the loader")


class SingleIterator(LoaderIterator):
    """Batches made when they are asked for."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        if loader.timeout:
            raise AssertionError(
                f"DataLoader: timeout (={loader.timeout}) needs workers, got num_workers=0"
            )
        super().__init__(loader)
        self._fetch = self._source.fetcher()

    def _next_batch(self) -> Any:
        batch = self._fetch(next(self._indices))
        if batch is END:
            raise StopIteration
        return batch


class WorkerIterator(LoaderIterator):
    """Batches made ahead by workers.

    Batch ``i`` goes to the workers in turn, so that with the same seed the same worker makes the
    same batch. ``prefetch_factor`` batches per worker are on their way at any time.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._num_workers = loader.num_workers
        self._ahead = max(1, loader.num_workers * (loader.prefetch_factor or 0))
        self._timeout = loader.timeout
        self._in_order = loader.in_order
        self._persistent = loader.persistent_workers
        self._epoch = 0
        self._mailbox: Mailbox[Any] = Mailbox()
        self.stopped = False
        self._pool = self._start_pool(loader)
        self._stop = weakref.finalize(self, _stop_in_owner, self._pool, os.getpid())
        super().__init__(loader)

    def _start_pool(self, loader: DataLoader[Any]) -> Processes | Threads:
        context = loader.multiprocessing_context
        jobs = [
            Job(i, loader.num_workers, loader.source, loader.worker_init_fn, context == "thread")
            for i in range(loader.num_workers)
        ]
        if context == "thread":
            return Threads(jobs, self._mailbox)
        from penlight.utils.data.processes import Processes  # imports what few programs need

        return Processes(jobs, self._mailbox, context)

    def _begin_epoch(self, loader: DataLoader[Any]) -> None:
        super()._begin_epoch(loader)
        self._epoch += 1
        self._sent = 0  # tasks
        self._received = 0  # answers taken
        self._answers: dict[int, Answer] = {}  # that came before their turn
        self._working = list(range(self._num_workers))  # whose stream has not ended
        self._turns = itertools.cycle(range(self._num_workers))
        for worker in range(self._num_workers):
            self._pool.send(worker, Start(self._epoch, self._seed + worker))
        for _ in range(self._ahead):
            self._send_task()

    def restart(self, loader: DataLoader[Any]) -> None:
        """Begin another epoch with the same workers; they drop what is left of the last one."""
        self._begin_epoch(loader)

    def _send_task(self, to: int | None = None) -> None:
        """Have the next batch made by the worker whose turn it is, or by the one given."""
        if not self._working:
            return
        index = next(self._indices, END)
        if index is END:
            return
        if to not in self._working:
            to = next(worker for worker in self._turns if worker in self._working)
        self._pool.send(to, Task(self._epoch, self._sent, index))
        self._sent += 1

    def _next_batch(self) -> Any:
        if self.stopped and self._received < self._sent:
            raise RuntimeError("DataLoader: the workers were stopped after an error")
        while self._received < self._sent:
            answer = self._next_answer()
            self._received += 1
            if answer.data is END and answer.worker in self._working:
                self._working.remove(answer.worker)
            self._send_task(None if self._in_order else answer.worker)
            if isinstance(answer.data, Failure):
                raise answer.data.error
            if answer.data is not END:
                return answer.data
        if not self._persistent:
            self._end()
        raise StopIteration

    def _next_answer(self) -> Answer:
        """The answer whose turn it is, or any if the order doesn't matter."""
        if self._in_order and self._received in self._answers:
            return self._answers.pop(self._received)
        while True:
            answer = self._wait()
            if answer.epoch != self._epoch:
                continue
            if not self._in_order or answer.number == self._received:
                return answer
            self._answers[answer.number] = answer

    def _wait(self) -> Answer:
        deadline = time.monotonic() + self._timeout if self._timeout else float("inf")
        try:
            while True:
                patience = max(0.0, min(_CHECK_EVERY, deadline - time.monotonic()))
                try:
                    answer = self._mailbox.get(timeout=patience)
                except queue.Empty:
                    self._pool.check()
                    if time.monotonic() >= deadline:
                        raise RuntimeError(
                            f"DataLoader: timed out: no batch came within {self._timeout} seconds"
                        ) from None
                    continue
                if isinstance(answer, Lost):
                    self._pool.report(answer)
                return answer
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        self.stopped = True
        self._stop()


def _stop_in_owner(pool: Processes | Threads, owner: int) -> None:
    """End the workers, but not from a forked copy of the process that started them."""
    if os.getpid() == owner:
        pool.stop()
