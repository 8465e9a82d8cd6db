"""Fresh processes: how measurements are started, and what is measured of processes as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from benchmarks.library import Library, thread_variables

__all__ = ["ROOT", "MeasurementError", "import_time", "installed_size", "run_json", "train_time"]

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "src" / "penlight" / "datasets" / "sample"
TIMEOUT = 600


class MeasurementError(RuntimeError):
    """A process that measures failed; the message is the end of what it said."""


def run(command: list[str], threads: int, variables: dict[str, str] | None = None) -> str:
    """What the command prints, with these variables added to its environment.

    Raises:
        MeasurementError: if it fails or takes ten minutes.
    """
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=thread_variables(threads) | (variables or {}), timeout=TIMEOUT,
            capture_output=True, text=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise MeasurementError(f"{' '.join(command)}: not done after {TIMEOUT} s") from None
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-12:])
        raise MeasurementError(f"{' '.join(command)}: exit code {done.returncode}\n{tail}")
    return done.stdout


def run_json(module: str, *arguments: object, threads: int) -> dict[str, Any]:
    """The JSON that ``python -m module arguments`` prints last."""
    output = run([sys.executable, "-m", module, *map(str, arguments)], threads)
    result: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return result


def timed(command: list[str], threads: int, variables: dict[str, str] | None = None) -> float:
    """Seconds from the start to the end of the process."""
    before = time.perf_counter()
    run(command, threads, variables)
    return time.perf_counter() - before


def import_time(library: Library, threads: int) -> dict[str, Any]:
    """What ``import torch; from torch import nn`` adds to the time of an empty program."""
    program = f"import {library.module} as torch; from {library.module} import nn, optim"
    empty = min(timed([sys.executable, "-c", "pass"], threads) for _ in range(3))
    full = timed([sys.executable, "-c", program], threads, library.variables)
    return {"value": full - empty}


def installed_size(library: Library, threads: int) -> dict[str, Any]:
    """Bytes of the files of the package, its options' and all that they require, extras aside."""
    wanted, found = [library.module, *library.options], dict[str, int]()
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        distribution = metadata.distribution(name)
        found[name] = _package_bytes(distribution)
        for text in distribution.requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted.append(requirement.name.lower())
    return {"value": sum(found.values()), "packages": found}


def _package_bytes(distribution: metadata.Distribution) -> int:
    """Bytes of all files of the package, without compiled caches; of a checkout, its package folder."""
    if distribution.metadata["Name"] == "penlight":
        files = [p for p in (ROOT / "src" / "penlight").rglob("*") if p.is_file()]
    else:
        files = [Path(str(distribution.locate_file(f))) for f in distribution.files or []]
    return sum(
        f.stat().st_size for f in files if "__pycache__" not in f.parts and f.exists()
    )  # fmt: skip


def train_time(library: Library, threads: int) -> dict[str, Any]:
    """LeNet trained for two epochs on the sample that comes with Penlight, from start to exit."""
    with tempfile.TemporaryDirectory() as folder:
        if library.module == "penlight":
            command = [
                "-m", "penlight", "train", "--data-dir", str(SAMPLE), "--epochs", "2",
                "--records-per-epoch", "0", "--no-figures", "--out", f"{folder}/run",
            ]  # fmt: skip
        else:
            command = ["-m", "benchmarks.train_lenet", str(SAMPLE), f"{folder}/run"]
        return {"value": timed([sys.executable, *command], threads, library.variables)}
