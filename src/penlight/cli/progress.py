"""Progress of training: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from penlight.cli.messages import has_bars
from penlight.training import Callback, Trainer

__all__ = ["TrainingProgress", "clock"]

_LINE_SECONDS = 10.0  # between plain lines within an epoch
_REFRESH_SECONDS = 0.1
_WIDE = 100  # columns from which words are written out


class TrainingProgress(Callback):
    """Shows loss, accuracy, images per second and time left; a line stays for every epoch."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar: Progress | None = None
        self._task: Any = None
        self._shown = 0.0
        self._start = (0.0, 0)

    def on_start(self, trainer: Trainer) -> None:
        p = trainer.progress
        done = p.epoch * trainer.steps_per_epoch + p.step
        self._start = (time.perf_counter(), done)
        self._shown = time.perf_counter()
        if done and p.epoch < trainer.epochs:
            self.console.print(f"going on at epoch {p.epoch + 1}, step {p.step}")
        if has_bars(self.console):
            narrow = self.console.width < _WIDE
            self.bar = Progress(
                TextColumn("{task.fields[epoch]}/{task.fields[epochs]}"),
                BarColumn(bar_width=8 if narrow else 24),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeRemainingColumn(compact=True),
                TextColumn("left {task.fields[state]}"),
                console=self.console,
                transient=True,
            )
            total = trainer.epochs * trainer.steps_per_epoch
            self._task = self.bar.add_task(
                "", total=total, completed=done, epoch=p.epoch + 1, epochs=trainer.epochs, state=""
            )
            self.bar.start()

    def on_step(self, trainer: Trainer, loss: float) -> None:
        now = time.perf_counter()
        if now - self._shown < (_REFRESH_SECONDS if self.bar else _LINE_SECONDS):
            return
        self._shown = now
        p = trainer.progress
        done = p.epoch * trainer.steps_per_epoch + p.step
        steps_per_second = (done - self._start[1]) / (now - self._start[0])
        speed = steps_per_second * p.images / p.step
        word = "acc" if self.bar is not None and self.console.width < _WIDE else "accuracy"
        state = f"loss {p.loss:.3f} {word} {p.accuracy:.1%} {speed:,.0f} images/s"
        if self.bar is not None:
            epoch = min(p.epoch + 1, trainer.epochs)
            self.bar.update(self._task, completed=done, epoch=epoch, state=state)
            return
        left = (trainer.epochs * trainer.steps_per_epoch - done) / steps_per_second
        share = p.step / trainer.steps_per_epoch
        self.console.print(
            f"epoch {p.epoch + 1}/{trainer.epochs}  {share:4.0%}  {state}  {clock(left)} left"
        )

    def on_epoch(self, trainer: Trainer, record: dict[str, Any]) -> None:
        self.console.print(
            f"epoch {record['epoch']}/{trainer.epochs}  train loss {record['train_loss']:.4f} "
            f"accuracy {record['train_accuracy']:.2%}  test loss {record['test_loss']:.4f} "
            f"accuracy {record['test_accuracy']:.2%}  after {clock(record['seconds'])}"
        )

    def on_end(self, trainer: Trainer, error: BaseException | None) -> None:
        if self.bar is not None:
            self.bar.stop()


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
