"""Worker processes, each behind a pipe of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import selectors
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any

from penlight.utils.data.channel import Channel
from penlight.utils.data.failure import Failure
from penlight.utils.data.worker import NOTHING, PATIENCE, Answer, Job, Lost, Mailbox, Worker

__all__ = ["Processes"]


class Processes:
    """One process per job, each with a pipe of its own, so that none can block another by dying.

    A thread per process moves answers from the pipe to the mailbox as they come: the process can
    go on with its next batch, and batches wait ready-made in the main process.

    Args:
        jobs: what each of them does.
        mailbox: where the answers go.
        context: how they are started; ``None`` for Python's default.
    """

    def __init__(
        self, jobs: Sequence[Job], mailbox: Mailbox[Any], context: BaseContext | None
    ) -> None:
        context = context or multiprocessing.get_context()
        self._processes: list[Any] = []
        self._channels: list[Channel] = []
        self._readers: list[threading.Thread] = []
        try:
            for job in jobs:
                self._start(job, context)
            for job, channel in zip(jobs, self._channels, strict=True):
                reader = threading.Thread(
                    target=_forward, args=(channel, job.id, mailbox), daemon=True,
                    name=f"penlight-loader-reader-{job.id}",
                )  # fmt: skip
                self._readers.append(reader)
                reader.start()
        except BaseException:
            self.stop()
            raise

    def _start(self, job: Job, context: Any) -> None:
        ours, theirs = context.Pipe()
        self._channels.append(Channel(ours))
        forked = context.get_start_method() == "fork"  # a copy of everything, our ends included
        inherited = [channel.connection for channel in self._channels] if forked else []
        process = context.Process(
            target=_run_process, args=(job, theirs, inherited), daemon=True,
            name=f"penlight-loader-worker-{job.id}",
        )  # fmt: skip
        try:
            process.start()
        finally:
            theirs.close()
        self._processes.append(process)

    def send(self, worker: int, message: Any) -> None:
        """Send a message to a worker; if it is dead, that will show in the mailbox."""
        channel = self._channels[worker]
        packed = channel.pack(message)
        with contextlib.suppress(OSError):
            channel.send(packed)

    def check(self) -> None:
        """See whether all are alive.

        Raises:
            RuntimeError: if not; it names the process and how it ended.
        """
        for i, process in enumerate(self._processes):
            if not process.is_alive():
                raise RuntimeError(
                    f"DataLoader: worker process {i} (pid {process.pid}) ended unexpectedly: "
                    f"{_ending(process.exitcode)}"
                )

    def report(self, lost: Lost) -> None:
        """Raise for a worker that is lost: as :meth:`check` does, if that is because it ended."""
        if isinstance(lost.error, (EOFError, OSError)):
            self._processes[lost.worker].join(PATIENCE)
            self.check()
        raise RuntimeError(
            f"DataLoader: a batch from worker process {lost.worker} can't be read: {lost.error!r}"
        ) from lost.error

    def stop(self) -> None:
        """End all of them and wait for that; those that don't end are killed."""
        deadline = time.monotonic() + PATIENCE
        for worker in range(len(self._processes)):
            if _has_room(self._channels[worker].connection, deadline):
                self.send(worker, None)
        for process in self._processes:
            process.join(max(0.0, deadline - time.monotonic()))
        for process in self._processes:
            if process.is_alive():
                process.kill()
                process.join()
        for reader in self._readers:
            if reader is not threading.current_thread() and reader.ident is not None:
                reader.join(PATIENCE)
        for channel in self._channels:
            channel.connection.close()


def _has_room(connection: Connection, deadline: float) -> bool:
    """Wait until a short message can be sent without blocking, but not past the deadline."""
    if os.name == "nt":  # where only sockets can be waited for
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_WRITE)
        return bool(selector.select(max(0.0, deadline - time.monotonic())))


def _ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        hint = "; was there too little memory?" if name in ("SIGKILL", "SIGBUS") else ""
        return f"killed by {name} (exit code {code}){hint}"
    return f"killed by signal {-code} (exit code {code})"


def _forward(channel: Channel, worker: int, mailbox: Mailbox[Any]) -> None:
    """The reader thread: it knows only what it needs, so that the iterator can be collected."""
    while True:
        try:
            mailbox.put(channel.receive())
        except Exception as error:
            mailbox.put(Lost(worker, error))
            if isinstance(error, (EOFError, OSError)):
                return


def _run_process(job: Job, connection: Connection, inherited: Sequence[Connection]) -> None:
    """A worker process from start to end.

    It leaves Ctrl-C to the main process, and ends by itself when the main process is gone: then
    its pipe ends, for no process but the main one holds the other end.
    """
    for other in inherited:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the main program's handler
    channel = Channel(connection)
    name = f"DataLoader worker process {job.id} (pid {os.getpid()})"

    def receive(wait: bool) -> Any:
        return channel.receive() if wait or connection.poll() else NOTHING

    def send(answer: Answer) -> None:
        try:
            packed = channel.pack(answer)
        except Exception as error:
            packed = channel.pack(answer._replace(data=Failure(error, name)))
        channel.send(packed)

    with contextlib.suppress(EOFError, ConnectionError):
        Worker(job, receive, send, name).run()
