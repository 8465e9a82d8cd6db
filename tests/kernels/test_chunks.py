"""The chunk runner: everything once, errors kept, memory reused."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import chunks


@pytest.fixture(autouse=True, params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = get_num_threads()
    set_num_threads(request.param)
    yield request.param
    set_num_threads(before)


def test_every_chunk_runs_once() -> None:
    done: list[int] = []
    chunks.run(done.append, 100)
    assert sorted(done) == list(range(100))
    chunks.run(done.append, 0)
    assert len(done) == 100


def test_not_parallel_stays_in_this_thread_and_order() -> None:
    done: list[tuple[int, int]] = []
    chunks.run(lambda i: done.append((i, threading.get_ident())), 5, parallel=False)
    assert done == [(i, threading.get_ident()) for i in range(5)]


def test_several_threads_work(threads: int) -> None:
    seen = set()

    def task(i: int) -> None:
        seen.add(threading.get_ident())
        time.sleep(0.01)

    chunks.run(task, 20)
    assert len(seen) <= threads
    if threads > 1 and chunks.blas_is_controlled():
        assert len(seen) > 1


@pytest.mark.parametrize("error", [ValueError, IndexError, KeyboardInterrupt])
def test_an_error_is_raised_once_all_have_stopped(error: type[BaseException]) -> None:
    running = [0]

    def task(i: int) -> None:
        running[0] += 1
        time.sleep(0.001)
        running[0] -= 1
        if i == 7:
            raise error("chunk 7")

    with pytest.raises(error, match="chunk 7"):
        chunks.run(task, 50)
    assert running == [0]
    done: list[int] = []
    chunks.run(done.append, 10)  # and the runner still works
    assert sorted(done) == list(range(10))


def test_runs_may_nest_and_overlap() -> None:
    done: list[int] = []

    def outer(i: int) -> None:
        chunks.run(lambda j: done.append(10 * i + j), 5)

    callers = [threading.Thread(target=chunks.run, args=(outer, 4)) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
        assert not caller.is_alive()
    assert sorted(done) == sorted([10 * i + j for i in range(4) for j in range(5)] * 3)


def test_scratch_is_reused_by_its_thread_alone() -> None:
    first = chunks.scratch("test", (3, 4), np.float32)
    smaller = chunks.scratch("test", (2, 3), np.float64)
    assert np.shares_memory(first, smaller)
    assert smaller.flags.c_contiguous
    assert not np.shares_memory(first, chunks.scratch("other", (3, 4), np.float32))
    elsewhere: list[np.ndarray] = []
    thread = threading.Thread(
        target=lambda: elsewhere.append(chunks.scratch("test", (3, 4), np.float32))
    )
    thread.start()
    thread.join()
    assert not np.shares_memory(first, elsewhere[0])
    assert chunks.scratch("test", (1000,), np.float32).size == 1000
    large = chunks.scratch("test", (chunks._KEPT + 1,), np.uint8)
    assert not np.shares_memory(large, chunks.scratch("test", (chunks._KEPT + 1,), np.uint8))


def test_ranges() -> None:
    assert chunks.ranges(7, 3) == [(0, 3), (3, 6), (6, 7)]
    assert chunks.ranges(6, 3) == [(0, 3), (3, 6)]
    assert chunks.ranges(0, 3) == []


def _in_child(queue: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    done: list[tuple[int, int]] = []

    def task(i: int) -> None:
        done.append((i, threading.get_ident()))
        time.sleep(0.01)

    chunks.run(task, 10)
    queue.put((sorted(i for i, _ in done), len({thread for _, thread in done})))


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_starts_threads_of_its_own(threads: int) -> None:
    chunks.run(lambda i: time.sleep(0.001), 10)  # the parent has its threads now
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    done, working = queue.get(timeout=30)
    child.join(30)
    assert child.exitcode == 0
    assert done == list(range(10))
    assert working > 1 or threads == 1 or not chunks.blas_is_controlled()
