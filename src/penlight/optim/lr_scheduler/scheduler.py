"""``LRScheduler``: sets the learning rate of each group, epoch by epoch."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penlight.autograd.base import TensorBase
from penlight.autograd.grad_mode import no_grad
from penlight.optim.optimizer import Optimizer

__all__ = ["LRScheduler", "Rate", "attributes_of", "group_values", "set_option", "warn_of_epoch"]

Rate = Any  # a learning rate: a float, or a 0-d Tensor if the group's is one


class LRScheduler:
    """Base of the schedulers: ``get_lr()`` gives the learning rates of epoch ``last_epoch``.

    Most schedulers turn the rate of the last epoch into that of the next (the *chainable* form), so
    that several can work on one optimizer and changes made by hand persist. A subclass may also have
    ``_get_closed_form_lr()``, the same schedule as a function of ``base_lrs`` and ``last_epoch``.

    Args:
        optimizer: whose groups are scheduled. Each group's ``initial_lr`` is its rate at the start.
        last_epoch: the epoch to go on from; the groups must hold ``initial_lr`` then. Default: -1,
            the beginning.

    Raises:
        TypeError: if ``optimizer`` is not an Optimizer.
        KeyError: if ``last_epoch`` is given and a group has no ``initial_lr``.
    """

    _get_lr_called_within_step: bool = False
    _is_initial: bool = False  # within the constructor

    optimizer: Optimizer
    base_lrs: list[Rate]
    last_epoch: int
    _step_count: int
    _last_lr: list[Rate]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__}: {type(optimizer).__name__} is not an Optimizer"
            )
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copy(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: param 'initial_lr' is not specified in "
                    f"param_groups[{i}] when resuming with last_epoch={last_epoch}; load the "
                    "optimizer's state dict first, or leave last_epoch at -1"
                )
        self.base_lrs = [_copy(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        vars(optimizer).setdefault("_opt_called", False)
        self._initial_step()

    def _initial_step(self) -> None:
        """Go to the first epoch."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    # -- rates -------------------------------------------------------------------------------

    def get_last_lr(self) -> list[Rate]:
        """The rate of each group, as this scheduler set it last."""
        return self._last_lr

    def get_lr(self) -> Sequence[Rate]:
        """The rate of each group at ``last_epoch``, from its present one. Called by ``step``."""
        raise NotImplementedError(f"{type(self).__name__} must define get_lr()")

    def _rates(self) -> list[Rate]:
        """The present rates, for ``get_lr``, which is not meant to be called from outside."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use "
                "`get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )
        return [group["lr"] for group in self.optimizer.param_groups]

    def _by_group(self, *values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Several lists side by side, each of which must have one entry per group.

        Raises:
            ValueError: if one does not, as when a group was added that the scheduler has no value for.
        """
        groups = len(self.optimizer.param_groups)
        for value in values:
            if len(value) != groups:
                raise ValueError(
                    f"{type(self).__name__}: has values for {len(value)} parameter groups, but the "
                    f"optimizer has {groups}; make a new scheduler after adding a group"
                )
        return zip(*values, strict=True)

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch and set its learning rates; call it after ``optimizer.step()``.

        Args:
            epoch: go to this one instead (deprecated); then the closed form is used, if there is
                one.
        """
        if self._step_count == 1:
            self._warn_of_order()
        self._step_count += 1
        if epoch is None:
            self.last_epoch += 1
            self._set_rates(self.get_lr)
        else:
            warn_of_epoch()
            self._jump_to(epoch)

    def _jump_to(self, epoch: int) -> None:
        """Set the rates of any epoch."""
        self.last_epoch = epoch
        self._set_rates(getattr(self, "_get_closed_form_lr", self.get_lr))

    def _set_rates(self, rates: Callable[[], Sequence[Rate]]) -> None:
        self._get_lr_called_within_step = True
        try:
            values = rates()
        finally:
            self._get_lr_called_within_step = False
        for group, value in self._by_group(self.optimizer.param_groups, values):
            set_option(group, "lr", value)
        self._last_lr = group_values(self.optimizer, "lr")

    def _restart(self) -> None:
        """Begin: what a sequence does when it comes to this scheduler."""
        self._jump_to(0)

    def _before_first(self) -> None:
        """Undo the constructor's step: a scheduler that comes later in a sequence has not begun."""
        self.last_epoch -= 1

    def _warn_of_order(self) -> None:
        """The first epoch's rates would be lost if the optimizer had not stepped yet."""
        if getattr(self.optimizer, "_opt_called", True):
            return
        if "step" in vars(self.optimizer):
            message = (
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler "
                "initialization. Please, make sure to call `optimizer.step()` before "
                "`lr_scheduler.step()`."
            )
        else:
            message = (
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in "
                "the opposite order, or the first value of the schedule is skipped."
            )
        warnings.warn(message, UserWarning, stacklevel=3)

    # -- state -------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from where another scheduler was; the optimizer's own state is loaded apart."""
        vars(self).update(state_dict)


_LRScheduler = LRScheduler  # its older name, which many programs still derive from


# -- what schedulers share -----------------------------------------------------------------------


def _copy(value: Rate) -> Rate:
    return value.detach().clone() if isinstance(value, TensorBase) else value  # type: ignore[attr-defined]


def group_values(optimizer: Optimizer, name: str) -> list[Any]:
    """An option's value in each group."""
    return [_copy(group[name]) for group in optimizer.param_groups]


def set_option(group: dict[str, Any], name: str, value: Any) -> None:
    """Set a group's option; a Tensor keeps its identity and takes the value in."""
    present = group[name]
    if isinstance(present, TensorBase):
        with no_grad():
            present.fill_(value)  # type: ignore[attr-defined]
    else:
        group[name] = value


def attributes_of(function: Any) -> dict[str, Any] | None:
    """What a state dict keeps of a user's function: the attributes of a callable object."""
    if isinstance(function, types.FunctionType) or not hasattr(function, "__dict__"):
        return None
    return dict(vars(function))


def warn_of_epoch() -> None:
    """``step(epoch)`` is deprecated, as in PyTorch."""
    warnings.warn(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
        "possible. Please use `scheduler.step()` to step the scheduler.",
        UserWarning,
        stacklevel=3,
    )
