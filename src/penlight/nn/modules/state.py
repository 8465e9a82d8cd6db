"""``state_dict`` and ``load_state_dict``: a module's numbers by name, out and back in."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from penlight._core.hooks import HookTable, RemovableHandle
from penlight.autograd.grad_mode import no_grad
from penlight.nn.parameter import Parameter, is_lazy
from penlight.tensor import Tensor

__all__ = ["IncompatibleKeys", "StateMethods"]

EXTRA_STATE = "_extra_state"


class _Keys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]


class IncompatibleKeys(_Keys):
    """What ``load_state_dict`` returns: the keys that it missed and those it had no use for."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"_IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )

    __str__ = __repr__


@dataclass(frozen=True)
class _Hook:
    """A hook, and whether it was registered through the public method, whose rules then hold."""

    hook: Callable[..., Any]
    public: bool

    def __call__(self, *args: Any) -> Any:
        return self.hook(*args)


class StateMethods:
    """The part of Module that saves and loads."""

    _version: int = 1  # raised by subclasses when the meaning of their state changes
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _state_dict_hooks: OrderedDict[int, Any]  # of _Hook
    _state_dict_pre_hooks: HookTable
    _load_state_dict_pre_hooks: OrderedDict[int, Any]  # of _Hook
    _load_state_dict_post_hooks: HookTable

    def _make_state_hook_tables(self) -> None:
        for name in (
            "_state_dict_hooks", "_state_dict_pre_hooks",
            "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
        ):  # fmt: skip
            object.__setattr__(self, name, OrderedDict())

    # -- hooks -------------------------------------------------------------------------------

    def register_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before the module's state is collected."""
        return RemovableHandle.register(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)``, to change the state in place."""

        return RemovableHandle.register(self._state_dict_hooks, _Hook(hook, public=True))

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """As the post-hook, but what it returns replaces the dictionary (an old PyTorch form)."""
        return RemovableHandle.register(self._state_dict_hooks, _Hook(hook, public=False))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)`` before the module takes its part of the state."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., None], with_module: bool = False
    ) -> RemovableHandle:
        """As the public one, but the hook is not given the module (an old PyTorch form)."""
        table = self._load_state_dict_pre_hooks
        return RemovableHandle.register(table, _Hook(hook, public=with_module))

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after loading; it may change the two lists."""
        return RemovableHandle.register(self._load_state_dict_post_hooks, hook)

    # -- extra state -------------------------------------------------------------------------

    def get_extra_state(self) -> Any:
        """Override to save more than tensors; the result must be picklable."""
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called: override "
            "it together with set_extra_state()"
        )

    def set_extra_state(self, state: Any) -> None:
        """Override to take back what :meth:`get_extra_state` gave."""
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called: override "
            "it together with get_extra_state()"
        )

    def _has_extra_state(self) -> bool:
        return type(self).get_extra_state is not StateMethods.get_extra_state

    def _takes_extra_state(self) -> bool:
        return type(self).set_extra_state is not StateMethods.set_extra_state

    # -- out ---------------------------------------------------------------------------------

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """All parameters and persistent buffers by name; the tensors share the module's memory.

        Args:
            destination: a mapping to fill. Default: a new ``OrderedDict``.
            prefix: what to put before each name.
            keep_vars: give the parameters themselves rather than detached tensors.

        Returns:
            The mapping, with an attribute ``_metadata`` that holds each module's version.
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead: "
                "state_dict(destination=..., prefix=..., keep_vars=...)",
                FutureWarning,
                stacklevel=2,
            )
            given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            destination = given.get("destination", destination)
            prefix = given.get("prefix", prefix)
            keep_vars = given.get("keep_vars", keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        for hook in self._state_dict_hooks.values():
            result = hook(self, destination, prefix, local_metadata)
            if result is not None:
                if hook.public:
                    raise RuntimeError("state_dict post-hook must return None")
                destination = result
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put this module's own state, without its children's, into ``destination``."""
        for name, t in self._own_state().items():
            destination[prefix + name] = t if keep_vars or is_lazy(t) else t.detach()
        if self._has_extra_state():
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    def _own_state(self) -> dict[str, Tensor]:
        """Parameters and persistent buffers of this module alone."""
        state: dict[str, Any] = dict(self._parameters)
        for name, buffer in self._buffers.items():
            if name not in self._non_persistent_buffers_set:
                state[name] = buffer
        return {name: t for name, t in state.items() if t is not None}

    # -- in ----------------------------------------------------------------------------------

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values into the module's parameters and buffers, by name.

        Args:
            state_dict: what :meth:`state_dict` gave, here or in PyTorch.
            strict: refuse keys that are missing or that nothing here is called.
            assign: take over the given tensors themselves, with their dtypes, instead of copying.

        Returns:
            ``missing_keys`` and ``unexpected_keys``.

        Raises:
            TypeError: if ``state_dict`` is not a mapping.
            AssertionError: if a hook returns something.
            RuntimeError: naming every key that is missing, unexpected or of another shape; what
                does fit has then been loaded, as in PyTorch.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None) or {}

        def load(module: Any, part: Any, prefix: str) -> None:
            local = dict(metadata.get(prefix[:-1], {}))
            if assign:
                local["assign_to_params_buffers"] = True
            module._load_from_state_dict(part, prefix, local, True, missing, unexpected, errors)
            for name, child in module._modules.items():
                if child is not None:
                    below = f"{prefix}{name}."
                    load(child, {k: v for k, v in part.items() if k.startswith(below)}, below)
            keys = IncompatibleKeys(missing, unexpected)
            for hook in module._load_state_dict_post_hooks.values():
                if hook(module, keys) is not None:
                    raise AssertionError(
                        "Hooks registered with ``register_load_state_dict_post_hook`` are not "
                        "expected to return new values; change the lists of incompatible_keys"
                    )

        copied: Any = OrderedDict(state_dict)  # which hooks and overrides may change
        copied._metadata = metadata
        load(self, copied, "")
        if strict:
            if unexpected:
                errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
            if missing:
                errors.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
        if errors:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
                + "\n\t".join(errors)
            )
        return IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take this module's own state; override it to read what older versions wrote.

        ``local_metadata["version"]`` is the ``_version`` of the module that saved. Problems are
        appended to the three lists.
        """
        lists = missing_keys, unexpected_keys, error_msgs
        for hook in list(self._load_state_dict_pre_hooks.values()):
            owner = (self,) if hook.public else ()
            hook(*owner, state_dict, prefix, local_metadata, strict, *lists)
        assign = local_metadata.get("assign_to_params_buffers", False)
        own = self._own_state()
        for name, t in own.items():
            key = prefix + name
            if key in state_dict:
                problem = self._take(name, t, key, state_dict[key], assign)
                if problem:
                    error_msgs.append(problem)
            elif strict:
                missing_keys.append(key)

        extra_key = prefix + EXTRA_STATE
        if self._takes_extra_state():
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)

        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra_key:
                    first, dot, _ = key[len(prefix) :].partition(".")
                    if first not in (self._modules if dot else own):
                        unexpected_keys.append(key)

    def _take(self, name: str, t: Tensor, key: str, value: Any, assign: bool) -> str | None:
        """Load ``value`` into the parameter or buffer ``t``; returns what is wrong with it."""
        if not isinstance(value, Tensor):
            return (
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like '
                f"object from checkpoint but received {type(value)}"
            )
        if is_lazy(t):
            if is_lazy(value):
                return None
            return (
                f'While copying the parameter named "{key}": it has no shape yet; call the module'
            )
        if not t.ndim and value.shape == (1,):  # scalars were saved as vectors long ago
            value = value[0]
        if value.shape != t.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {value.shape} from "
                f"checkpoint, the shape in current model is {t.shape}."
            )
        if not assign:
            with no_grad():
                t.copy_(value)
        elif not isinstance(t, Parameter):
            setattr(self, name, value)
        elif isinstance(value, Parameter):
            setattr(self, name, value.requires_grad_(t.requires_grad))
        else:
            setattr(self, name, Parameter(value, requires_grad=t.requires_grad))
        return None


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{k}"' for k in keys)
