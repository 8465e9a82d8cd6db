"""``python -m api_coverage RESULTS``: write docs/coverage.md, or check that it is true.

RESULTS is what ``pytest -m parity --junitxml=RESULTS`` wrote.
"""

from __future__ import annotations

import argparse
import difflib
import sys
import warnings
from pathlib import Path

import penlight
from api_coverage.evidence import ROOT, Evidence
from api_coverage.page import page

PAGE = ROOT / "docs" / "coverage.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m api_coverage", description=__doc__)
    parser.add_argument("results", type=Path, help="JUnit file of a run of the parity tests")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it is stale")
    a = parser.parse_args()
    try:
        import torch
    except ImportError:
        parser.error("PyTorch is not installed; make coverage installs it")
    if not a.results.exists():
        parser.error(f"{a.results} does not exist: run pytest -m parity --junitxml={a.results}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated names warn when looked at
        text = page(penlight, torch, Evidence(a.results))
    if not a.check:
        PAGE.write_text(text, encoding="utf-8")
        print(text.partition("\n## ")[0])
        return
    written = PAGE.read_text("utf-8") if PAGE.exists() else ""
    if text != written:
        lines = difflib.unified_diff(
            written.splitlines(), text.splitlines(), "written", "found", n=0
        )
        print("\n".join(list(lines)[:40]))
        sys.exit(f"{PAGE.relative_to(ROOT)} is stale: run make coverage, and commit it")
    print(f"{PAGE.relative_to(ROOT)} is true")


if __name__ == "__main__":
    main()
