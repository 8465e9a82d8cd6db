"""DataLoader with worker processes and threads: order, errors, deaths, and what is left behind."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import penlight
from penlight.utils.data import DataLoader, IterableDataset, TensorDataset, get_worker_info

FORK = "fork" in multiprocessing.get_all_start_methods()
PROCESS = "fork" if FORK else "spawn"  # the fastest to start
CONTEXTS = [PROCESS, "thread"]
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")

both = pytest.mark.parametrize("context", CONTEXTS)
needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")


def loader(dataset, batch_size=1, workers=2, context=PROCESS, **options):
    return DataLoader(
        dataset, batch_size, num_workers=workers, multiprocessing_context=context, **options
    )


def lists(batches):
    return [batch.tolist() for batch in batches]


def children():
    return [p for p in multiprocessing.active_children() if "penlight-loader" in p.name]


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("penlight-loader")]


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    yield
    if children() or threads():
        gc.collect()  # an exception that pytest keeps may lead to the iterator
    assert not children()
    assert not threads()


class Slow:
    """Sample i is i; the first samples take longest, so that later batches overtake them."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        time.sleep(0.02 if index % 4 == 0 else 0)
        return index


@pytest.mark.parametrize("context", [*CONTEXTS, "spawn", "forkserver"])
def test_the_same_batches_as_without_workers(context):
    if context not in (*multiprocessing.get_all_start_methods(), "thread"):
        pytest.skip(f"{context} is not available here")
    images = penlight.tensor(np.arange(7 * 100 * 100, dtype=np.float32).reshape(7, 100, 100))
    dataset = TensorDataset(images, penlight.tensor(list(range(7))))
    batches = {}
    for workers, how in ((0, None), (2, context)):
        penlight.manual_seed(3)
        batches[workers] = list(loader(dataset, 3, workers, how, shuffle=True))
    assert len(batches[2]) == 3
    for (x, y), (a, b) in zip(batches[0], batches[2], strict=True):
        np.testing.assert_array_equal(x.numpy(), a.numpy())
        assert y.tolist() == b.tolist()
        a += 1  # memory of the batch's own
        assert x.dtype is a.dtype


@both
def test_batches_come_in_order(context):
    expected = [[i, i + 1] for i in range(0, 12, 2)]
    assert lists(loader(Slow(), 2, 3, context)) == expected
    assert lists(loader(Slow(), 2, 3, context, prefetch_factor=0)) == expected
    assert lists(loader(Slow(), 2, 1, context, prefetch_factor=9)) == expected
    assert lists(loader(range(0), 2, 3, context)) == []


@both
def test_batches_as_they_are_ready(context):
    batches = lists(loader(Slow(), 2, 3, context, in_order=False))
    assert sorted(batches) == [[i, i + 1] for i in range(0, 12, 2)]


class Waiting:
    """Sample 0 is not ready before the others have been asked for."""

    def __init__(self):
        self.asked = threading.Semaphore(0)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index:
            self.asked.release()
            return index
        for _ in range(3):
            assert self.asked.acquire(timeout=10)
        return index


def test_what_is_ready_first_comes_first():
    batches = loader(Waiting(), 1, 2, "thread", in_order=False, prefetch_factor=1)
    assert lists(batches) == [[1], [2], [3], [0]]


class Asked:
    def __init__(self):
        self.count = 0

    def __len__(self):
        return 100

    def __getitem__(self, index):
        self.count += 1
        return index


def test_batches_are_made_ahead():
    dataset = Asked()
    epoch = iter(loader(dataset, 2, 1, "thread", prefetch_factor=3))
    deadline = time.monotonic() + 10
    while dataset.count < 6 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert dataset.count == 6
    next(epoch)
    while dataset.count < 8 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert dataset.count == 8


# -- random numbers --------------------------------------------------------------------------


class Draws:
    def __len__(self):
        return 4

    def __getitem__(self, index):
        info = get_worker_info()
        return penlight.rand(2).tolist(), random.random(), np.random.rand(), info.seed, info.id  # noqa: NPY002


def drawn(context, seed, epochs=1, **options):
    penlight.manual_seed(seed)
    batches = loader(Draws(), 1, 2, context, collate_fn=list, **options)
    return [sample for _ in range(epochs) for (sample,) in batches]


@both
def test_workers_draw_what_the_seed_says(context):
    samples = drawn(context, 1)
    assert [s[4] for s in samples] == [0, 1, 0, 1]
    assert samples[1][3] == samples[0][3] + 1
    expected = [penlight.Generator().manual_seed(s[3]) for s in samples[:2]]
    assert [s[0] for s in samples[:2]] == [penlight.rand(2, generator=g).tolist() for g in expected]
    assert len({tuple(s[0]) for s in samples}) == 4
    kept = slice(None) if context != "thread" else slice(0, 1)  # Python's and NumPy's are shared
    assert [s[kept] for s in drawn(context, 1)] == [s[kept] for s in samples]
    assert [s[0] for s in drawn(context, 2)] != [s[0] for s in samples]


