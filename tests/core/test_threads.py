"""The number of threads, ours and the BLAS's."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from penlight._core import threads


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


def blas_threads() -> int:
    if threads._blas is None:
        pytest.skip("not an OpenBLAS from a NumPy wheel")
    return threads._blas[0]()


def test_the_number_is_kept_and_given_to_the_blas() -> None:
    for n in (1, 2, 3):
        threads.set_num_threads(n)
        assert threads.get_num_threads() == n
        assert blas_threads() == n


@pytest.mark.parametrize("bad", [0, -1, 1.5])
def test_bad_numbers_are_refused(bad: float) -> None:
    before = threads.get_num_threads()
    with pytest.raises(RuntimeError, match="set_num_threads expects"):
        threads.set_num_threads(bad)  # type: ignore[arg-type]
    assert threads.get_num_threads() == before


@pytest.mark.parity
@pytest.mark.parametrize("bad", [0, -1, 1.5])
def test_pytorch_refuses_them_too(bad: float, torch) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RuntimeError):
        torch.set_num_threads(bad)


def test_the_blas_has_one_thread_while_chunks_run() -> None:
    threads.set_num_threads(2)
    with threads.one_blas_thread():
        assert blas_threads() == 1
        with threads.one_blas_thread():
            assert blas_threads() == 1
        assert blas_threads() == 1
        threads.set_num_threads(3)  # takes effect at the end
        assert blas_threads() == 1
    assert blas_threads() == 3


def test_it_is_given_back_after_an_error() -> None:
    threads.set_num_threads(2)
    with pytest.raises(ZeroDivisionError), threads.one_blas_thread():
        raise ZeroDivisionError
    assert blas_threads() == 2


def test_callers_may_overlap() -> None:
    threads.set_num_threads(2)
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with threads.one_blas_thread():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with threads.one_blas_thread():
        thread.start()
        assert entered.wait(10)
    assert blas_threads() == 1  # the other is still inside
    leave.set()
    thread.join()
    assert blas_threads() == 2


def test_the_environment_is_heeded() -> None:
    if threads._blas is None:
        pytest.skip("not an OpenBLAS from a NumPy wheel")
    code = "from penlight._core.threads import get_num_threads; print(get_num_threads())"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("OPENBLAS_NUM_THREADS", None)
    environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"
