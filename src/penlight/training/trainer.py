"""The training loop: epochs of steps, which can be stopped and continued anywhere."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

from penlight import Tensor, autograd, get_rng_state, nn, no_grad, optim, set_rng_state
from penlight.optim import lr_scheduler
from penlight.training.errors import Diverged, Interrupted
from penlight.utils.data import DataLoader

__all__ = ["Callback", "Progress", "Trainer"]


@dataclass
class Progress:
    """Where a run stands.

    Attributes:
        epoch: number of finished epochs.
        step: steps taken in the present epoch.
        total_steps: steps taken in all.
        images, correct, loss_sum: of the present epoch, to average over.
        seconds: time spent training.
        best: highest test accuracy so far.
    """

    epoch: int = 0
    step: int = 0
    total_steps: int = 0
    images: int = 0
    correct: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    best: float = -math.inf

    @property
    def loss(self) -> float:
        """Mean loss over the present epoch so far."""
        return self.loss_sum / max(self.images, 1)

    @property
    def accuracy(self) -> float:
        """Share of training images classified correctly, each before the step it was part of."""
        return self.correct / max(self.images, 1)


class Callback:
    """What is told of a run; override what you need."""

    def on_start(self, trainer: Trainer) -> None:
        """Before the first step, or the first after resuming."""

    def on_step(self, trainer: Trainer, loss: float) -> None:
        """After each step; parameters' gradients are still there."""

    def on_epoch(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """After each epoch, with its losses and accuracies."""

    def on_end(self, trainer: Trainer, error: BaseException | None) -> None:
        """At the end, also after an error or an interrupt."""


class Trainer:
    """Minimises ``loss_fn(model(x), y)`` over batches (x, y) of labelled samples.

    Args:
        model: maps a batch x to scores (N, K).
        optimizer: over the model's parameters.
        loss_fn: of scores and labels; its mean over the batch.
        scheduler: of the learning rate.
        schedule_per_step: step it after every batch, not every epoch.
        evaluate: called after each epoch; returns what is added to the epoch's record, such as
            ``test_loss`` and ``test_accuracy``.
        averaged: the running average of ``model``'s weights, which is tested in its place.
        callbacks: told of starts, steps, epochs and the end, in this order.

    Example:
        >>> trainer = Trainer(model, optim.Adam(model.parameters()), F.cross_entropy)
        >>> trainer.fit(loader, epochs=5)
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: optim.Optimizer,
        loss_fn: Callable[[Tensor, Tensor], Tensor],
        *,
        scheduler: lr_scheduler.LRScheduler | None = None,
        schedule_per_step: bool = False,
        evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
        averaged: optim.swa_utils.AveragedModel | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.model, self.optimizer, self.loss_fn = model, optimizer, loss_fn
        self.scheduler, self.schedule_per_step = scheduler, schedule_per_step
        self.evaluate = evaluate
        self.averaged = averaged
        self.callbacks = list(callbacks)
        self.progress = Progress()
        self.epochs = 0
        self.steps_per_epoch = 0
        self._stop: int | None = None
        self._epoch_rng = get_rng_state()  # as it was before the epoch's first batch was drawn
        self._restored_rng: Tensor | None = None

    @property
    def lr(self) -> float:
        """The present learning rate of the first parameter group."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def tested_model(self) -> nn.Module:
        """The model whose test accuracy is recorded: the averaged one, if there is one."""
        return self.model if self.averaged is None else self.averaged.module

    # -- the loop ----------------------------------------------------------------------------

    def fit(self, loader: DataLoader[Any], epochs: int) -> Progress:
        """Train until ``epochs`` epochs are finished, counting those before a resume.

        Raises:
            Diverged: if the loss becomes NaN or infinite.
            Interrupted: after SIGINT or SIGTERM, when the step under way is done; a second signal
                raises at once.
        """
        self.epochs, self.steps_per_epoch = epochs, len(loader)
        error: BaseException | None = None
        with self._stoppable():
            try:
                self._tell("on_start")
                while self.progress.epoch < epochs:
                    self._train_epoch(loader)
            except BaseException as caught:
                error = caught
                raise
            finally:
                self._tell_end(error)
        return self.progress

    def _train_epoch(self, loader: DataLoader[Any]) -> None:
        p = self.progress
        self.model.train()
        started = time.perf_counter() - p.seconds
        for x, y in self._batches(loader):
            loss = self._step(x, y)
            p.seconds = time.perf_counter() - started
            self._tell("on_step", loss)
            if self._stop is not None:
                raise Interrupted(self._stop)
        record = {
            "epoch": p.epoch + 1,
            "train_loss": p.loss,
            "train_accuracy": p.accuracy,
            "lr": self.lr,
        }
        if self.evaluate is not None:
            record |= self.evaluate(self.tested_model)
            self._check_finite(record.get("test_loss", 0.0), "test loss", "after")
        p.seconds = record["seconds"] = time.perf_counter() - started
        if self.scheduler is not None and not self.schedule_per_step:
            self._schedule_epoch(record)
        p.best = max(p.best, record.get("test_accuracy", -math.inf))
        p.epoch += 1
        p.step = p.images = p.correct = 0
        p.loss_sum = 0.0
        self._tell("on_epoch", record)
        if self._stop is not None and p.epoch < self.epochs:
            raise Interrupted(self._stop)

    def _step(self, x: Tensor, y: Tensor) -> float:
        """One update: w -= lr * direction(dL/dw)."""
        p = self.progress
        self.optimizer.zero_grad()
        scores = self.model(x)
        loss = self.loss_fn(scores, y)
        value = float(loss.item())
        self._backward(loss, value)
        self.optimizer.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.model)
        if self.scheduler is not None and self.schedule_per_step:
            self.scheduler.step()
        with no_grad():
            p.correct += int((scores.argmax(1) == y).sum().item())
        p.images += len(y)
        p.loss_sum += value * len(y)
        p.step += 1
        p.total_steps += 1
        return value

    def _check_finite(self, loss: float, name: str, when: str) -> None:
        if not math.isfinite(loss):
            p = self.progress
            raise Diverged(
                f"the {name} became {loss} {when} epoch {p.epoch + 1}, step {p.step + 1} (learning "
                f"rate {self.lr:g}): lower the learning rate, or look for the operation that made "
                "it with detect_anomaly"
            )

    def _backward(self, loss: Tensor, value: float) -> None:
        """Backward from a loss that must be finite; anomaly mode first names what made it not so."""
        if not autograd.is_anomaly_enabled():
            self._check_finite(value, "loss", "in")
            loss.backward()
            return
        try:
            loss.backward()
        except RuntimeError as error:
            raise Diverged(str(error)) from error
        self._check_finite(value, "loss", "in")

    def _schedule_epoch(self, record: dict[str, Any]) -> None:
        if isinstance(self.scheduler, lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step(record.get("test_loss", record["train_loss"]))
        elif self.scheduler is not None:
            self.scheduler.step()

    def _batches(self, loader: DataLoader[Any]) -> Iterator[Any]:
        """The batches of the present epoch that are still to come."""
        p = self.progress
        restored, self._restored_rng = self._restored_rng if p.step else None, None
        if restored is None:
            self._epoch_rng = get_rng_state()
        else:
            set_rng_state(self._epoch_rng)  # a loader that shuffles draws the same order again
        set_epoch = getattr(loader.batch_sampler, "set_epoch", None)
        if set_epoch is not None:
            set_epoch(p.epoch, p.step)
        batches = iter(loader)
        if set_epoch is None:
            for _ in range(p.step):
                next(batches)
        if restored is not None:
            set_rng_state(restored)
        yield from batches

    def _tell(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *arguments)

    def _tell_end(self, error: BaseException | None) -> None:
        """Tell all callbacks, also if one of them fails; the first failure is raised then."""
        failure: Exception | None = None
        for callback in self.callbacks:
            try:
                callback.on_end(self, error)
            except Exception as caught:
                failure = failure or caught
        if failure is not None:
            raise failure

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Let the first SIGINT or SIGTERM stop after the step under way, a second one at once."""
        self._stop = None
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:
            if self._stop is not None:
                raise Interrupted(number, between_steps=False)
            self._stop = number

        numbers = (signal.SIGINT, signal.SIGTERM)  # a background job may be told to ignore one
        heeded = [n for n in numbers if signal.getsignal(n) is not signal.SIG_IGN]
        before = {number: signal.signal(number, stop) for number in heeded}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    # -- state -------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that decides how the run goes on: weights, optimizer, schedule, randomness, place."""
        return {
            "model": self.model.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "random": get_rng_state(),
            "random_at_epoch": self._epoch_rng,
            "progress": asdict(self.progress),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where :meth:`state_dict` was taken: the following steps are the same bits.

        Raises:
            KeyError, RuntimeError: if the state is of another model or optimizer.
        """
        self.model.load_state_dict(state["model"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        self.progress = Progress(**state["progress"])
        self._epoch_rng, self._restored_rng = state["random_at_epoch"], state["random"]
        set_rng_state(state["random"])
