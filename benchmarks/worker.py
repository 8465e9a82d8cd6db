"""One process that measures one workload under one library and prints what it found as JSON.

python -m benchmarks.worker mlp penlight --threads 2 --weights /tmp/mlp.npz
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.library import Library
from benchmarks.weights import load_common
from benchmarks.work import count_work
from benchmarks.workloads import Workload, find

__all__ = ["measure", "peak_memory"]

MIN_RUNS = 5


def measure(
    workload: Workload,
    library: Library,
    threads: int,
    seconds: float,
    weights: Path | None = None,
    min_runs: int = MIN_RUNS,
) -> dict[str, Any]:
    """Make the program, check a few runs, and time so many as fit into ``seconds``.

    Returns:
        ``value``: the median time of one unit of work in seconds; ``runs``: how many were timed;
        ``numbers``: what the libraries must agree on; ``peak_bytes``: of this process, so far;
        ``flops``, ``bytes``: in one unit, as :func:`count_work` counts them, or 0.
        Or ``unavailable``: what the library lacks.
    """
    try:
        torch = library.load(threads)
        program = workload.program(torch)
        if program.model is not None and weights is not None:
            load_common(torch, program.model, weights)
        numbers = program.check()
    except (ImportError, AttributeError) as error:
        if isinstance(error, AttributeError) and not isinstance(error.obj, ModuleType):
            raise
        return {"unavailable": str(error)}
    times = time_runs(program.run, seconds, min_runs)
    peak = peak_memory()
    return {
        "value": times[len(times) // 2] / program.unit_count,
        "runs": len(times),
        "numbers": numbers,
        "peak_bytes": peak,
        **count_work(program, workload)._asdict(),
    }


def time_runs(run: Callable[[], Any], seconds: float, min_runs: int) -> list[float]:
    """The times of calls of ``run``, sorted: for so many seconds, and at least ``min_runs`` calls."""
    clock = time.perf_counter
    run()
    times = list[float]()
    stop = clock() + seconds
    before = clock()
    while before < stop or len(times) < min_runs:
        run()
        after = clock()
        times.append(after - before)
        before = after
    return sorted(times)


def peak_memory() -> int:
    """The most memory this process has had, in bytes."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("workload", type=find)
    parser.add_argument("library", type=Library.parse)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long to time")
    parser.add_argument("--min-runs", type=int, default=MIN_RUNS)
    parser.add_argument("--weights", type=Path, help="file of the common weights; made if missing")
    a = parser.parse_args()
    print(json.dumps(measure(a.workload, a.library, a.threads, a.seconds, a.weights, a.min_runs)))


if __name__ == "__main__":
    main()
