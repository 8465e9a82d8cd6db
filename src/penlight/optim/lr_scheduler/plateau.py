"""Rates that fall when a measured value stops getting better."""

from __future__ import annotations

from typing import Any

from penlight.optim.lr_scheduler.momentum import per_group
from penlight.optim.lr_scheduler.scheduler import (
    LRScheduler,
    group_values,
    set_option,
    warn_of_epoch,
)
from penlight.optim.optimizer import Optimizer

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """lr <- max(factor lr, min_lr) when ``patience`` epochs in a row brought nothing better.

    Better means, in mode "min": below best (1 - threshold), or below best - threshold if the
    threshold is absolute; in mode "max" above best (1 + threshold) or best + threshold.

    Args:
        optimizer: whose groups are scheduled.
        mode: "min" for a value that should fall, "max" for one that should rise. Default: "min".
        factor: below 1. Default: 0.1.
        patience: how many bad epochs are let pass. Default: 10.
        threshold: what must be gained to count. Default: 1e-4.
        threshold_mode: "rel" or "abs". Default: "rel".
        cooldown: epochs after a reduction in which bad ones are not counted. Default: 0.
        min_lr: the lowest rate, or a list with one per group. Default: 0.
        eps: changes of the rate up to this are not made. Default: 1e-8.

    Raises:
        ValueError: for a factor from 1 up, an unknown mode, a list of the wrong length.
    """

    min_lrs: list[float]
    best: float

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        owner = "ReduceLROnPlateau"
        if factor >= 1.0:
            raise ValueError(f"{owner}: factor should be < 1.0, got {factor}")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{owner}: {type(optimizer).__name__} is not an Optimizer")
        if mode not in ("min", "max"):
            raise ValueError(f"{owner}: mode must be 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"{owner}: threshold_mode must be 'rel' or 'abs', got {threshold_mode!r}"
            )
        self.factor = factor
        self.optimizer = optimizer
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = per_group(min_lr, optimizer, "min_lr", owner)
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = group_values(optimizer, "lr")
        self.mode = mode
        self.mode_worse = float("inf") if mode == "min" else -float("inf")
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self._reset()

    def _reset(self) -> None:
        """Forget what was measured so far."""
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    @property
    def in_cooldown(self) -> bool:
        """Whether bad epochs are not counted now."""
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take in the value of one epoch, a number or a Tensor of one element."""
        current = float(metrics)
        if epoch is None:
            epoch = self.last_epoch + 1
        else:
            warn_of_epoch()
        self.last_epoch = epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = group_values(self.optimizer, "lr")

    def _is_better(self, value: float, best: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            goal = best * (1 + sign * self.threshold)
        else:
            goal = best + sign * self.threshold
        return value < goal if self.mode == "min" else value > goal

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"ReduceLROnPlateau: the number of param groups in the optimizer "
                    f"({len(groups)}) differs from that of min_lrs ({len(self.min_lrs)}), usually "
                    "because a group was added; append its lowest rate to min_lrs"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, low in zip(groups, self.min_lrs, strict=True):
            present = float(group["lr"])
            reduced = max(present * self.factor, low)
            if present - reduced > self.eps:
                set_option(group, "lr", reduced)
