"""Other parameters and state for a while."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from penlight.autograd.base import TensorBase
from penlight.optim.optimizer import Optimizer
from penlight.tensor import Tensor

__all__ = ["swap_in_optimizer_params_and_state"]

OWNER = "swap_in_optimizer_params_and_state"


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer,
    swapin_parameters: dict[str, Tensor],
    swapin_optim_state: dict[str, Any],
) -> Iterator[None]:
    """Let an optimizer work on other parameters, with another state, in a ``with`` block.

    To try a step on copies, for example. What it does to the Tensors in ``swapin_parameters`` and
    ``swapin_optim_state`` in place remains; the optimizer's own parameters and state are as before
    after the block.

    Args:
        optimizer: one that has made a step, so that it has a state.
        swapin_parameters: the other parameters, in the order of the optimizer's; names play no part.
        swapin_optim_state: their state and options, in the form of ``optimizer.state_dict()``.

    Raises:
        RuntimeError: if these do not fit the optimizer.
    """
    if not optimizer.state:
        raise RuntimeError(f"{OWNER}: the optimizer must have a state; make a step first")
    states, groups = _checked(optimizer, swapin_optim_state)
    tensors = list(swapin_parameters.values())
    count = sum(len(group["params"]) for group in groups)
    if len(tensors) < count:
        raise RuntimeError(f"{OWNER}: expected {count} parameters, got {len(tensors)}")
    other_state: defaultdict[Any, Any] = defaultdict(dict)
    other_groups = []
    remaining = iter(tensors)
    for group in groups:
        params = [next(remaining) for _ in group["params"]]
        other_groups.append({**group, "params": params})
        for p, key in zip(params, group["params"], strict=True):
            other_state[p] = dict(states.get(key, {}))

    own_state, own_groups = optimizer.state, [dict(group) for group in optimizer.param_groups]
    try:
        for group, other in zip(optimizer.param_groups, other_groups, strict=True):
            group.update(other)
        optimizer.state = other_state
        yield
    finally:
        for group, own in zip(optimizer.param_groups, own_groups, strict=True):
            group.clear()
            group.update(own)
        optimizer.state = own_state


def _checked(optimizer: Optimizer, given: Any) -> tuple[dict[Any, Any], list[dict[str, Any]]]:
    """The states by number and the groups of a state dict that fits the optimizer."""
    if not isinstance(given, dict):
        raise RuntimeError(f"{OWNER}: swapin_optim_state must be a dict, got {type(given)}")
    states, groups = given.get("state"), given.get("param_groups")
    if not isinstance(states, dict) or any(isinstance(k, TensorBase) for k in states):
        raise RuntimeError(f"{OWNER}: 'state' must be a dict by the numbers of parameters")
    if not all(isinstance(state, dict) for state in states.values()):
        raise RuntimeError(f"{OWNER}: the state of each parameter must be a dict")
    own = optimizer.param_groups
    if not isinstance(groups, list) or len(groups) != len(own):
        raise RuntimeError(f"{OWNER}: 'param_groups' must be a list of {len(own)} groups")
    numbers: set[int] = set()
    for i, (group, other) in enumerate(zip(own, groups, strict=True)):
        params = other.get("params") if isinstance(other, dict) else None
        if not isinstance(params, list) or not all(isinstance(k, int) for k in params):
            raise RuntimeError(f"{OWNER}: the 'params' of group {i} must be a list of numbers")
        if len(params) != len(group["params"]):
            raise RuntimeError(
                f"{OWNER}: group {i} has a different number of parameters, expected "
                f"{len(group['params'])}, got {len(params)}"
            )
        if set(other) != set(group):
            raise RuntimeError(
                f"{OWNER}: group {i} must have the optimizer's options, different are "
                f"{sorted(set(other) ^ set(group))}"
            )
        numbers.update(params)
    unknown = [key for key in states if key not in numbers]
    if unknown:
        raise RuntimeError(f"{OWNER}: 'state' has entries of no parameter: {unknown}")
    return states, groups