@both
def test_persistent_workers_draw_the_same_as_others(context):
    once = [s[0] for s in drawn(context, 1, epochs=2)]
    assert once[:4] != once[4:]
    assert [s[0] for s in drawn(context, 1, epochs=2, persistent_workers=True)] == once


def test_threads_leave_the_main_threads_stream_alone():
    penlight.manual_seed(1)
    epoch = iter(loader(Draws(), 1, 2, "thread", collate_fn=list))
    expected = penlight.Generator()
    expected.set_state(penlight.get_rng_state())
    list(epoch)
    assert penlight.rand(3).tolist() == penlight.rand(3, generator=expected).tolist()
    assert get_worker_info() is None


# -- who the workers are ---------------------------------------------------------------------


class Info:
    def __len__(self):
        return 4

    def __getitem__(self, index):
        info = get_worker_info()
        assert info.dataset is self
        try:
            info.id = 3
        except RuntimeError as error:
            return info.id, info.num_workers, str(error), repr(info)
        raise AssertionError("WorkerInfo can be changed")


@both
def test_worker_info(context):
    assert get_worker_info() is None
    samples = list(loader(Info(), None, 2, context))
    assert [s[:2] for s in samples] == [[0, 2], [1, 2]] * 2
    assert samples[0][2] == "WorkerInfo: id can't be set; it says how the worker is"
    assert samples[0][3].startswith("WorkerInfo(id=0, num_workers=2, seed=")


class Number:
    def __init__(self):
        self.numbers = []
        self.threads = set()

    def initialise(self, worker):
        get_worker_info().dataset.numbers.append(worker)

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return tuple(self.numbers), os.getpid()


@both
def test_init_function_and_persistence(context):
    dataset = Number()
    kept = loader(
        dataset, None, 2, context, worker_init_fn=dataset.initialise, persistent_workers=True
    )
    first, second = list(kept), list(kept)
    assert len(first) == 6
    if context == "thread":
        assert sorted(dataset.numbers) == [0, 1]
        assert len(threads()) == 2
    else:
        assert [s[0] for s in first] == [s[0] for s in second] == [[0], [1]] * 3
        assert [s[1] for s in first] == [s[1] for s in second]
        assert len(children()) == 2
        assert {s[1] for s in first} == {p.pid for p in children()}


@both
def test_an_epoch_cut_short_does_not_reach_into_the_next(context):
    kept = loader(range(20), 2, 2, context, persistent_workers=True, shuffle=True)
    alone = DataLoader(range(20), 2, shuffle=True)
    for stop in (1, 2, 4, 99):
        penlight.manual_seed(stop)
        expected = lists(alone)[:stop]
        penlight.manual_seed(stop)
        assert lists(itertools.islice(kept, stop)) == expected


class Endless(IterableDataset):
    def __iter__(self):
        return itertools.count()


@both
def test_a_stream_cut_short_starts_anew(context):
    kept = loader(Endless(), 2, 1, context, persistent_workers=True)
    for stop in (1, 3, 5):
        assert lists(itertools.islice(kept, stop)) == [[2 * i, 2 * i + 1] for i in range(stop)]


class Handlers:
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)


def test_worker_processes_leave_ctrl_c_to_the_main_process():
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # as one that saves a checkpoint
    try:
        ((interrupt, terminate),) = loader(Handlers(), None, 1)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (interrupt, terminate) == (signal.SIG_IGN, signal.SIG_DFL)


# -- streams ---------------------------------------------------------------------------------


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        if info is None:
            return iter(range(self.n))
        return iter(range(info.id, self.n, info.num_workers))


@both
@pytest.mark.parametrize("n", [0, 1, 2, 7, 12])
@pytest.mark.parametrize("in_order", [True, False])
def test_streams_are_shared_out(context, n, in_order):
    batches = lists(loader(Stream(n), 2, 3, context, in_order=in_order))
    assert sorted(i for batch in batches for i in batch) == list(range(n))
    if in_order:
        assert batches == lists(loader(Stream(n), 2, 3, context))


@both
def test_every_worker_drops_its_last_batch(context):
    kept = loader(Stream(7), 2, 2, context, drop_last=True, persistent_workers=True)
    assert lists(kept) == lists(kept) == [[0, 2], [1, 3], [4, 6]]


