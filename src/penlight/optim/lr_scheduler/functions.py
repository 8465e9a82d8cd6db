"""Schedules given by the user's own functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight.optim.lr_scheduler.scheduler import LRScheduler, Rate, attributes_of
from penlight.optim.optimizer import Optimizer

__all__ = ["LambdaLR", "MultiplicativeLR"]

Factor = Callable[[int], float]


class _FunctionLR(LRScheduler):
    """One function per group."""

    lr_lambdas: list[Factor]

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | list[Factor], last_epoch: int = -1
    ) -> None:
        groups = len(optimizer.param_groups)
        if not isinstance(lr_lambda, (list, tuple)):
            self.lr_lambdas = [lr_lambda] * groups
        elif len(lr_lambda) == groups:
            self.lr_lambdas = list(lr_lambda)
        else:
            raise ValueError(
                f"{type(self).__name__}: Expected {groups} lr_lambdas, one per group, but got "
                f"{len(lr_lambda)}"
            )
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; of the functions only the attributes of callable objects."""
        state = {k: v for k, v in super().state_dict().items() if k != "lr_lambdas"}
        state["lr_lambdas"] = [attributes_of(f) for f in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "lr_lambdas"})
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=False):
            if attributes is not None:
                vars(function).update(attributes)


class LambdaLR(_FunctionLR):
    """lr_t = base_lr f(t).

    Args:
        optimizer: whose groups are scheduled.
        lr_lambda: f, or a list of one function per group.
        last_epoch: the epoch to go on from. Default: -1, the beginning.
    """

    def get_lr(self) -> list[Rate]:
        self._rates()
        return [
            base * f(self.last_epoch) for base, f in self._by_group(self.base_lrs, self.lr_lambdas)
        ]


class MultiplicativeLR(_FunctionLR):
    """lr_t = lr_(t-1) f(t), from t = 1.

    Args:
        optimizer: whose groups are scheduled.
        lr_lambda: f, or a list of one function per group.
        last_epoch: the epoch to go on from. Default: -1, the beginning.
    """

    def get_lr(self) -> list[Rate]:
        rates = self._rates()
        if self._is_initial:
            return rates
        return [lr * f(self.last_epoch) for lr, f in self._by_group(rates, self.lr_lambdas)]
