"""Ramps of a fixed number of epochs, for the beginning or the end of training."""

from __future__ import annotations

from penlight.optim.lr_scheduler.scheduler import LRScheduler, Rate
from penlight.optim.optimizer import Optimizer

__all__ = ["ConstantLR", "LinearLR", "PolynomialLR"]


class ConstantLR(LRScheduler):
    """lr_t = base_lr factor until epoch ``total_iters``, base_lr from then on.

    Args:
        optimizer: whose groups are scheduled.
        factor: in [0, 1]. Default: 1/3.
        total_iters: T, when the factor is taken away. Default: 5.
        last_epoch: the epoch to go on from. Default: -1, the beginning.

    Raises:
        ValueError: for a factor out of [0, 1].
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"ConstantLR: factor must be between 0 and 1, got {factor}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        rates = self._rates()
        if self.last_epoch == 0:
            return [lr * self.factor for lr in rates]
        if self.last_epoch != self.total_iters:
            return rates
        return [lr * (1 / self.factor) for lr in rates]

    def _get_closed_form_lr(self) -> list[Rate]:
        factor = self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)
        return [base * factor for base in self.base_lrs]


class LinearLR(LRScheduler):
    """lr_t = base_lr (start + (end - start) min(t, T) / T).

    Args:
        optimizer: whose groups are scheduled.
        start_factor: start, in (0, 1]. Default: 1/3.
        end_factor: end, in [0, 1]. Default: 1.
        total_iters: T, the length of the ramp in epochs. Default: 5.
        last_epoch: the epoch to go on from. Default: -1, the beginning.

    Raises:
        ValueError: for factors out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(
                f"LinearLR: start_factor must be greater than 0 and at most 1, got {start_factor}"
            )
        if not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor must be between 0 and 1, got {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        rates = self._rates()
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in rates]
        if self._is_initial or self.last_epoch > self.total_iters:
            return rates
        # the ratio of this epoch's factor to the last one's, both times T
        rise = self.end_factor - self.start_factor
        last = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return [lr * (1 + rise / last) for lr in rates]

    def _get_closed_form_lr(self) -> list[Rate]:
        done = min(self.total_iters, self.last_epoch)
        factor = self.start_factor + (self.end_factor - self.start_factor) * done / self.total_iters
        return [base * factor for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """lr_t = base_lr (1 - min(t, T) / T)^power.

    Args:
        optimizer: whose groups are scheduled.
        total_iters: T, when the rate reaches zero. Default: 5.
        power: 1 for a straight line, more for a curve that falls early. Default: 1.
        last_epoch: the epoch to go on from. Default: -1, the beginning.

    Source: Chen, Papandreou, Kokkinos, Murphy & Yuille, "DeepLab", 2017, section 4.1.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        rates = self._rates()
        if self._is_initial or self.last_epoch > self.total_iters:
            return rates
        left = 1 - self.last_epoch / self.total_iters
        left_before = 1 - (self.last_epoch - 1) / self.total_iters
        return [lr * (left / left_before) ** self.power for lr in rates]

    def _get_closed_form_lr(self) -> list[Rate]:
        left = 1 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * left**self.power for base in self.base_lrs]
