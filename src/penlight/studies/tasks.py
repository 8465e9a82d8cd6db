"""What a cell of a study does: train a classifier, or check operations."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from penlight import datasets
from penlight.studies import records
from penlight.studies.checks import CheckConfig, run_checks
from penlight.training import (
    Callback,
    ConfigError,
    Diverged,
    FolderInUse,
    ImageData,
    RunError,
    RunFolder,
    TrainConfig,
    Trainer,
    load_images,
    resume,
    start,
)

__all__ = ["TASKS", "Measure", "Report", "Task", "check_data", "config_of"]

Report = Callable[[float, str], None]  # the share that is done, and how it stands
_REPORT_SECONDS = 0.25


@dataclass(frozen=True)
class Measure:
    """A number that a finished cell has.

    Attributes:
        name: its key among the results.
        title: as a heading.
        style: how it is written: ``"percent"``, ``"error"`` (1e-7), ``"count"``, ``"seconds"`` or
            ``"number"``.
        best: ``"high"``, ``"low"``, or empty if neither is better.
    """

    name: str
    title: str
    style: str = "number"
    best: str = ""


@dataclass(frozen=True)
class Task:
    """What a cell does.

    Attributes:
        config: the class of its settings, with ``from_dict`` and ``to_dict``.
        run: called with settings, the cell's folder and where to report progress; goes on with what
            the folder holds; returns the results, with the reason as ``diverged`` if it had to end early.
        finish: called when the results are written, to remove what is needed no longer.
        measures: what the results hold, the one that counts first.
    """

    config: Any
    run: Callable[[Any, Path, Report], dict[str, Any]]
    finish: Callable[[Path, str], None]
    measures: tuple[Measure, ...]


class _Reporter(Callback):
    def __init__(self, report: Report) -> None:
        self.report, self._last = report, 0.0

    def on_step(self, trainer: Trainer, loss: float) -> None:
        if time.monotonic() - self._last > _REPORT_SECONDS:
            self._last = time.monotonic()
            p = trainer.progress
            share = (p.epoch + p.step / trainer.steps_per_epoch) / trainer.epochs
            self.report(share, f"epoch {p.epoch + 1}/{trainer.epochs} loss {p.loss:.3f}")


def _train(config: TrainConfig, folder: Path, report: Report) -> dict[str, Any]:
    """Train as ``config`` says, or go on from the last checkpoint in ``folder``."""
    callbacks = [_Reporter(report)]
    diverged: dict[str, Any] = {}
    try:
        if not _resumed(folder, callbacks):
            shutil.rmtree(folder, ignore_errors=True)
            start(config, folder, callbacks, _images(config))
    except Diverged as error:
        diverged = {"diverged": str(error)}
    run = RunFolder.open(folder)
    records.compact(run)
    return _results(run) | diverged


def _resumed(folder: Path, callbacks: list[_Reporter]) -> bool:
    """Whether a run in ``folder`` could go on, and is finished now."""
    try:
        resume(folder, callbacks=callbacks)
    except FolderInUse:
        raise
    except (FileNotFoundError, RunError):
        return False
    return True


def _results(run: RunFolder) -> dict[str, Any]:
    epochs = [r for r in run.metrics.read() if "epoch" in r]
    last = {k: v for k, v in epochs[-1].items() if k not in ("epoch", "lr")} if epochs else {}
    results = {**last, **run.metadata.get("results", {}), "epochs": len(epochs)}
    return {"parameters": run.setting("model")["parameters"], **results}


def check_data(config: TrainConfig) -> datasets.Source:
    """Where the images are; a study never falls back to the sample unless it names its folder.

    Raises:
        DataError: if they are nowhere.
    """
    return datasets.locate(config.data, config.data_dir, sample=False)


def _images(config: TrainConfig) -> ImageData:
    check_data(config)
    scaling = (config.input_mean, config.input_std)
    return _load(config.data, config.data_dir, config.train_size, *scaling)


@lru_cache(maxsize=2)
def _load(
    data: str, data_dir: str | None, train_size: int | None, mean: float | None, std: float | None
) -> ImageData:
    return load_images(
        TrainConfig(
            data=data, data_dir=data_dir, train_size=train_size, input_mean=mean, input_std=std
        )
    )


def _finish_training(folder: Path, keep: str) -> None:
    """Remove what was needed to resume, and what is in ``records.npz``."""
    run = RunFolder(folder)
    run.distributions.path.unlink(missing_ok=True)
    gone = {"best": ["last"], "all": [], "none": ["last", "best"]}[keep]
    for name in gone:
        (run.checkpoints / f"{name}.pt").unlink(missing_ok=True)


def _finish_checks(folder: Path, keep: str) -> None:
    """Nothing is left over."""


TASKS: Mapping[str, Task] = {
    "train": Task(
        TrainConfig,
        _train,
        _finish_training,
        (
            Measure("test_accuracy", "test accuracy", "percent", "high"),
            Measure("best_test_accuracy", "best test accuracy", "percent", "high"),
            Measure("test_loss", "test loss", "number", "low"),
            Measure("train_accuracy", "train accuracy", "percent", "high"),
            Measure("train_loss", "train loss", "number", "low"),
            Measure("parameters", "parameters", "count"),
            Measure("epochs", "epochs", "count"),
            Measure("seconds", "seconds", "seconds"),
        ),
    ),
    "check": Task(
        CheckConfig,
        run_checks,
        _finish_checks,
        (
            Measure("worst_error", "worst error against PyTorch", "error", "low"),
            Measure("worst_gradient_error", "of gradients", "error", "low"),
            Measure("worst_numerical_error", "against numerical gradients", "error", "low"),
            Measure("cases", "cases", "count"),
            Measure("mismatches", "cases beyond tolerance", "count", "low"),
            Measure("penlight_seconds", "seconds in Penlight", "seconds"),
            Measure("torch_seconds", "seconds in PyTorch", "seconds"),
            Measure("seconds", "seconds", "seconds"),
        ),
    ),
}


def config_of(task: str, settings: Mapping[str, Any]) -> Any:
    """The settings of a cell that came as plain values.

    Raises:
        ConfigError: if they can't be.
    """
    if task not in TASKS:
        raise ConfigError(f"task must be one of {', '.join(TASKS)}, got {task!r}")
    return TASKS[task].config.from_dict(settings)
