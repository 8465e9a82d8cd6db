"""The options that all programs here share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks.library import Library
from benchmarks.processes import ROOT

__all__ = ["add_common"]

RESULTS = ROOT / "benchmarks" / "results"


def add_common(parser: argparse.ArgumentParser, rounds: int) -> None:
    """``--libraries``, ``--rounds``, ``--threads`` and ``--out``."""
    parser.add_argument(
        "--libraries",
        type=_libraries,
        default="torch,penlight,penlight+numba",
        help="with commas between; the first is what the others are compared with (%(default)s)",
    )
    parser.add_argument(
        "--rounds",
        type=_positive,
        default=rounds,
        help="fresh processes for each workload and library (%(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=_positive,
        default=_cores(),
        help="for every library (%(default)s, the cores here)",
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")


def _libraries(text: str) -> tuple[Library, ...]:
    """``torch,penlight`` as libraries."""
    try:
        return tuple(Library.parse(name) for name in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive whole number, got {text!r}")
    return int(text)


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
