"""A process that runs cells: ``python -m penlight.studies.worker``.

It reads orders from standard input and answers on standard output, one JSON object a line. When its
input ends, its parent is gone and it stops at once: what it did is in the cell's last checkpoint.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any

from penlight.studies.execute import run_cell
from penlight.training import Interrupted

__all__ = ["main"]


def main() -> int:
    """Run cells until told to stop."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever prints goes to the log
    lock = threading.Lock()

    def answer(**message: Any) -> None:
        try:
            with lock:
                answers.write(json.dumps(message) + "\n")
        except OSError:  # nobody listens any more
            os._exit(1)

    orders: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    answer(event="ready", pid=os.getpid())
    while True:
        order = orders.get()
        if order["do"] == "stop":
            return 0
        try:
            for module in order["imports"]:
                importlib.import_module(module)
            outcome = run_cell(
                order["task"],
                order["settings"],
                Path(order["folder"]),
                order["keep"],
                lambda share, state: answer(event="progress", share=share, state=state),
            )
        except Interrupted as stop:
            answer(event="stopped")
            return 128 + stop.signal_number
        answer(event="done", outcome=outcome)


def _listen(orders: queue.Queue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        orders.put(json.loads(line))
    os._exit(1)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # a thread still waits for input, which an orderly end would trip over
