"""Schedulers made of schedulers: one after the other, and all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from penlight.optim.lr_scheduler.plateau import ReduceLROnPlateau
from penlight.optim.lr_scheduler.scheduler import LRScheduler, group_values, set_option
from penlight.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "SequentialLR"]


class _CompositeLR(LRScheduler):
    """What the two have in common: parts for one optimizer, saved with the whole."""

    _schedulers: list[LRScheduler]

    def _check(self, optimizer: Optimizer | None, schedulers: Sequence[LRScheduler]) -> Optimizer:
        owner = type(self).__name__
        if len(schedulers) < 1:
            raise ValueError(f"{owner} expects at least one scheduler, but got no scheduler")
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(
                    f"{owner}: schedulers[{i}] should be a scheduler with an `optimizer`, got "
                    f"{type(scheduler).__name__}"
                )
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{owner} does not support `ReduceLROnPlateau`, whose step() needs a value, "
                    f"but got one at index {i}; call its step() beside"
                )
            optimizer = optimizer or scheduler.optimizer
            if scheduler.optimizer is not optimizer:
                raise ValueError(
                    f"{owner} expects all schedulers to belong to the same optimizer, but "
                    f"{type(scheduler).__name__} at index {i} has another"
                )
        assert optimizer is not None
        return optimizer

    def _before_first(self) -> None:
        for scheduler in self._schedulers:
            scheduler._before_first()

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer, and the state dicts of the parts."""
        state = super().state_dict()
        del state["_schedulers"]
        state["_schedulers"] = [s.state_dict() for s in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)


class SequentialLR(_CompositeLR):
    """One scheduler after the other: the next begins, at its epoch 0, at each milestone.

    Args:
        optimizer: whose groups are scheduled.
        schedulers: of that optimizer, in their order.
        milestones: the epochs at which the second, third ... take over.
        last_epoch: the epoch to go on from. Default: -1, the beginning.

    Raises:
        ValueError: if schedulers and milestones do not go together, or one has another optimizer or
            is a ReduceLROnPlateau.
        TypeError: for something that is not a scheduler.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        self._check(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "SequentialLR expects one scheduler more than milestones, but got "
                f"{len(schedulers)} schedulers and {len(milestones)} milestones"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        for scheduler in schedulers:
            scheduler._before_first()
        self._initial_step()

    def _initial_step(self) -> None:
        """The parts' constructors have all changed the rates: back to the start, and begin."""
        for group in self.optimizer.param_groups:
            set_option(group, "lr", group["initial_lr"])
        first = self._present()
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def _present(self) -> LRScheduler:
        return self._schedulers[bisect_right(self._milestones, self.last_epoch)]

    def _before_first(self) -> None:
        super()._before_first()
        self.last_epoch = 0  # which _initial_step does not count up

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch."""
        self.last_epoch += 1
        scheduler = self._present()
        if self.last_epoch in self._milestones:
            scheduler._restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def _restart(self) -> None:
        self.last_epoch = 0
        first = self._present()
        first._restart()
        self._last_lr = first.get_last_lr()


class ChainedScheduler(_CompositeLR):
    """All schedulers at each step, each on the rates that the one before has set.

    Args:
        schedulers: of one optimizer.
        optimizer: that one. Default: that of the first scheduler.

    Raises:
        ValueError: if there is none, or one has another optimizer or is a ReduceLROnPlateau.
        TypeError: for something that is not a scheduler.
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        self.optimizer = self._check(optimizer, schedulers)
        self._schedulers = list(schedulers)
        self._last_lr = group_values(self.optimizer, "lr")

    def _initial_step(self) -> None:
        for scheduler in self._schedulers:
            scheduler._initial_step()
        self._last_lr = group_values(self.optimizer, "lr")

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = group_values(self.optimizer, "lr")

    def _restart(self) -> None:
        """From the initial rates, which the parts then change in turn."""
        for group in self.optimizer.param_groups:
            set_option(group, "lr", group["initial_lr"])
        for scheduler in self._schedulers:
            scheduler.last_epoch = -1
            scheduler._initial_step()
        self._last_lr = group_values(self.optimizer, "lr")
