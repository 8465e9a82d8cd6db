"""Worker threads, each behind a queue of its own."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from typing import Any

from penlight.utils.data.worker import NOTHING, PATIENCE, Job, Lost, Mailbox, Worker

__all__ = ["Threads"]


class Threads:
    """One thread per job: no copies and nothing to pickle, for work that NumPy does.

    Args:
        jobs: what each of them does.
        mailbox: where the answers go.
    """

    def __init__(self, jobs: Sequence[Job], mailbox: Mailbox[Any]) -> None:
        self._inboxes: list[Mailbox[Any]] = [Mailbox() for _ in jobs]
        self._threads = [
            threading.Thread(
                target=_run_thread, args=(job, inbox, mailbox), daemon=True,
                name=f"penlight-loader-worker-{job.id}",
            )
            for job, inbox in zip(jobs, self._inboxes, strict=True)
        ]  # fmt: skip
        for thread in self._threads:
            thread.start()

    def send(self, worker: int, message: Any) -> None:
        """Send a message to a worker."""
        self._inboxes[worker].put(message)

    def check(self) -> None:
        """A thread can't be killed: nothing to check."""

    def report(self, lost: Lost) -> None:
        """Threads are never lost."""

    def stop(self) -> None:
        """Tell all to end after the batch they are at, and wait for that a little."""
        for inbox in self._inboxes:
            inbox.put(None)
        deadline = time.monotonic() + PATIENCE
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))


def _run_thread(job: Job, inbox: Mailbox[Any], mailbox: Mailbox[Any]) -> None:
    def receive(wait: bool) -> Any:
        try:
            return inbox.get(wait)
        except queue.Empty:
            return NOTHING

    Worker(job, receive, mailbox.put).run()