@pytest.mark.parity
def test_batches_of_streams_are_pytorchs(torch):
    class Theirs(torch.utils.data.IterableDataset):
        def __iter__(self):
            info = torch.utils.data.get_worker_info()
            return iter(range(info.id, 11, info.num_workers))

    theirs = torch.utils.data.DataLoader(
        Theirs(), 2, num_workers=2, multiprocessing_context=PROCESS
    )
    assert lists(theirs) == lists(loader(Stream(11), 2, 2))


# -- errors ----------------------------------------------------------------------------------


class DemandingError(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


class Failing:
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 6

    def __getitem__(self, index):
        if index == 3:
            self.fail()
        return index

    def fail(self):
        raise self.error


@both
@pytest.mark.parametrize(
    "error", [KeyError("key"), DemandingError("one", "two"), OSError(2, "gone", "a.png")]
)
def test_an_error_keeps_its_type_message_and_traceback(context, error):
    epoch = iter(loader(Failing(error), 1, 2, context))
    assert lists([next(epoch), next(epoch), next(epoch)]) == [[0], [1], [2]]
    with pytest.raises(type(error)) as caught:
        next(epoch)
    assert str(caught.value) == str(error)
    text = "".join(caught.value.__notes__) if context != "thread" else ""
    if context == "thread":
        assert "fail" in [entry.name for entry in caught.traceback]
    else:
        assert "DataLoader worker process 1 (pid " in text
        assert "in fail\n    raise self.error" in text
    if isinstance(error, OSError):
        assert (caught.value.errno, caught.value.filename) == (2, "a.png")
    assert lists(epoch) == [[4], [5]]


def test_an_error_that_can_not_be_pickled_tells_its_name():
    class LocalError(Exception):
        pass

    with pytest.raises(RuntimeError, match=r"LocalError: no") as caught:
        list(loader(Failing(LocalError("no")), 1, 2))
    assert "raise self.error" in caught.value.__notes__[0]


class Unpicklable:
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return threading.Lock()


@pytest.mark.skipif(not FORK, reason="the collate function is local")
def test_a_batch_that_can_not_be_pickled_is_an_error():
    with pytest.raises(TypeError, match="pickle"):
        list(loader(Unpicklable(), 1, 1, collate_fn=list))


class Exploding:
    def __reduce__(self):
        return explode, ()


def explode():
    raise ValueError("boom")


class Explosive(Unpicklable):
    def __getitem__(self, index):
        return Exploding()


def test_a_batch_that_can_not_be_read_is_an_error():
    with pytest.raises(RuntimeError, match=r"batch from worker process 0 can't be read.*boom"):
        next(iter(loader(Explosive(), None, 1)))


def init_that_fails(worker):
    raise LookupError(f"worker {worker} can't")


@both
def test_errors_of_the_init_function(context):
    epoch = iter(loader(range(4), 1, 1, context, worker_init_fn=init_that_fails))
    with pytest.raises(LookupError, match="worker 0 can't"):
        next(epoch)
    with pytest.raises(RuntimeError, match="failed to start"):
        next(epoch)


class BadStream(IterableDataset):
    def __iter__(self):
        yield 1
        raise LookupError("the stream broke")


@both
def test_errors_of_streams(context):
    epoch = iter(loader(BadStream(), None, 1, context))
    assert next(epoch) == 1
    with pytest.raises(LookupError, match="the stream broke"):
        next(epoch)


class StopsIteration(Failing):
    def fail(self):
        raise StopIteration


@both
def test_a_stop_iteration_does_not_end_the_epoch(context):
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(loader(StopsIteration(None), 1, 2, context))


@both
def test_errors_of_the_sampler(context):
    def sampler():
        yield 1
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        list(loader(range(4), 1, 2, context, sampler=sampler()))


class Sleeping:
    def __len__(self):
        return 2

    def __getitem__(self, index):
        time.sleep(0.5)
        return index


@both
def test_timeout(context):
    epoch = iter(loader(Sleeping(), 1, 1, context, timeout=0.05))
    with pytest.raises(RuntimeError, match=r"within 0\.05 seconds"):
        next(epoch)
    with pytest.raises(RuntimeError, match="stopped after an error"):
        next(epoch)


# -- deaths ----------------------------------------------------------------------------------


class Dying(Failing):
    def __init__(self, how):
        self.how = how

    def fail(self):
        if self.how == "exit":
            sys.exit(7)
        if self.how == "_exit":
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)


