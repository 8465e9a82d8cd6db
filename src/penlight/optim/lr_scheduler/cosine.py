"""Rates that fall along a half wave of the cosine, once or again and again."""

from __future__ import annotations

import math

from penlight.optim.lr_scheduler.scheduler import LRScheduler, Rate
from penlight.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


class CosineAnnealingLR(LRScheduler):
    """lr_t = eta_min + (base_lr - eta_min) (1 + cos(pi t / T_max)) / 2.

    After T_max the rate rises again along the same wave.

    Args:
        optimizer: whose groups are scheduled.
        T_max: epochs from the highest to the lowest rate.
        eta_min: the lowest rate. Default: 0.
        last_epoch: the epoch to go on from. Default: -1, the beginning.

    Source: Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017,
    equation 5, without the restarts.
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        rates = self._rates()
        if self._is_initial:
            return rates
        t, low = self.last_epoch, self.eta_min
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:  # from the lowest point, where all is 0
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - low) * rise for lr, base in self._by_group(rates, self.base_lrs)]
        wave = (1 + math.cos(math.pi * t / self.T_max)) / (
            1 + math.cos(math.pi * (t - 1) / self.T_max)
        )
        return [wave * (lr - low) + low for lr in rates]

    def _get_closed_form_lr(self) -> list[Rate]:
        wave = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * wave for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = eta_min + (base_lr - eta_min) (1 + cos(pi T_cur / T_i)) / 2.

    T_cur counts epochs since the last restart; at T_i the rate starts from the top again, and the
    next wave is T_mult times as long.

    Args:
        optimizer: whose groups are scheduled.
        T_0: epochs of the first wave.
        T_mult: the factor from one wave's length to the next. Default: 1.
        eta_min: the lowest rate. Default: 0.
        last_epoch: the epoch to go on from. Default: -1, the beginning.

    Raises:
        ValueError: if T_0 or T_mult is not a positive integer, or eta_min not a number.

    Source: Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017,
    equation 5.
    """

    T_cur: float
    T_i: int

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        owner = "CosineAnnealingWarmRestarts"
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"{owner}: Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"{owner}: Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (int, float)):
            raise ValueError(f"{owner}: Expected a number eta_min, but got {eta_min!r}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._rates()
        wave = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * wave for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to ``epoch``, which may be a fraction: ``epoch + i / batches``.

        Raises:
            ValueError: for a negative epoch.
        """
        if epoch is None:
            self._jump_to(self.last_epoch + 1) if self._is_initial else self._go_on()
        elif epoch < 0:
            raise ValueError(
                f"CosineAnnealingWarmRestarts: Expected non-negative epoch, but got {epoch}"
            )
        else:
            self._jump_to(epoch)

    def _go_on(self) -> None:
        self.T_cur += 1
        if self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult
        self.last_epoch += 1
        self._set_rates(self.get_lr)

    def _jump_to(self, epoch: float) -> None:
        """Find the wave that an epoch is in, from the sum T_0 (1 + T_mult + T_mult^2 + ...)."""
        if self.T_mult == 1 or epoch < self.T_0:
            self.T_cur, self.T_i = epoch % self.T_0, self.T_0
        else:
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            start = self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_cur, self.T_i = epoch - start, self.T_0 * self.T_mult**n
        self.last_epoch = math.floor(epoch)
        self._set_rates(self.get_lr)
