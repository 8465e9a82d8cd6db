"""``python -m penlight.utils.bottleneck script.py [args]``: where a script's time goes.

The script runs twice: under :mod:`penlight.profiler`, which knows ops, and under :mod:`cProfile`, which
knows Python functions. Both tables are printed at the end.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import runpy
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from penlight.profiler import profile

__all__ = ["main"]

_ROWS = 15


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a script with its arguments under both profilers, and print what they found."""
    parser = argparse.ArgumentParser(
        prog="python -m penlight.utils.bottleneck",
        description="Run a script under penlight.profiler and cProfile, and print where time goes.",
        epilog="The script runs twice: let it be short and repeatable.",
    )
    parser.add_argument("script", help="the Python file to run")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="its arguments")
    options = parser.parse_args(arguments)
    if not Path(options.script).is_file():
        parser.error(f"script: there is no file {options.script}")
    with _as_main(options.script, options.args):
        with profile(profile_memory=True) as prof:
            _run(options.script)
        python = cProfile.Profile()
        python.enable()
        try:
            _run(options.script)
        finally:
            python.disable()
    title = f"Ops of {options.script}, by the time that they took themselves"
    table = prof.key_averages().table("self_cpu_time_total", _ROWS, header=title)
    print(f"\n{'=' * len(title)}\n{table}")
    print(f"Python functions of {options.script}, by the time that they took themselves\n")
    pstats.Stats(python, stream=sys.stdout).strip_dirs().sort_stats("tottime").print_stats(_ROWS)


def _run(script: str) -> None:
    """Run it as a program; an exit without an error is an end like any other."""
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code not in (None, 0):
            raise


@contextmanager
def _as_main(script: str, args: list[str]) -> Any:
    """``sys.argv`` and the folder of imports as the script expects them."""
    argv, path = sys.argv, sys.path
    sys.argv, sys.path = [script, *args], [str(Path(script).resolve().parent), *path]
    try:
        yield
    finally:
        sys.argv, sys.path = argv, path


if __name__ == "__main__":
    main()
