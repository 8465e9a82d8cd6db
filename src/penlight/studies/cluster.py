"""The same cells on a Dask cluster: each worker starts the same process, cell by cell.

The workers must see the study's folder under the same path, and have Penlight installed.
"""

from __future__ import annotations

import contextlib
import queue
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from penlight.studies.execute import outcome_of
from penlight.studies.pool import Event, Order, Worker
from penlight.training import ConfigError, RunError

__all__ = ["Cluster", "run_order"]

_PATIENCE = 10  # seconds that a scheduler has to answer


def run_order(order: Order) -> dict[str, Any]:
    """Run one cell in a process of its own and return how it ended; called on the cluster."""
    inbox: queue.Queue[tuple[Worker, dict[str, Any] | None]] = queue.Queue()
    with tempfile.TemporaryFile() as log:
        worker = Worker(log, inbox)
        try:
            worker.run(order)
            while True:
                _, message = inbox.get()
                if message is None:
                    log.seek(0)
                    said = log.read().decode(errors="replace").strip().splitlines()
                    last = f" ({said[-1]})" if said else ""
                    return {"status": "failed", "results": {}, "error": worker.death() + last}
                if message["event"] == "done":
                    outcome: dict[str, Any] = message["outcome"]
                    return outcome
        finally:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
            worker.close()


class Cluster:
    """Runs cells on a Dask cluster.

    Args:
        address: of its scheduler, such as ``tcp://host:8786``.

    Raises:
        ConfigError: if Dask is not installed.
        RunError: if there is no scheduler.
    """

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError:
            raise ConfigError(
                "scheduler: a Dask cluster needs dask.distributed, which is not installed; "
                "pip install 'penlight[studies]'"
            ) from None
        self._distributed = distributed
        try:
            self.client = distributed.Client(address, timeout=_PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            raise RunError(f"scheduler: no Dask scheduler answers at {address}: {error}") from None

    def run(self, orders: Sequence[Order]) -> Generator[Event, None, None]:
        """Run all cells; a cell that fails does not stop the others.

        If this is closed or interrupted, cells under way are stopped; what they did until their last
        checkpoint stays.
        """
        futures = {}
        try:
            for order in orders:  # as whole cores, and never the answer of an earlier study
                futures[self.client.submit(run_order, order, pure=False)] = order
                yield Event("start", order.id)
            for future in self._distributed.as_completed(futures):
                order = futures[future]
                yield Event("done", order.id, 1.0, outcome=_outcome(future, order))
        finally:
            with contextlib.suppress(Exception):
                self.client.cancel(list(futures), force=True)
            self.client.close()


def _outcome(future: Any, order: Order) -> dict[str, Any]:
    error = future.exception()
    if error is None:
        outcome: dict[str, Any] = future.result()
    else:
        outcome = {"status": "failed", "results": {}, "error": f"{type(error).__name__}: {error}"}
    if outcome["status"] != "failed" and outcome_of(Path(order.folder)) is None:
        missing = (
            f"the cluster's workers do not write into {order.folder}; expected a shared folder"
        )
        outcome = {"status": "failed", "results": {}, "error": missing}
    return outcome
