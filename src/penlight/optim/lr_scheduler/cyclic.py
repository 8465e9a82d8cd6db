"""Cyclical learning rates: up and down between two bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from penlight.optim.lr_scheduler.momentum import per_group, set_momentum, uses_beta1
from penlight.optim.lr_scheduler.scheduler import LRScheduler, Rate, attributes_of, set_option
from penlight.optim.optimizer import Optimizer

__all__ = ["CyclicLR"]


class CyclicLR(LRScheduler):
    """lr_t = base_lr + (max_lr - base_lr) h_t s, with h a triangle wave between 0 and 1.

    The scale s depends on the mode: 1 for "triangular"; 1/2^(c-1) in cycle c for "triangular2";
    gamma^t for "exp_range". Call ``step()`` after each batch.

    Args:
        optimizer: whose groups are scheduled.
        base_lr: the lower bound, or a list with one per group. It becomes the rate at once.
        max_lr: the upper bound, or a list with one per group.
        step_size_up: steps from the lower to the upper bound. Default: 2000.
        step_size_down: steps back. Default: as many.
        mode: see above. Default: "triangular".
        gamma: of "exp_range". Default: 1.
        scale_fn: a function that gives s instead of ``mode``.
        scale_mode: what ``scale_fn`` is given: the number of the "cycle", from 1, or that of
            "iterations", from 0. Default: "cycle".
        cycle_momentum: move momentum (or Adam's beta1) against the rate. Default: True.
        base_momentum, max_momentum: its bounds. Default: 0.8, 0.9.
        last_epoch: the number of the last step, to go on from. Default: -1, the beginning.

    Raises:
        ValueError: for an unknown mode, lists of the wrong length, or ``cycle_momentum`` with an
            optimizer that has no momentum.

    Source: Smith, "Cyclical learning rates for training neural networks", 2017, section 3.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"CyclicLR: {type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        base_lrs = per_group(base_lr, optimizer, "base_lr", "CyclicLR")
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                set_option(group, "lr", lr)
        self.max_lrs = per_group(max_lr, optimizer, "max_lr", "CyclicLR")
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up) + float(down)
        self.step_ratio = step_size_up / self.total_size
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(
                f"CyclicLR: mode is invalid and scale_fn is None, expected 'triangular', "
                f"'triangular2' or 'exp_range', got {mode!r}"
            )
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        by_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = by_mode if scale_fn is None else scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = uses_beta1(optimizer, "CyclicLR")
            self.base_momentums = per_group(base_momentum, optimizer, "base_momentum", "CyclicLR")
            self.max_momentums = per_group(max_momentum, optimizer, "max_momentum", "CyclicLR")
            if last_epoch == -1:
                for group, low, high in zip(
                    optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
                ):
                    set_momentum(group, high, self.use_beta1)
                    group["max_momentum"], group["base_momentum"] = high, low
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The scale s in cycle x, or at iteration x."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return float(1 / 2 ** (x - 1) if self.mode == "triangular2" else self.gamma**x)

    def _height(self) -> tuple[float, float]:
        """h and s at the present step."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        up = x <= self.step_ratio
        height = x / self.step_ratio if up else (x - 1) / (self.step_ratio - 1)
        return height, self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)

    def get_lr(self) -> list[Rate]:
        self._rates()
        height, scale = self._height()
        if self.cycle_momentum:
            groups = self.optimizer.param_groups
            bounds = self._by_group(groups, self.base_momentums, self.max_momentums)
            for group, low, high in bounds:
                set_momentum(group, high - (high - low) * height * scale, self.use_beta1)
        return [
            low + (high - low) * height * scale
            for low, high in self._by_group(self.base_lrs, self.max_lrs)
        ]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; of ``scale_fn`` only the attributes of a callable object."""
        state = super().state_dict()
        state["_scale_fn_custom"] = attributes_of(state.pop("_scale_fn_custom"))
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        attributes = state_dict.get("_scale_fn_custom")
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_scale_fn_custom"})
        if attributes is not None and self._scale_fn_custom is not None:
            vars(self._scale_fn_custom).update(attributes)
