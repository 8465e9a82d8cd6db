"""All that is measured, by name: which process to start for one measurement of one library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

from benchmarks.library import Library
from benchmarks.load import OtherLoad
from benchmarks.processes import MeasurementError, import_time, installed_size, run_json, train_time
from benchmarks.workloads import CONVNETS, INFERENCE, LOADING, TRAINING, Workload

__all__ = ["ONE_THREAD", "TASKS", "Settings", "Task", "timed"]


@dataclass(frozen=True)
class Settings:
    """How everything is measured.

    Attributes:
        libraries: the first is what the others are compared with.
        threads: of every library.
        rounds: how often each library is measured, in turn.
        seconds: how long a step is repeated in each process.
    """

    libraries: tuple[Library, ...]
    threads: int
    rounds: int
    seconds: float


@dataclass(frozen=True)
class Task:
    """Something to measure.

    Attributes:
        name, title: on the command line; in tables.
        group: heading under which it stands.
        unit: ``s`` or ``B``, of the values.
        measure: (library, settings, folder of weights) -> a measurement with its ``value``.
        tolerance: between the ``numbers`` of measurements, if they have any.
        once: the value does not vary.
        cost: seconds that one measurement takes, roughly.
    """

    name: str
    title: str
    group: str
    unit: str
    measure: Callable[[Library, Settings, Path], dict[str, Any]] = field(repr=False)
    tolerance: float = 0.0
    once: bool = False
    cost: float = 3.0

    def attempt(self, library: Library, settings: Settings, weights: Path) -> dict[str, Any]:
        """Measure; what goes wrong is the result then, as ``error``.

        ``others`` is the share of the processor that other programs used meanwhile.
        """
        load = OtherLoad()
        try:
            return {**self.measure(library, settings, weights), "others": load.share()}
        except (MeasurementError, PackageNotFoundError) as error:
            return {"error": str(error)}


def timed(workload: Workload, group: str, threads: int | None = None) -> Task:
    """A workload, as a task that starts a worker; with a number of threads of its own if given."""

    def measure(library: Library, settings: Settings, weights: Path) -> dict[str, Any]:
        count = threads or settings.threads
        return run_json(
            "benchmarks.worker", workload.name, library.name, "--threads", count,
            "--seconds", settings.seconds, "--weights", _weights(weights, workload.name),
            threads=count,
        )  # fmt: skip

    name = f"{workload.name}@{threads}" if threads else workload.name
    return Task(name, workload.title, group, "s", measure, workload.tolerance)


def _weights(folder: Path, name: str) -> Path:
    """The file of a workload's initial weights."""
    return folder / f"{name.replace(':', '-')}.npz"


def _memory(library: Library, settings: Settings, weights: Path) -> dict[str, Any]:
    found = run_json(
        "benchmarks.worker", "resnet20", library.name, "--threads", settings.threads,
        "--seconds", 0, "--min-runs", 10, "--weights", _weights(weights, "resnet20"),
        threads=settings.threads,
    )  # fmt: skip
    return found if "peak_bytes" not in found else {**found, "value": found["peak_bytes"]}


def _import(library: Library, settings: Settings, weights: Path) -> dict[str, Any]:
    return import_time(library, settings.threads)


def _size(library: Library, settings: Settings, weights: Path) -> dict[str, Any]:
    return installed_size(library, settings.threads)


def _train(library: Library, settings: Settings, weights: Path) -> dict[str, Any]:
    return train_time(library, settings.threads)


ONE_THREAD = "Training step, one thread"
_TASKS = [
    *(timed(w, "Training step") for w in TRAINING),
    *(timed(w, ONE_THREAD, threads=1) for w in CONVNETS),
    *(timed(w, "Inference") for w in INFERENCE),
    *(timed(w, "Whole programs") for w in LOADING),
    Task("train", "LeNet trained 2 epochs on 6,000 images, from start to exit", "Whole programs",
         "s", _train, cost=6),
    Task("import", "import, with nn and optim", "Whole programs", "s", _import, cost=1.5),
    Task("memory", "peak memory, training ResNet-20", "Memory and size", "B", _memory, 1e-3),
    Task("size", "installed, with required packages", "Memory and size", "B", _size, once=True,
         cost=0.5),
]  # fmt: skip
TASKS = {task.name: task for task in _TASKS}
