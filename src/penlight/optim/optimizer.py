"""``Optimizer``: parameter groups, the loop over them, hooks and state; the algebra is the subclasses'."""

from __future__ import annotations

import functools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import numpy as np

from penlight._core.dtypes import float64, get_default_dtype
from penlight._core.hooks import HookTable, RemovableHandle
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.grad_mode import enable_grad
from penlight.autograd.inplace import bump_version
from penlight.optim.differentiable import record, recordable
from penlight.optim.flat import Bundle, update_flat
from penlight.optim.groups import as_groups, numbers, separate_names
from penlight.optim.state import StateMethods
from penlight.tensor import Tensor

__all__ = [
    "Group", "Optimizer", "ParamsT", "new_number", "new_step", "objective_gradient",
    "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook", "required", "zeros_for",
]  # fmt: skip

Group = dict[str, Any]
ParamsT = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]


_global_pre_hooks = HookTable()  # of all optimizers
_global_post_hooks = HookTable()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before each ``step`` of any optimizer.

    It may return ``(args, kwargs)`` to replace them. Such hooks run before an optimizer's own.
    """
    return RemovableHandle.register(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable[..., None]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after each ``step`` of any optimizer, and its own hooks."""
    return RemovableHandle.register(_global_post_hooks, hook)


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()  # a default that each group must replace

Step = TypeVar("Step", bound=Callable[..., Any])


