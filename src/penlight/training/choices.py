"""Optimizers, schedules and augmentations by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from penlight import nn, optim, transforms, zeros
from penlight.optim import lr_scheduler

__all__ = [
    "AUGMENTATIONS",
    "OPTIMIZERS",
    "SCHEDULERS",
    "OptimizerEntry",
    "SchedulerEntry",
    "make_augmentation",
    "make_optimizer",
    "make_scheduler",
]


@dataclass(frozen=True)
class OptimizerEntry:
    """An optimizer that can be asked for by name, and the learning rate it is usually given."""

    build: Callable[..., optim.Optimizer]
    lr: float
    momentum: float | None = None  # the usual one, of those that take that argument


OPTIMIZERS = {
    "sgd": OptimizerEntry(optim.SGD, 0.1, momentum=0.9),
    "adam": OptimizerEntry(optim.Adam, 0.003),
    "adamw": OptimizerEntry(optim.AdamW, 0.003),
    "rmsprop": OptimizerEntry(optim.RMSprop, 0.001, momentum=0.0),
    "adagrad": OptimizerEntry(optim.Adagrad, 0.02),
}


def make_optimizer(
    name: str,
    parameters: Iterable[nn.Parameter],
    lr: float,
    momentum: float | None,
    weight_decay: float,
) -> optim.Optimizer:
    """The optimizer called ``name``; ``momentum`` is for those that take it."""
    entry = OPTIMIZERS[name]
    usual = entry.momentum
    extra = {} if usual is None else {"momentum": usual if momentum is None else momentum}
    return entry.build(parameters, lr=lr, weight_decay=weight_decay, **extra)


@dataclass(frozen=True)
class SchedulerEntry:
    """A learning-rate schedule that can be asked for by name.

    Attributes:
        build: called with the optimizer and options by name.
        defaults: the options' defaults, given the number of epochs and of steps.
        per_step: stepped after every batch, not after every epoch.
    """

    build: Callable[..., lr_scheduler.LRScheduler]
    defaults: Callable[[int, int, float], dict[str, Any]]
    per_step: bool = False


SCHEDULERS: dict[str, SchedulerEntry | None] = {
    "none": None,
    "step": SchedulerEntry(
        lr_scheduler.StepLR,
        lambda epochs, steps, lr: {"step_size": math.ceil(epochs / 3), "gamma": 0.1},
    ),
    "multistep": SchedulerEntry(
        lr_scheduler.MultiStepLR,
        lambda epochs, steps, lr: {"milestones": [epochs // 2, epochs * 3 // 4], "gamma": 0.1},
    ),
    "exponential": SchedulerEntry(
        lr_scheduler.ExponentialLR, lambda epochs, steps, lr: {"gamma": 0.01 ** (1 / epochs)}
    ),
    "cosine": SchedulerEntry(
        lr_scheduler.CosineAnnealingLR, lambda epochs, steps, lr: {"T_max": steps}, per_step=True
    ),
    "linear": SchedulerEntry(
        lr_scheduler.LinearLR,
        lambda epochs, steps, lr: {"start_factor": 1.0, "end_factor": 0.01, "total_iters": steps},
        per_step=True,
    ),
    "onecycle": SchedulerEntry(
        lr_scheduler.OneCycleLR,
        lambda epochs, steps, lr: {"max_lr": lr, "total_steps": steps, "cycle_momentum": False},
        per_step=True,
    ),
    "plateau": SchedulerEntry(
        lr_scheduler.ReduceLROnPlateau, lambda epochs, steps, lr: {"patience": 2, "factor": 0.3}
    ),
}


def make_scheduler(
    name: str,
    optimizer: optim.Optimizer,
    epochs: int,
    steps_per_epoch: int,
    lr: float,
    options: Mapping[str, Any],
) -> tuple[lr_scheduler.LRScheduler | None, bool]:
    """The schedule called ``name``, and whether it is stepped per batch.

    Raises:
        ValueError: if it does not take one of the options, or does not last for all steps.
    """
    entry = SCHEDULERS[name]
    if entry is None:
        if options:
            raise ValueError(f"scheduler 'none' takes no options, got {', '.join(options)}")
        return None, False
    arguments = {**entry.defaults(epochs, epochs * steps_per_epoch, lr), **options}
    try:
        _try_schedule(entry, lr, arguments, epochs * steps_per_epoch if entry.per_step else epochs)
        return entry.build(optimizer, **arguments), entry.per_step
    except (TypeError, ValueError, ArithmeticError, IndexError) as error:
        raise ValueError(f"scheduler_options of {name!r}: {error}") from None


def _try_schedule(entry: SchedulerEntry, lr: float, arguments: dict[str, Any], steps: int) -> None:
    """Run a schedule to its end on an optimizer of nothing, so that no option fails in mid-run."""
    optimizer = optim.SGD([zeros(1)], lr=lr, momentum=0.9)
    scheduler = entry.build(optimizer, **arguments)
    optimizer.step()  # schedulers warn if they are stepped before it
    for _ in range(steps):
        if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
            scheduler.step(1.0)
        else:
            scheduler.step()


AUGMENTATIONS: dict[str, Callable[[int], list[Any]]] = {
    "none": lambda size: [],
    "crop": lambda size: [transforms.RandomCrop(size, padding=2, per_sample=True)],
    "flip": lambda size: [transforms.RandomHorizontalFlip(per_sample=True)],
    "crop+flip": lambda size: [
        transforms.RandomCrop(size, padding=2, per_sample=True),
        transforms.RandomHorizontalFlip(per_sample=True),
    ],
}


def make_augmentation(name: str, size: int) -> Callable[[Any], Any] | None:
    """A transform of batches (N, C, size, size) of uint8 images; ``None`` for ``"none"``."""
    steps = AUGMENTATIONS[name](size)
    return transforms.Compose(steps) if steps else None
