"""Processes of this machine that run cells side by side, one BLAS thread each."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from penlight.studies.execute import write_outcome
from penlight.training import RunError

__all__ = ["Event", "Order", "Pool", "Worker", "cores"]

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_PATIENCE = 30.0  # seconds that processes have to write their last checkpoints


@dataclass(frozen=True)
class Order:
    """A cell to run: all that a process has to know."""

    id: str
    task: str
    settings: dict[str, Any]
    folder: str
    keep: str
    imports: tuple[str, ...] = ()

    def message(self) -> dict[str, Any]:
        """The order as plain values."""
        return {"do": "run", **vars(self), "imports": list(self.imports)}


@dataclass(frozen=True)
class Event:
    """What happened to a cell.

    Attributes:
        kind: ``"start"``, ``"progress"`` or ``"done"``.
        cell: its id.
        share: of the cell, that is done.
        state: how it stands, in a few words.
        outcome: how it ended, of ``"done"``.
    """

    kind: str
    cell: str
    share: float = 0.0
    state: str = ""
    outcome: dict[str, Any] | None = None


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Worker:
    """A process that runs one cell after another; it dies with this process.

    It is a process of its own, not a fork, so that its libraries start with one thread, and it does
    not import the program that called us.

    Args:
        log: where it writes what it prints.
        inbox: gets (worker, message) for all it says, and (worker, None) at its end.
    """

    def __init__(self, log: IO[Any], inbox: queue.Queue[tuple[Worker, dict[str, Any] | None]]):
        self.order: Order | None = None
        self._ready = False
        path = os.pathsep.join(p for p in sys.path if p)
        extra: dict[str, Any] = {} if os.name == "nt" else {"process_group": 0}  # Ctrl-C is ours
        self.process = subprocess.Popen(
            [sys.executable, "-m", "penlight.studies.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=os.environ | dict.fromkeys(_THREADS, "1") | {"PYTHONPATH": path},
            text=True,
            encoding="utf-8",
            **extra,
        )
        threading.Thread(target=self._listen, args=(inbox,), daemon=True).start()

    def _listen(self, inbox: queue.Queue[tuple[Worker, dict[str, Any] | None]]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = json.loads(line)
            self._ready = True
            inbox.put((self, message))
        self.process.wait()
        inbox.put((self, None))

    def send(self, message: dict[str, Any]) -> None:
        """Give it a message; it may be dead already, which its end will tell."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def run(self, order: Order) -> None:
        """Let it run a cell."""
        self.order = order
        self.send(order.message())

    @property
    def started(self) -> bool:
        """Whether it ever said something."""
        return self._ready

    def death(self) -> str:
        """How it ended, in words."""
        code = self.process.returncode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = "; was there enough memory?" if name == "SIGKILL" else ""
            return f"the process of this cell was ended by {name}{hint}"
        return f"the process of this cell ended with code {code}"

    def close(self) -> None:
        """Close the pipes; the process ends if it still runs."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Pool:
    """Runs cells in ``jobs`` processes.

    Args:
        jobs: how many at once.
        log: a file for what the processes print.
    """

    def __init__(self, jobs: int, log: Path) -> None:
        self.jobs, self.log = jobs, log

    def run(self, orders: Sequence[Order]) -> Generator[Event, None, None]:
        """Run all cells; a cell that fails, or whose process dies, does not stop the others.

        If this is closed or interrupted, the processes write a checkpoint of their cells and end.

        Raises:
            RunError: if processes can't be started; shows what they said.
        """
        waiting = list(reversed(orders))
        inbox: queue.Queue[tuple[Worker, dict[str, Any] | None]] = queue.Queue()
        with open(self.log, "ab") as log:
            workers = [Worker(log, inbox) for _ in range(min(self.jobs, len(orders)))]
            try:
                while workers:
                    try:
                        worker, message = inbox.get(timeout=0.2)
                    except queue.Empty:
                        continue
                    order = worker.order
                    if message is None:
                        workers.remove(worker)
                        worker.close()
                        if order is None and not worker.started:
                            raise RunError(f"study: no process could be started: {self._tail()}")
                        if order is not None:
                            yield _died(order, worker)
                        if waiting and order is not None:
                            workers.append(Worker(log, inbox))
                        continue
                    if message["event"] == "stopped":  # by a signal that was not ours
                        continue
                    if message["event"] == "progress" and order is not None:
                        yield Event("progress", order.id, message["share"], message["state"])
                        continue
                    if message["event"] == "done" and order is not None:
                        worker.order = None
                        yield Event("done", order.id, 1.0, outcome=message["outcome"])
                    if waiting:
                        worker.run(waiting.pop())
                        assert worker.order is not None
                        yield Event("start", worker.order.id)
                    elif worker.order is None:
                        worker.send({"do": "stop"})
            finally:
                _stop(workers)

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _died(order: Order, worker: Worker) -> Event:
    """A cell whose process ended by itself has failed."""
    outcome = {"status": "failed", "results": {}, "error": worker.death()}
    write_outcome(Path(order.folder), outcome)
    return Event("done", order.id, 1.0, outcome=outcome)


def _stop(workers: Sequence[Worker]) -> None:
    """Ask all to stop after a checkpoint; whoever takes too long, or a second Ctrl-C, ends it."""
    try:
        for worker in workers:
            if worker.order is not None:
                with contextlib.suppress(OSError):
                    worker.process.terminate()
            else:
                worker.send({"do": "stop"})
        deadline = time.monotonic() + _PATIENCE
        for worker in workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(max(0.0, deadline - time.monotonic()))
    finally:
        for worker in workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
            if worker.process.stdin is not None:
                with contextlib.suppress(OSError):
                    worker.process.stdin.close()