@needs_signals
@pytest.mark.parametrize("context", [PROCESS, "spawn"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_worker_is_named(context, workers):
    epoch = iter(loader(Dying("kill"), 1, workers, context))
    with pytest.raises(RuntimeError, match=r"pid \d+\) ended unexpectedly: killed by SIGKILL"):
        list(epoch)
    assert not children()
    with pytest.raises(RuntimeError, match="stopped after an error"):
        next(epoch)


@pytest.mark.parametrize(("how", "code"), [("exit", 7), ("_exit", 0)])
def test_a_worker_that_ends_is_named(how, code):
    with pytest.raises(RuntimeError, match=rf"worker process 1 \(pid \d+\).*exit code {code}"):
        list(loader(Dying(how), 1, 2))


@needs_signals
def test_killed_from_outside_while_the_main_process_waits():
    epoch = iter(loader(Sleeping(), 1, 1))
    (child,) = children()
    threading.Timer(0.05, os.kill, (child.pid, signal.SIGKILL)).start()
    with pytest.raises(RuntimeError, match=rf"\(pid {child.pid}\).*SIGKILL"):
        next(epoch)


@needs_signals
def test_new_workers_after_persistent_ones_died():
    kept = loader(range(4), 2, 1, persistent_workers=True)
    assert lists(kept) == [[0, 1], [2, 3]]
    (child,) = children()
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="SIGKILL"):
        list(kept)
    assert lists(kept) == [[0, 1], [2, 3]]


def test_a_worker_thread_that_calls_exit():
    with pytest.raises(SystemExit):
        list(loader(Dying("exit"), 1, 2, "thread"))


# -- what is left behind ---------------------------------------------------------------------


@both
def test_dropping_an_iterator_ends_its_workers(context):
    epoch = iter(loader(Slow(), 1, 2, context))
    next(epoch)
    assert children() or threads()
    del epoch
    assert not children()
    assert not threads()


@both
def test_leaving_the_loop_ends_the_workers(context):
    for _ in loader(range(100), 1, 2, context):
        break
    assert not children()
    assert not threads()


def test_dropping_a_loader_ends_its_persistent_workers():
    kept = loader(range(4), 2, 2, persistent_workers=True)
    list(kept)
    assert len(children()) == 2
    del kept
    assert not children()


class Big:
    def __len__(self):
        return 50

    def __getitem__(self, index):
        return np.full((1000, 1000), index, np.float32)  # more than a pipe holds


def test_workers_stop_with_batches_in_the_pipe():
    began = time.monotonic()
    for _ in range(3):
        epoch = iter(loader(Big(), 1, 2, prefetch_factor=1))
        assert next(epoch)[0, 0, 0] == 0
        del epoch
    assert time.monotonic() - began < 5  # nobody had to be killed
    assert not children()


def test_no_files_stay_open():
    list(loader(range(4)))
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    for _ in range(5):
        list(loader(range(4)))
        iter(loader(range(4)))
    gc.collect()
    after = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    assert after == before


def test_workers_that_can_not_start_leave_none_behind():
    with pytest.raises(Exception, match=r"pickle|local object"):
        iter(loader(Unpicklable(), 1, 2, "spawn", collate_fn=lambda batch: batch))
    assert not children()


PROGRAM = """
import os, sys, time
from penlight.utils.data import DataLoader

class Slow:
    def __len__(self):
        return 1000

    def __getitem__(self, index):
        time.sleep(0.01)
        return os.getpid()

if __name__ == "__main__":
    for batch in DataLoader(Slow(), 1, num_workers=2, multiprocessing_context={context!r}):
        print(batch.item(), flush=True)
"""


def run_until_two_batches(tmp_path, context, kill):
    """Start a program, end it by ``kill(process)`` after two batches; its errors and workers."""
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(PROGRAM.format(context=context)))
    process = subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    try:
        workers = [int(process.stdout.readline()) for _ in range(2)]
        kill(process)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    return process.returncode, errors, set(workers) - {process.pid}


def exists(pid):
    """Whether the process runs; whoever adopted it may not have noted its end yet."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@needs_signals
@pytest.mark.parametrize("context", CONTEXTS)
def test_ctrl_c(tmp_path, context):
    code, errors, workers = run_until_two_batches(
        tmp_path, context, lambda process: os.killpg(process.pid, signal.SIGINT)
    )
    assert code != 0
    assert errors.count("Traceback") == 1, errors
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert not any(exists(pid) for pid in workers)


@needs_signals
@pytest.mark.skipif(not os.path.exists("/proc"), reason="looks into /proc")
def test_workers_end_when_the_main_process_is_killed(tmp_path):
    _, errors, workers = run_until_two_batches(tmp_path, PROCESS, lambda process: process.kill())
    assert len(workers) == 2
    deadline = time.monotonic() + 10
    while any(exists(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(exists(pid) for pid in workers)
    assert "Traceback" not in errors
