"""``python -m benchmarks``: measure, and write the results as JSON, Markdown and a figure."""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict

from rich.console import Console
from rich.markdown import Markdown

from benchmarks.arguments import add_common
from benchmarks.figures import ratios
from benchmarks.processes import ROOT
from benchmarks.report import insert, machine_line, markdown
from benchmarks.run import choose, measure_all
from benchmarks.store import Store
from benchmarks.summary import summarise
from benchmarks.tasks import ONE_THREAD, TASKS, Settings

# pages with a place for the table; whether it has all rows and columns there
DOCUMENTS = {ROOT / "README.md": False, ROOT / "docs" / "benchmarks.md": True}


def main() -> None:
    parser = _parser()
    a = parser.parse_args()
    console = Console()
    try:
        tasks = choose(a.only)
    except ValueError as error:
        parser.error(str(error))
    if a.list:
        for task in tasks:
            console.print(f"{task.name:14} {task.title}", highlight=False)
        return
    settings = (
        Settings(a.libraries, a.threads, rounds=1, seconds=0.1)
        if a.quick
        else Settings(a.libraries, a.threads, a.rounds, seconds=0.6)
    )
    store = Store(a.out / "benchmarks.json", settings)
    try:
        if not a.report:
            measure_all(tasks, settings, store, console)
    except KeyboardInterrupt:
        console.print("stopped; what was measured is kept: the same command goes on from there")
        raise SystemExit(130) from None
    finally:
        _write(store, settings, a.write_docs, console)


def _write(store: Store, settings: Settings, to_documents: bool, console: Console) -> None:
    """The table and the figure of what the store holds."""
    libraries, machine = list(settings.libraries), store.data["machine"]
    rows = summarise(store.data, [library.name for library in libraries])
    rows.sort(key=lambda row: list(TASKS).index(row.name))
    if not rows or not machine:
        return
    text = markdown(rows, machine, libraries)
    out = store.path.parent
    (out / "benchmarks.md").write_text(text, encoding="utf-8")
    main = [row for row in rows if row.group != ONE_THREAD]
    drawn = [{**asdict(row), "cells": [asdict(c) for c in row.cells.values()]} for row in main]
    titles = [library.title for library in libraries]
    ratios(drawn, titles, machine_line(machine)).save(out / "ratios.png")
    console.print(Markdown(text))
    console.print(f"in {out}: benchmarks.json, benchmarks.md, ratios.png, ratios.json")
    if to_documents:
        for page, all_of_it in DOCUMENTS.items():
            picture = os.path.relpath(out / "ratios.png", page.parent)
            figure = f"![Times as fast, small and lean as {titles[0]}]({picture})\n\n"
            table = markdown(rows if all_of_it else main, machine, libraries, all_of_it)
            done = insert(page, figure + table)
            console.print(f"{page}: {'table written' if done else 'has no markers for the table'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="this workload, or those that match a pattern such as 'lenet*'; may be repeated",
    )
    add_common(parser, rounds=5)
    parser.add_argument("--quick", action="store_true", help="one short round: does it all run?")
    parser.add_argument("--list", action="store_true", help="show the workloads, and stop")
    parser.add_argument(
        "--report", action="store_true", help="measure nothing; write what the results say so far"
    )
    parser.add_argument(
        "--write-docs",
        action="store_true",
        help="put the table into README.md and docs/benchmarks.md",
    )
    return parser


if __name__ == "__main__":
    main()
