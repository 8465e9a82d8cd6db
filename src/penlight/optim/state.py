"""``state_dict`` and ``load_state_dict`` of optimizers, in PyTorch's layout; copying and pickling.

Parameters are known by their number, counted over all groups:
``{"state": {0: {"step": ..., "exp_avg": ...}, ...}, "param_groups": [{"lr": ..., "params": [0, 1]}]}``.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from penlight._core.hooks import HookTable, RemovableHandle
from penlight.autograd.base import TensorBase, wrap

__all__ = ["StateMethods"]


class StateMethods:
    """The part of Optimizer that saves and loads."""

    defaults: dict[str, Any]
    state: defaultdict[Any, Any]
    param_groups: list[dict[str, Any]]

    _optimizer_state_dict_pre_hooks: HookTable
    _optimizer_state_dict_post_hooks: HookTable
    _optimizer_load_state_dict_pre_hooks: HookTable
    _optimizer_load_state_dict_post_hooks: HookTable

    def _make_tables(self) -> None:
        raise NotImplementedError

    def _make_state_hook_tables(self) -> None:
        self._optimizer_state_dict_pre_hooks = HookTable()
        self._optimizer_state_dict_post_hooks = HookTable()
        self._optimizer_load_state_dict_pre_hooks = HookTable()
        self._optimizer_load_state_dict_post_hooks = HookTable()

    # -- out ---------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """State and options, with parameters replaced by their numbers. Nothing is copied."""
        for hook in list(self._optimizer_state_dict_pre_hooks.values()):
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed = {k: v for k, v in group.items() if k != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {
            numbers[id(k)] if isinstance(k, TensorBase) else k: v for k, v in self.state.items()
        }
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in list(self._optimizer_state_dict_post_hooks.values()):
            replaced = hook(self, result)
            if replaced is not None:
                result = replaced
        return result

    # -- in ----------------------------------------------------------------------------------

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over state and options from an optimizer with the same number of parameters.

        Parameters are matched by number, names play no part. States of floating parameters are
        cast to their dtype, except ``step``. All of it is copied, so that later steps do not
        change ``state_dict``.

        Raises:
            ValueError: if the number of groups, or of parameters in one, differs.
            KeyError: if ``state`` or ``param_groups`` is missing.
        """
        owner = type(self).__name__
        state_dict = dict(state_dict)
        for hook in list(self._optimizer_load_state_dict_pre_hooks.values()):
            replaced = hook(self, state_dict)
            if replaced is not None:
                state_dict = replaced
        groups, saved = self.param_groups, state_dict["param_groups"]
        if len(saved) != len(groups):
            raise ValueError(
                f"{owner}: loaded state dict has a different number of parameter groups, expected "
                f"{len(groups)}, got {len(saved)}"
            )
        parameters: dict[Any, Any] = {}  # by number
        for i, (group, other) in enumerate(zip(groups, saved, strict=True)):
            if len(other["params"]) != len(group["params"]):
                raise ValueError(
                    f"{owner}: loaded state dict contains a parameter group that doesn't match the "
                    f"size of optimizer's group {i}, expected {len(group['params'])} parameters, "
                    f"got {len(other['params'])}"
                )
            parameters.update(zip(other["params"], group["params"], strict=True))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            parameter = parameters.get(key)
            state[key if parameter is None else parameter] = _loaded(value, parameter)
        new_groups = []
        for group, other in zip(groups, saved, strict=True):
            new = copy.deepcopy({k: v for k, v in other.items() if k != "params"})
            new["params"] = group["params"]
            if "param_names" in group and "param_names" not in new:
                new["param_names"] = group["param_names"]
            new_groups.append(new)
        self.__setstate__({"state": state, "param_groups": new_groups})
        for hook in list(self._optimizer_load_state_dict_post_hooks.values()):
            hook(self)

    # -- copying and pickling ----------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Hooks are not copied: they belong to this object."""
        return {
            "defaults": self.defaults,
            "state": self.state,
            "param_groups": self.param_groups,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over attributes; options that an older version did not have get their defaults."""
        vars(self).update(state)
        if "_optimizer_state_dict_pre_hooks" not in vars(self):
            self._make_tables()
        for group in self.param_groups:
            for name, value in vars(self).get("defaults", {}).items():
                group.setdefault(name, value)

    # -- hooks -------------------------------------------------------------------------------

    def register_state_dict_pre_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` before ``state_dict`` collects."""
        return _register(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` on the result, which what it returns replaces."""
        return _register(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before loading; what it returns is loaded instead.

        The dictionary is a shallow copy of the one that the user gave.
        """
        return _register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` after loading."""
        return _register(self._optimizer_load_state_dict_post_hooks, hook, prepend)


def _register(table: HookTable, hook: Callable[..., Any], prepend: bool) -> RemovableHandle:
    handle = RemovableHandle.register(table, hook)
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


def _loaded(value: Any, parameter: Any, name: Any = None) -> Any:
    """A copy of a saved value, in the dtype of the parameter that it belongs to."""
    if isinstance(value, TensorBase):
        dtype = value._array.dtype
        if parameter is not None and name != "step" and parameter._array.dtype.kind in "fc":
            dtype = parameter._array.dtype
        return wrap(type(value)._result_type, np.array(value._array, dtype))
    if isinstance(value, dict):
        return {k: _loaded(v, parameter, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_loaded(v, parameter, name) for v in value)
    return copy.deepcopy(value)
