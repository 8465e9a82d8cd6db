"""``python -m benchmarks``: measure, and write the results as JSON, Markdown and a figure."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from benchmarks.library import Library
from benchmarks.processes import ROOT
from benchmarks.report import insert, markdown
from benchmarks.run import choose, measure_all
from benchmarks.store import Store
from benchmarks.summary import summarise
from benchmarks.tasks import Settings

RESULTS = ROOT / "benchmarks" / "results"
DOCUMENTS = ("README.md", "docs/benchmarks.md")


def main() -> None:
    a = _arguments()
    console = Console()
    tasks = choose(a.only)
    if a.list:
        for task in tasks:
            console.print(f"{task.name:14} {task.title}", highlight=False)
        return
    settings = Settings(
        tuple(Library.parse(name) for name in a.libraries.split(",")),
        a.threads,
        a.rounds or (1 if a.quick else 5),
        0.1 if a.quick else 0.6,
    )
    store = Store(a.out / "benchmarks.json", settings)
    try:
        measure_all(tasks, settings, store, console)
    except KeyboardInterrupt:
        console.print("stopped; what was measured is kept, and the same command goes on from there")
        raise SystemExit(130) from None
    finally:
        _write(store, settings, a, console)


def _write(store: Store, settings: Settings, a: argparse.Namespace, console: Console) -> None:
    """The table and the figure of what the store holds."""
    rows = summarise(store.data, [library.name for library in settings.libraries])
    text = markdown(rows, store.data["machine"], list(settings.libraries))
    (a.out / "benchmarks.md").write_text(text, encoding="utf-8")
    console.print(Markdown(text))
    if a.write_docs:
        for name in DOCUMENTS:
            done = insert(ROOT / name, text)
            console.print(f"{name}: {'table written' if done else 'has no markers for the table'}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="this workload, or those that match a pattern; may be repeated",
    )
    parser.add_argument(
        "--libraries",
        default="torch,penlight",
        help="with commas between; the first is what the others are compared with",
    )
    parser.add_argument("--rounds", type=int, help="fresh processes per workload and library (5)")
    parser.add_argument("--threads", type=int, default=cores, help="for every library (all cores)")
    parser.add_argument(
        "--quick", action="store_true", help="one short round: does everything run?"
    )
    parser.add_argument("--list", action="store_true", help="show the workloads, and stop")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--write-docs", action="store_true",
                        help=f"put the table into {' and '.join(DOCUMENTS)}")  # fmt: skip
    return parser.parse_args()


if __name__ == "__main__":
    main()
