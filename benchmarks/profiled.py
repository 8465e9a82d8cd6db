"""Where the time of a workload goes, op by op, as Penlight's profiler sees it.

python -m benchmarks.profiled resnet20 --steps 5 --trace resnet20.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

import penlight
from benchmarks.library import Library
from benchmarks.workloads import Workload, find
from penlight.profiler import profile

__all__ = ["report"]


def report(workload: Workload, steps: int, rows: int, trace: Path | None = None) -> str:
    """The profiler's table of so many steps, the most expensive ops first; a trace if asked for."""
    program = workload.program(penlight)
    program.check()
    with profile(profile_memory=True) as profiler:
        for _ in range(steps):
            program.run()
    if trace is not None:
        profiler.export_chrome_trace(str(trace))
    return str(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("workload", type=find)
    parser.add_argument("--library", type=Library.parse, default=Library("penlight"))
    parser.add_argument("--threads", type=int, default=penlight.get_num_threads())
    parser.add_argument("--steps", type=int, default=5, help="how many to profile")
    parser.add_argument("--rows", type=int, default=12, help="of the table")
    parser.add_argument("--trace", type=Path, help="also write a trace for Chrome or Perfetto")
    a = parser.parse_args()
    if a.library.module != "penlight":
        parser.error(f"--library must be penlight, perhaps with options, got {a.library.module}")
    a.library.load(a.threads)
    print(report(a.workload, a.steps, a.rows, a.trace))


if __name__ == "__main__":
    main()
