"""Momentum that moves against the learning rate, for schedules that cycle both."""

from __future__ import annotations

from typing import Any

from penlight.optim.optimizer import Optimizer

__all__ = ["per_group", "set_momentum", "uses_beta1"]


def uses_beta1(optimizer: Optimizer, owner: str) -> bool:
    """Whether Adam's beta1 plays the part of the momentum.

    Raises:
        ValueError: if the optimizer has neither.
    """
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError(
            f"{owner}: optimizer must support momentum or beta1 with cycle_momentum=True, got "
            f"{type(optimizer).__name__}"
        )
    return "betas" in optimizer.defaults


def set_momentum(group: dict[str, Any], value: float, beta1: bool) -> None:
    """Set a group's momentum, or the first of its betas."""
    if beta1:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def per_group(value: Any, optimizer: Optimizer, name: str, owner: str) -> list[Any]:
    """One value per group, from one for all or from a list.

    Raises:
        ValueError: if the list has the wrong length.
    """
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{owner}: {name} must have the same length as optimizer.param_groups. {name} has "
            f"{len(value)} values, param_groups has {groups}."
        )
    return list(value)
