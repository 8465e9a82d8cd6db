"""Workers: the loop that runs in a process or thread beside the training and prepares batches."""

from __future__ import annotations

import queue
import random
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penlight._core.random import Generator, manual_seed, use_in_this_thread
from penlight.utils.data.failure import Failure
from penlight.utils.data.fetch import Source

__all__ = [
    "NOTHING", "PATIENCE", "Answer", "Job", "Lost", "Mailbox", "Start", "Task", "Worker",
    "WorkerInfo", "get_worker_info",
]  # fmt: skip


class WorkerInfo:
    """Which worker this is: what :func:`get_worker_info` gives. It can't be changed.

    Attributes:
        id: 0 to ``num_workers`` - 1.
        num_workers: how many there are.
        seed: what the worker's random generators were seeded with at the start of the epoch.
        dataset: the dataset; in a process the worker's own copy of it.
    """

    __slots__ = ("dataset", "id", "num_workers", "seed")

    id: int
    num_workers: int
    seed: int
    dataset: Any

    def __init__(self, id: int, num_workers: int, seed: int, dataset: Any) -> None:
        values = {"id": id, "num_workers": num_workers, "seed": seed, "dataset": dataset}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise RuntimeError(f"WorkerInfo: {name} can't be set; it says how the worker is")

    def __repr__(self) -> str:
        return (
            f"WorkerInfo(id={self.id}, num_workers={self.num_workers}, seed={self.seed}, "
            f"dataset={self.dataset})"
        )


class _ThisThread(threading.local):
    info: WorkerInfo | None = None


_this_thread = _ThisThread()
_this_process: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Which of the loader's workers runs this code; ``None`` outside of workers.

    An IterableDataset asks it to give each worker another part of the stream.
    """
    return _this_thread.info or _this_process


class Start(NamedTuple):
    """To a worker: an epoch begins; tasks of earlier ones are void."""

    epoch: int
    seed: int


class Task(NamedTuple):
    """To a worker: prepare the batch of these indices."""

    epoch: int
    number: int
    index: Any


class Answer(NamedTuple):
    """From a worker: the batch, or ``END``, or a :class:`Failure`."""

    worker: int
    epoch: int
    number: int
    data: Any


class Lost(NamedTuple):
    """In place of an answer: one from this worker can't be read, or no more will come."""

    worker: int
    error: Exception


NOTHING = object()  # no message has come yet
PATIENCE = 5.0  # seconds that workers get to finish their batch when they are told to stop
Mailbox = queue.SimpleQueue  # of answers; unlike queue.Queue it may be used in finalizers


class Job(NamedTuple):
    """Who a worker is and what it does for as long as it lives."""

    id: int
    num_workers: int
    source: Source
    init_fn: Callable[[int], Any] | None
    threaded: bool

    def seed(self, seed: int) -> None:
        """Seed what the worker draws from: in a process Python's and NumPy's generators, too."""
        global _this_process
        info = WorkerInfo(self.id, self.num_workers, seed, self.source.dataset)
        if self.threaded:
            _this_thread.info = info
            use_in_this_thread(Generator().manual_seed(seed))
            return
        _this_process = info
        manual_seed(seed)
        random.seed(seed)
        np.random.seed(np.random.SeedSequence(seed).generate_state(4))  # noqa: NPY002


class Worker:
    """Answers tasks until it is told to stop.

    Args:
        job: who it is.
        receive: gives the next message (``Start``, ``Task``, or ``None`` for stop); called with
            False it does not wait for one but gives :data:`NOTHING`.
        send: takes an answer.
        name: what notes on errors call it; empty if errors need none.
    """

    def __init__(
        self,
        job: Job,
        receive: Callable[[bool], Any],
        send: Callable[[Answer], None],
        name: str = "",
    ) -> None:
        self.job, self.receive, self.send, self.name = job, receive, send, name
        self._initialised = False
        self._failure: Failure | None = None  # of the epoch's start; the answer to the first task
        self._fetch: Callable[[Any], Any] = _never_started

    def run(self) -> None:
        """Read all messages there are before each task: a stop or a new epoch overtakes tasks.

        Nothing that was sent may stay in a local variable: a thread's exception leads, by its
        traceback, to the iterator, which would then never be dropped.
        """
        tasks: deque[Task] = deque()
        while True:
            message = self.receive(not tasks)
            if message is None:
                return
            if isinstance(message, Start):
                tasks.clear()
                self._failure = self._caught(self._begin, message)
            elif isinstance(message, Task):
                tasks.append(message)
            else:
                self.send(self._answer(tasks.popleft()))

    def _begin(self, start: Start) -> None:
        self._fetch = _never_started
        self.job.seed(start.seed)
        if self.job.init_fn is not None and not self._initialised:
            self.job.init_fn(self.job.id)
        self._initialised = True
        self._fetch = self.job.source.fetcher()

    def _answer(self, task: Task) -> Answer:
        failure, self._failure = self._failure, None
        data = failure or self._caught(self._fetch, task.index)
        return Answer(self.job.id, task.epoch, task.number, data)

    def _caught(self, function: Callable[[Any], Any], argument: Any) -> Any:
        """The function's result, or its exception as a :class:`Failure`."""
        try:
            return function(argument)
        except BaseException as error:
            if isinstance(error, SystemExit) and not self.job.threaded:
                raise  # the process ends, and the main process tells with which exit code
            return Failure(error, self.name)


def _never_started(index: Any) -> Any:
    raise RuntimeError("DataLoader: this worker failed to start the epoch")
