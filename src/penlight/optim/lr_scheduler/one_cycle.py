"""The 1cycle policy: one rise to a high learning rate, then a long fall."""

from __future__ import annotations

import math
from typing import Any

from penlight.optim.lr_scheduler.momentum import per_group, set_momentum, uses_beta1
from penlight.optim.lr_scheduler.scheduler import LRScheduler, Rate
from penlight.optim.optimizer import Optimizer

__all__ = ["OneCycleLR"]


def _cosine(start: float, end: float, part: float) -> float:
    """Along half a wave of the cosine."""
    return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


def _linear(start: float, end: float, part: float) -> float:
    """Along a straight line."""
    return (end - start) * part + start


_ANNEAL = {"cos": _cosine, "linear": _linear}


class OneCycleLR(LRScheduler):
    """The rate goes from max_lr / div_factor up to max_lr, then down to that start / final_div_factor.

    With three phases it comes down to the start in as many steps as it went up, and then on to the
    end. Momentum moves against the rate. Call ``step()`` after each batch.

    Args:
        optimizer: whose groups are scheduled.
        max_lr: the highest rate, or a list with one per group.
        total_steps: the length of the cycle; or give both of
        epochs, steps_per_epoch: whose product it is then.
        pct_start: the part of the cycle in which the rate rises. Default: 0.3.
        anneal_strategy: "cos" or "linear". Default: "cos".
        cycle_momentum: move momentum (or Adam's beta1) as well. Default: True.
        base_momentum, max_momentum: its bounds, or lists with one per group. Default: 0.85, 0.95.
        div_factor: initial_lr = max_lr / div_factor. Default: 25.
        final_div_factor: min_lr = initial_lr / final_div_factor. Default: 1e4.
        three_phase: see above. Default: False.
        last_epoch: the number of the last step, to go on from. Default: -1, the beginning.

    Raises:
        ValueError: for arguments out of range, a length that is not given, an optimizer without
            momentum; and by ``step()`` after ``total_steps`` steps.

    Source: Smith & Topin, "Super-convergence: very fast training of neural networks using large
    learning rates", 2018.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"OneCycleLR: {type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        self.total_steps = _length(total_steps, epochs, steps_per_epoch)
        if not 0 <= pct_start <= 1 or not isinstance(pct_start, float):
            raise ValueError(
                f"OneCycleLR: Expected float between 0 and 1 pct_start, but got {pct_start}"
            )
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        if anneal_strategy not in _ANNEAL:
            raise ValueError(
                "OneCycleLR: anneal_strategy must be one of 'cos' or 'linear', instead got "
                f"{anneal_strategy}"
            )
        self._anneal_func_type = anneal_strategy
        max_lrs = per_group(max_lr, optimizer, "max_lr", "OneCycleLR")
        if last_epoch == -1:
            for group, high in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = uses_beta1(optimizer, "OneCycleLR")
            lows = per_group(base_momentum, optimizer, "base_momentum", "OneCycleLR")
            highs = per_group(max_momentum, optimizer, "max_momentum", "OneCycleLR")
            if last_epoch == -1:
                for group, low, high in zip(optimizer.param_groups, lows, highs, strict=True):
                    set_momentum(group, high, self.use_beta1)
                    group["max_momentum"], group["base_momentum"] = high, low
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._rates()
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"OneCycleLR: Tried to step {self.last_epoch} times. The specified number of total "
                f"steps is {self.total_steps}"
            )
        phase, part = self._place()
        anneal = _ANNEAL[self._anneal_func_type]
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            start, end = phase["start_momentum"], phase["end_momentum"]
            for group in groups:
                set_momentum(group, anneal(group[start], group[end], part), self.use_beta1)
        start, end = phase["start_lr"], phase["end_lr"]
        return [anneal(group[start], group[end], part) for group in groups]

    def _place(self) -> tuple[dict[str, Any], float]:
        """The present phase, and the part of it that is done."""
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if self.last_epoch <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        return phase, (self.last_epoch - start) / (end - start) if end != start else 1.0


def _length(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """The number of steps of the cycle, from whichever arguments give it."""

    def positive(value: Any, name: str) -> int:
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"OneCycleLR: Expected positive integer {name}, but got {value}")
        return value

    if total_steps is not None:
        return positive(total_steps, "total_steps")
    if epochs is None or steps_per_epoch is None:
        raise ValueError(
            "OneCycleLR: You must define either total_steps OR (epochs AND steps_per_epoch)"
        )
    return positive(epochs, "epochs") * positive(steps_per_epoch, "steps_per_epoch")


def _phases(total: int, pct_start: float, three: bool) -> list[dict[str, Any]]:
    """Each phase's last step, and which of the group's options it leads from and to."""

    def phase(end_step: float, lr: tuple[str, str], momentum: tuple[str, str]) -> dict[str, Any]:
        return {
            "end_step": end_step,
            "start_lr": lr[0],
            "end_lr": lr[1],
            "start_momentum": momentum[0],
            "end_momentum": momentum[1],
        }

    low, high = "base_momentum", "max_momentum"
    up = phase(float(pct_start * total) - 1, ("initial_lr", "max_lr"), (high, low))
    if not three:
        return [up, phase(total - 1, ("max_lr", "min_lr"), (low, high))]
    down = phase(float(2 * pct_start * total) - 2, ("max_lr", "initial_lr"), (low, high))
    return [up, down, phase(total - 1, ("initial_lr", "min_lr"), (high, high))]
