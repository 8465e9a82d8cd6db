"""Writing a run down as it happens: metrics, distributions and checkpoints."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import penlight
from penlight import Tensor
from penlight._core.files import atomic_write
from penlight.training.distributions import summarise
from penlight.training.errors import Interrupted, RunError, first_line
from penlight.training.run_folder import RunFolder
from penlight.training.trainer import Callback, Trainer

__all__ = ["Recorder", "load_checkpoint", "restore"]

_STEP_RECORDS = 200  # per epoch, at most


class Recorder(Callback):
    """Writes a run into its folder so that it can be resumed from any moment.

    A checkpoint holds the trainer's state and the lengths of the two ``.jsonl`` files at that moment.
    They are forced to disk before the checkpoint replaces the last one; resuming cuts off what was
    written later and computes it again.

    Args:
        run: the folder.
        distributions_per_epoch: how many summaries of weights and gradients, and one after the
            first step; 0 for none.
        checkpoint_seconds: longest time between checkpoints within an epoch.
        tensors: keep the weights and gradients whole, too, each time.
    """

    def __init__(
        self,
        run: RunFolder,
        distributions_per_epoch: int = 12,
        checkpoint_seconds: float = 20.0,
        tensors: bool = False,
    ) -> None:
        self.run = run
        self.distributions_per_epoch = distributions_per_epoch
        self.checkpoint_seconds = checkpoint_seconds
        self.tensors = tensors
        self._last_checkpoint = 0.0
        self._best = float("-inf")

    def on_start(self, trainer: Trainer) -> None:
        self._best = trainer.progress.best
        self.checkpoint(trainer)

    def on_step(self, trainer: Trainer, loss: float) -> None:
        p, steps = trainer.progress, trainer.steps_per_epoch
        if _is_due(p.step, steps, _STEP_RECORDS):
            progress = p.epoch + p.step / steps
            self.run.metrics.append(
                {"step": p.total_steps, "progress": progress, "loss": loss, "lr": trainer.lr}
            )
        due = _is_due(p.step, steps, self.distributions_per_epoch)
        if due or (p.total_steps == 1 and self.distributions_per_epoch):  # gradients at the start
            self.record_distributions(trainer, p.epoch + p.step / steps)
        if time.monotonic() - self._last_checkpoint > self.checkpoint_seconds:
            self.checkpoint(trainer)

    def on_epoch(self, trainer: Trainer, record: dict[str, Any]) -> None:
        self.run.metrics.append(record)
        if trainer.progress.best > self._best or "test_accuracy" not in record:
            self._best = trainer.progress.best
            penlight.save(
                {"model": trainer.tested_model.state_dict(), "epoch": trainer.progress.epoch},
                self.run.checkpoints / "best.pt",
            )
        self.checkpoint(trainer)

    def on_end(self, trainer: Trainer, error: BaseException | None) -> None:
        if isinstance(error, Interrupted) and error.between_steps:
            self.checkpoint(trainer)
        self.run.close()

    def checkpoint(self, trainer: Trainer) -> None:
        """Replace ``last.pt``."""
        sizes = {"metrics": self.run.metrics.sync(), "distributions": self.run.distributions.sync()}
        state = trainer.state_dict() | {"sizes": sizes}
        penlight.save(state, self.run.checkpoints / "last.pt")
        self._last_checkpoint = time.monotonic()

    def record_distributions(self, trainer: Trainer, progress: float) -> None:
        """One line per weight and per gradient; biases and norms' scales are left out."""
        for name, parameter in trainer.model.named_parameters():
            if parameter.ndim < 2:
                continue
            for kind, values in _arrays(parameter):
                summary = summarise(values.detach().numpy(), kind)
                self.run.distributions.append({"progress": progress, "name": name, **summary})
        if self.tensors:
            self._save_tensors(trainer)

    def _save_tensors(self, trainer: Trainer) -> None:
        """``tensors/00000123.npz``: weights and gradients after step 123, resumed runs write it anew."""
        arrays: dict[str, Any] = {
            f"{kind}.{name}": values.detach().numpy()
            for name, parameter in trainer.model.named_parameters()
            for kind, values in _arrays(parameter)
        }
        self.run.tensors.mkdir(exist_ok=True)
        file_name = f"{trainer.progress.total_steps:08}.npz"
        with atomic_write(self.run.tensors / file_name) as file:
            np.savez_compressed(file, **arrays)


def _arrays(parameter: Tensor) -> Iterator[tuple[str, Tensor]]:
    yield "weight", parameter
    if parameter.grad is not None:
        yield "gradient", parameter.grad


def _is_due(step: int, steps: int, times: int) -> bool:
    """Whether ``step`` (from 1) is one of ``times`` evenly spread over ``steps``, the last included."""
    times = min(times, steps)
    return times > 0 and step * times // steps != (step - 1) * times // steps


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The dict in a checkpoint.

    Raises:
        RunError: if the file is damaged or something else; the message names it.
    """
    try:
        state = penlight.load(path)
    except (RuntimeError, ValueError, pickle.UnpicklingError, EOFError) as error:
        raise RunError(f"{path}: expected a checkpoint, but {error}") from error
    if not isinstance(state, dict) or "model" not in state:
        raise RunError(f"{path}: expected a checkpoint of a run, found {type(state).__name__}")
    return state


def restore(trainer: Trainer, run: RunFolder) -> None:
    """Bring the trainer, and the run's files, to where the last checkpoint was written.

    A run that was killed before its first checkpoint starts anew.

    Raises:
        RunError: if a file is damaged or does not fit; the message names it.
    """
    path = run.checkpoints / "last.pt"
    if not path.exists():
        if run.metrics.read():
            raise RunError(f"{path}: expected a checkpoint, found none; the run can't be resumed")
        run.metrics.rewind(0)
        run.distributions.rewind(0)
        return
    state = load_checkpoint(path)
    try:
        trainer.load_state_dict(state)
        sizes = state["sizes"]
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{path}: not a checkpoint of this run: {first_line(error)}") from error
    run.metrics.rewind(sizes["metrics"])
    run.distributions.rewind(sizes["distributions"])
