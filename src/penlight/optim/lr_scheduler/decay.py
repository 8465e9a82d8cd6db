"""Rates that fall by a factor: every so often, at given epochs, in each epoch."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from penlight.optim.lr_scheduler.scheduler import LRScheduler, Rate
from penlight.optim.optimizer import Optimizer

__all__ = ["ExponentialLR", "MultiStepLR", "StepLR"]


class StepLR(LRScheduler):
    """lr_t = base_lr gamma^floor(t / step_size).

    Args:
        optimizer: whose groups are scheduled.
        step_size: epochs from one drop to the next.
        gamma: the factor of a drop. Default: 0.1.
        last_epoch: the epoch to go on from. Default: -1, the beginning.
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        rates = self._rates()
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return rates
        return [lr * self.gamma for lr in rates]

    def _get_closed_form_lr(self) -> list[Rate]:
        factor = self.gamma ** (self.last_epoch // self.step_size)
        return [base * factor for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """lr_t = base_lr gamma^n, with n the number of milestones up to t.

    Args:
        optimizer: whose groups are scheduled.
        milestones: the epochs of the drops; one that stands there twice counts twice.
        gamma: the factor of a drop. Default: 0.1.
        last_epoch: the epoch to go on from. Default: -1, the beginning.
    """

    milestones: Counter[int]

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        rates = self._rates()
        if self.last_epoch not in self.milestones:
            return rates
        factor = self.gamma ** self.milestones[self.last_epoch]
        return [lr * factor for lr in rates]

    def _get_closed_form_lr(self) -> list[Rate]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """lr_t = base_lr gamma^t.

    Args:
        optimizer: whose groups are scheduled.
        gamma: the factor of each epoch.
        last_epoch: the epoch to go on from. Default: -1, the beginning.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        rates = self._rates()
        return rates if self._is_initial else [lr * self.gamma for lr in rates]

    def _get_closed_form_lr(self) -> list[Rate]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]