def _hooked(func: Step) -> Step:
    """A ``step`` between its hooks, which run once where one ``step`` calls another by ``super()``."""

    @functools.wraps(func)
    def wrapped(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self._in_step:
            return func(self, *args, **kwargs)
        self._in_step = True
        try:
            arguments = (self, *args)
            for hook in (*_global_pre_hooks.values(), *self._optimizer_step_pre_hooks.values()):
                result = hook(self, arguments, kwargs)
                if result is not None:
                    if not isinstance(result, tuple) or len(result) != 2:
                        raise RuntimeError(
                            f"{type(self).__name__}: a step pre-hook must return None or a tuple "
                            f"of (new_args, new_kwargs), but got {result!r}"
                        )
                    arguments, kwargs = result
            result = func(*arguments, **kwargs)
            if "_opt_called" in vars(self):
                self._opt_called = True
            for hook in (*self._optimizer_step_post_hooks.values(), *_global_post_hooks.values()):
                hook(self, arguments, kwargs)
            return result
        finally:
            self._in_step = False

    return cast(Step, wrapped)


class Optimizer(StateMethods):
    """Base of all optimizers: ``step()`` changes parameters by what their ``.grad`` says.

    There are two ways to write one. Override ``step`` and do everything there, as in PyTorch. Or
    define ``init_state`` and ``update``, which know one parameter, and leave the rest to ``step``
    here.

    Args:
        params: an iterable of Tensors, of (name, Tensor) pairs, or of dicts, one for each group:
            ``params`` holds the group's Tensors, and further entries are options that override
            ``defaults`` in it.
        defaults: the options of groups that do not give their own.

    Attributes:
        param_groups: the groups, dicts with all their options.
        state: what is remembered of each parameter, a dict by Tensor.
        defaults: as given.
        elementwise: True promises that ``update`` treats each element by itself. It is then called
            with flat arrays, which may be a part of a parameter or several parameters end to end.
        scalars: the names of states that are one number for a whole parameter, as ``step`` is.

    Raises:
        TypeError: if ``params`` is one Tensor, or if something in it is not a Tensor.
        ValueError: if there are no parameters, if one was computed from others (not a leaf), or if
            one stands in two groups.
    """

    OptimizerPreHook = Callable[..., Any]  # of (optimizer, args, kwargs)
    OptimizerPostHook = Callable[..., None]

    elementwise: bool = False
    scalars: tuple[str, ...] = ("step",)

    defaults: dict[str, Any]
    state: defaultdict[Any, Any]
    param_groups: list[Group]

    _in_step: bool = False
    _opt_called: bool  # set by learning-rate schedulers: whether step() has run since they came
    _optimizer_step_pre_hooks: HookTable
    _optimizer_step_post_hooks: HookTable
    _bundles: dict[Any, Bundle]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            cls.step = _hooked(vars(cls)["step"])  # type: ignore[method-assign]

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        self._make_tables()
        for group in as_groups(params, type(self).__name__):
            self.add_param_group(group)

    def _make_tables(self) -> None:
        self._optimizer_step_pre_hooks = HookTable()
        self._optimizer_step_post_hooks = HookTable()
        self._make_state_hook_tables()
        self._bundles = {}

    # -- groups ------------------------------------------------------------------------------

    def add_param_group(self, param_group: Group) -> None:
        """Take in more parameters, such as those of a layer that was frozen until now.

        Args:
            param_group: a dict of ``params`` and options, as in the constructor.

        Raises:
            TypeError, ValueError: as the constructor.
        """
        owner = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(f"{owner}: param_group must be a dict, but got {type(param_group)}")
        params, names = separate_names(param_group["params"], owner)
        for p in params:
            if not isinstance(p, TensorBase):
                raise TypeError(
                    f"{owner}: optimizer can only optimize Tensors, but one of the params is "
                    f"{type(p).__name__}"
                )
            if not (p.is_leaf or p.retains_grad or self.defaults.get("differentiable")):
                raise ValueError(
                    f"{owner}: can't optimize a non-leaf Tensor; pass the leaf that it was "
                    "computed from, or its detach()"
                )
        identities = {id(p) for p in params}
        if len(identities) < len(params):
            warnings.warn(
                f"{owner}: optimizer contains a parameter group with duplicate parameters, which "
                "are updated more than once in each step",
                stacklevel=3,
            )
        for group in self.param_groups:
            if ("param_names" in group) != (names is not None):
                raise ValueError(
                    f"{owner}: all optimizer param groups should be with/without names; got a "
                    f"group {'without' if names is None else 'with'} them after one that differs"
                )
            if not identities.isdisjoint(id(p) for p in group["params"]):
                raise ValueError(
                    f"{owner}: some parameters appear in more than one parameter group"
                )
        for name, value in self.defaults.items():
            if value is required and name not in param_group:
                raise ValueError(
                    f"{owner}: parameter group didn't specify a value of required optimization "
                    f"parameter {name}"
                )
        param_group["params"] = params
        if names is not None:
            param_group["param_names"] = names
        for name, value in self.defaults.items():
            param_group.setdefault(name, value)
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Args:
            set_to_none: set them to ``None``. False fills them with zeros instead, so that a
                parameter without a gradient in the next pass is still updated.
        """
        for group in self.param_groups:
            for p in group["params"]:
                grad = p._grad
                if set_to_none or grad is None:
                    p._grad = None
                    continue
                if grad._node is not None:
                    grad.detach_()
                grad._requires_grad = False
                bump_version(grad)
                grad._array[...] = 0

    # -- the step ----------------------------------------------------------------------------

    def init_state(self, parameter: Tensor, group: Group) -> dict[str, Any]:
        """What to remember of a parameter, before its first update: Tensors of its shape by name.

        With a ``step`` among them (:func:`new_step`), the base counts the updates there.
        """
        return {}

    def update(self, p: np.ndarray, g: np.ndarray, state: dict[str, Any], group: Group) -> None:
        """Change ``p`` and the arrays in ``state`` in place, given the gradient ``g``.

        Args:
            p, g: a parameter's array and its gradient; ``g`` must stay as it is.
            state: the arrays of what ``init_state`` made; ``step`` is a number, 1 at first.
            group: the options, as plain numbers.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update() or step()")

    def advance(self, numbers: dict[str, float], group: Group) -> None:
        """Change the numbers in a parameter's state before an update: here ``step`` counts it.

        Args:
            numbers: the states that ``scalars`` names; other entries are for ``update`` alone.
        """
        numbers["step"] += 1

    @_hooked
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient.

        Args:
            closure: computes the loss and its gradients anew; called first, with gradients on.

        Returns:
            What ``closure`` returned.

        Raises:
            RuntimeError: if a gradient or a state has another shape or dtype than its parameter.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for index, group in enumerate(self.param_groups):
            try:
                self._step_group(index, group)
            except KeyError as missing:
                raise KeyError(
                    f"{type(self).__name__}: no {missing} in a parameter's state or group; were "
                    "options changed after the first step?"
                ) from None
        return loss

    def _step_group(self, index: int, group: Group) -> None:
        if group.get("capturable"):
            raise AssertionError(
                f"{type(self).__name__}: capturable=True is for parameters on an accelerator; set "
                "param_groups[i]['capturable'] = False for those on the CPU"
            )
        options, params = numbers(group), group["params"]
        if group.get("differentiable"):
            self._record_group(group, options)
            return
        bundle = self._bundles.get((index, params[0]._array.dtype)) if params else None
        if bundle is not None and bundle.is_all_of(params, self.state):
            bundle.update(self.update, self.advance, options)
            return
        small: dict[Any, list[tuple[Any, dict[str, Any]]]] = {}
        for p in params:
            if p._grad is None:
                continue
            state = self._state_of(p, options)
            if self.elementwise and Bundle.takes(p._array):
                small.setdefault(p._array.dtype, []).append((p, state))
            else:
                self._update_one(p, state, options)
        for dtype, items in small.items():
            bundle = self._bundle((index, dtype), items)
            if bundle is not None:
                bundle.update(self.update, self.advance, options)
            else:
                for p, state in items:
                    self._update_one(p, state, options)

    def _state_of(self, p: Any, options: Group) -> dict[str, Any]:
        """The state of a parameter that has a gradient, made before its first update."""
        array, g = p._array, p._grad._array
        if g.shape != array.shape or g.dtype != array.dtype:
            raise RuntimeError(
                f"{type(self).__name__}: the gradient of a parameter must have its shape and "
                f"dtype, expected {array.dtype}{list(array.shape)}, got "
                f"{g.dtype}{list(g.shape)}; call zero_grad() when they change"
            )
        state = self.state.get(p)
        if not state:
            state = self.init_state(p, options)
            if state:
                self.state[p] = state
        return state

    def _record_group(self, group: Group, options: Group) -> None:
        """A differentiable step: its results remember how they were computed."""
        options = {name: recordable(group[name], value) for name, value in options.items()}
        with enable_grad():
            for p in group["params"]:
                if p._grad is not None:
                    state = self._state_of(p, numbers(group))
                    record(self.update, p, state, self._count(state, options), options)

    def _bundle(self, key: Any, items: list[tuple[Any, dict[str, Any]]]) -> Bundle | None:
        """The bundle of these parameters: made when the same ones come in two steps running."""
        bundle = self._bundles.get(key)
        if bundle is None or not bundle.has_members(items):
            self._bundles[key] = Bundle(items, self.scalars)
            return None
        return bundle if bundle.is_ready(items) else None

    def _update_one(self, p: Any, state: dict[str, Any], options: Group) -> None:
        """Update one parameter by itself."""
        array, g = p._array, p._grad._array
        arrays: dict[str, Any] = self._count(state, options)
        for name, value in state.items():
            if name not in self.scalars and isinstance(value, TensorBase):
                if self.elementwise:
                    self._check_state(name, value, array)
                arrays[name] = value._array
        bump_version(p)
        if self.elementwise:
            update_flat(self.update, array, g, arrays, options)
        else:
            self.update(array, g, arrays, options)

    def _count(self, state: dict[str, Any], options: Group) -> dict[str, float]:
        """The numbers of a state for the next update, also where an older file holds plain ones."""
        numbers: dict[str, float] = {}
        for name in self.scalars:
            if name in state:
                if not isinstance(state[name], TensorBase):
                    state[name] = new_number(state[name])
                numbers[name] = float(state[name]._array)
        if numbers:
            kept = list(numbers)
            self.advance(numbers, options)
            for name in kept:
                state[name]._array[...] = numbers[name]
                numbers[name] = float(state[name]._array)  # as rounded
        return numbers

    def _check_state(self, name: str, value: TensorBase, array: np.ndarray) -> None:
        """A state must fit its parameter; its array is brought to memory order if it is not."""
        if value._array.shape != array.shape or value._array.dtype != array.dtype:
            raise RuntimeError(
                f"{type(self).__name__}: state {name!r} must have its parameter's shape and dtype, "
                f"expected {array.dtype}{list(array.shape)}, got "
                f"{value._array.dtype}{list(value._array.shape)}; was it loaded from another model?"
            )
        if not value._array.flags.c_contiguous:
            value._array = value._array.copy()

    # -- hooks -------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each ``step``.

        It may return ``(args, kwargs)`` to replace them; ``args`` begins with the optimizer.
        """
        return RemovableHandle.register(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each ``step``."""
        return RemovableHandle.register(self._optimizer_step_post_hooks, hook)

    profile_hook_step = staticmethod(_hooked)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"{chr(10) if i else ''}Parameter Group {i}")
            lines += [f"    {k}: {group[k]}" for k in sorted(group) if k != "params"]
        return "\n".join([*lines, ")"])


# -- what several optimizers use -----------------------------------------------------------------


def new_number(value: float) -> Tensor:
    """A number as PyTorch keeps it in a state: 0-d, in float32 (float64 if that is the default)."""
    dtype = np.float64 if get_default_dtype() is float64 else np.float32
    return wrap(Tensor, np.array(value, dtype))


def new_step() -> Tensor:
    """The count of steps, before the first."""
    return new_number(0)


def zeros_for(parameter: Tensor) -> Tensor:
    """Zeros of a parameter's shape and dtype, in memory order."""
    return wrap(Tensor, np.zeros(parameter.shape, parameter._array.dtype))


def objective_gradient(p: Any, g: Any, group: Group, decay: bool = True) -> Any:
    """The gradient to go down along: of f + weight_decay/2 |p|^2, or of -f + ... when maximizing f."""
    if group["maximize"]:
        g = -g
    if decay and group["weight_decay"] != 0:
        g = g + group["weight_decay"] * p
    return g
