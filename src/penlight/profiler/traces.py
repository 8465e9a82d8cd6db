"""Events as a trace in the format of Chrome's viewer, which Perfetto (ui.perfetto.dev) opens too.

Source: "Trace Event Format", the Chromium project.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable
from typing import Any

from penlight._core.files import atomic_write
from penlight.profiler.events import FunctionEvent

__all__ = ["write_trace"]


def write_trace(path: Any, events: Iterable[FunctionEvent], pid: int) -> None:
    """Write a file of JSON, compressed if its name ends with ``.gz``."""
    trace = {
        "schemaVersion": 1,
        "displayTimeUnit": "ms",
        "traceName": os.fspath(path),
        "traceEvents": _trace_events(list(events), pid or os.getpid()),
    }
    data = json.dumps(trace).encode()
    if os.fspath(path).endswith(".gz"):
        data = gzip.compress(data)
    with atomic_write(path) as file:
        file.write(data)


def _trace_events(events: list[FunctionEvent], pid: int) -> list[dict[str, Any]]:
    """Names of the process and its threads, bars, and arrows from forwards to their backwards."""
    threads = {event.thread: event.thread_name for event in events}
    meta: list[dict[str, Any]] = [
        {
            "ph": "M",
            "name": "process_name",
            "pid": pid,
            "tid": 0,
            "ts": 0,
            "args": {"name": "penlight"},
        }
    ]
    meta += [
        {"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "ts": 0, "args": {"name": name}}
        for tid, name in threads.items()
    ]
    return [*meta, *(_bar(event, pid) for event in events), *_arrows(events, pid)]


def _bar(event: FunctionEvent, pid: int) -> dict[str, Any]:
    details: dict[str, Any] = {"Phase": event.phase}
    if event.input_shapes:
        details["Input Dims"] = event.input_shapes
    if event.sequence_nr >= 0:
        details["Sequence number"] = event.sequence_nr
    if event.module:
        details["Module"] = event.module
    if event.own_bytes:
        details["Bytes"] = event.own_bytes
    if event.stack:
        details["Call stack"] = event.stack
    return {
        "ph": "X",
        "cat": event.category,
        "name": event.name,
        "pid": pid,
        "tid": event.thread,
        "ts": event.time_range.start,
        "dur": event.time_range.elapsed_us(),
        "args": details,
    }


def _arrows(events: list[FunctionEvent], pid: int) -> list[dict[str, Any]]:
    made = {
        e.sequence_nr: e
        for e in events
        if e.sequence_nr >= 0 and e.category == "cpu_op" and e.phase == "forward"
    }
    arrows: list[dict[str, Any]] = []
    for event in events:
        source = made.get(event.sequence_nr)
        if source is None or event.phase != "backward":
            continue
        common = {"cat": "fwdbwd", "name": "fwdbwd", "id": event.sequence_nr, "pid": pid}
        arrows.append({"ph": "s", "tid": source.thread, "ts": source.time_range.start, **common})
        arrows.append(
            {"ph": "f", "bp": "e", "tid": event.thread, "ts": event.time_range.start, **common}
        )
    return arrows
