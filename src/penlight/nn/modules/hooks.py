"""Hooks of modules: functions that a user has called before and after forward and backward."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from penlight._core.hooks import HookTable, RemovableHandle
from penlight.nn.modules.backward_hooks import BackwardHooks

if TYPE_CHECKING:
    from penlight.nn.modules.module import Module

__all__ = [
    "HookMethods", "ModuleHooks", "global_hooks", "register_module_backward_hook",
    "register_module_forward_hook", "register_module_forward_pre_hook",
    "register_module_full_backward_hook", "register_module_full_backward_pre_hook",
]  # fmt: skip

Flags = OrderedDict[int, bool]


class ModuleHooks:
    """The tables of hooks around forward and backward: of one module, or of all (``global_hooks``)."""

    _forward_pre_hooks: HookTable
    _forward_pre_hooks_with_kwargs: Flags
    _forward_hooks: HookTable
    _forward_hooks_with_kwargs: Flags
    _forward_hooks_always_called: Flags
    _backward_pre_hooks: HookTable
    _backward_hooks: HookTable

    def _make_hook_tables(self) -> None:
        for name in ModuleHooks.__annotations__:
            object.__setattr__(self, name, OrderedDict())

    def _add_hook(
        self, table: HookTable, hook: Callable[..., Any], prepend: bool = False, **flags: Any
    ) -> RemovableHandle:
        """Register ``hook``; each flag is (a table of flags, the hook's value in it)."""
        handle = RemovableHandle(table, *(flag_table for flag_table, _ in flags.values()))
        table[handle.id] = hook
        for flag_table, value in flags.values():
            if value:
                flag_table[handle.id] = True
        if prepend:
            table.move_to_end(handle.id, last=False)
        return handle


class _GlobalHooks(ModuleHooks):
    def __init__(self) -> None:
        self._make_hook_tables()


global_hooks = _GlobalHooks()


class HookMethods(ModuleHooks):
    """What a Module can register, and the call that runs it.

    ``_hooked`` says that hooks may exist: on an instance its own, on the class those of all
    modules. ``Module.__call__`` looks at nothing else.
    """

    _hooked: bool = False
    forward: Callable[..., Any]

    def register_forward_pre_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before ``forward``; what it returns replaces ``args``.

        Args:
            hook: may return ``None``, new arguments as a tuple, or a single new argument.
            prepend: run it before the hooks that are there.
            with_kwargs: call ``hook(module, args, kwargs)``, which returns ``None`` or
                ``(args, kwargs)``.

        Returns:
            A handle whose ``remove()`` takes the hook away.
        """
        object.__setattr__(self, "_hooked", True)
        flag = (self._forward_pre_hooks_with_kwargs, with_kwargs)
        return self._add_hook(self._forward_pre_hooks, hook, prepend, with_kwargs=flag)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after ``forward``; what it returns replaces the output.

        Args:
            hook: may return ``None`` or a new output.
            prepend: run it before the hooks that are there.
            with_kwargs: call ``hook(module, args, kwargs, output)``.
            always_call: call it also when ``forward`` or another hook raises (output ``None``).

        Returns:
            A handle whose ``remove()`` takes the hook away.
        """
        object.__setattr__(self, "_hooked", True)
        return self._add_hook(
            self._forward_hooks,
            hook,
            prepend,
            with_kwargs=(self._forward_hooks_with_kwargs, with_kwargs),
            always_call=(self._forward_hooks_always_called, always_call),
        )

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the outputs' gradients are known.

        ``grad_output`` is a tuple with one gradient (or ``None``) per output; a tuple that the hook
        returns replaces it.
        """
        object.__setattr__(self, "_hooked", True)
        return self._add_hook(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the inputs' gradients are known.

        Both are tuples with one gradient (or ``None``) per positional argument and per output; a
        tuple that the hook returns replaces ``grad_input``.
        """
        object.__setattr__(self, "_hooked", True)
        return self._add_hook(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """:meth:`register_full_backward_hook`, of which PyTorch's older, deprecated form is a part."""
        return self.register_full_backward_hook(hook)

    # -- the call ----------------------------------------------------------------------------

    def _call_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """``forward`` between its hooks: those of all modules first, then this module's."""
        called: set[int] = set()
        try:
            args, kwargs = self._run_forward_pre_hooks(args, kwargs)
            backward = None
            if _any(global_hooks._backward_hooks, self._backward_hooks) or _any(
                global_hooks._backward_pre_hooks, self._backward_pre_hooks
            ):
                backward = BackwardHooks(
                    self,
                    [*global_hooks._backward_hooks.values(), *self._backward_hooks.values()],
                    [
                        *global_hooks._backward_pre_hooks.values(),
                        *self._backward_pre_hooks.values(),
                    ],
                )
                args = backward.watch_inputs(args)
            output = self.forward(*args, **kwargs)
            for tables in (global_hooks, self):
                for key, hook in list(tables._forward_hooks.items()):
                    called.add(key)
                    output = _call_forward_hook(tables, key, hook, self, args, kwargs, output)
            return output if backward is None else backward.watch_outputs(output)
        except BaseException:
            self._run_always_called_hooks(called, args, kwargs)
            raise

    def _run_forward_pre_hooks(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        for tables in (global_hooks, self):
            for key, hook in list(tables._forward_pre_hooks.items()):
                if key not in tables._forward_pre_hooks_with_kwargs:
                    result = hook(self, args)
                    if result is not None:
                        args = result if isinstance(result, tuple) else (result,)
                    continue
                result = hook(self, args, kwargs)
                if result is None:
                    continue
                if not isinstance(result, tuple) or len(result) != 2:
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {result}."
                    )
                args, kwargs = result
        return args, kwargs

    def _run_always_called_hooks(
        self, called: set[int], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """After an error: the hooks that are always called and were not yet, their errors as warnings."""
        for tables in (global_hooks, self):
            for key, hook in list(tables._forward_hooks.items()):
                if key not in tables._forward_hooks_always_called or key in called:
                    continue
                try:
                    _call_forward_hook(tables, key, hook, self, args, kwargs, None)
                except Exception as error:
                    warnings.warn(
                        f"module forward hook with always_call=True raised an exception that was "
                        f"silenced as another error was raised in forward: {error}",
                        stacklevel=4,
                    )


def _any(*tables: HookTable) -> bool:
    return any(tables)


def _call_forward_hook(
    tables: ModuleHooks,
    key: int,
    hook: Callable[..., Any],
    module: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    output: Any,
) -> Any:
    """The output after one hook."""
    if key in tables._forward_hooks_with_kwargs:
        result = hook(module, args, kwargs, output)
    else:
        result = hook(module, args, output)
    return output if result is None else result


# -- hooks of all modules ------------------------------------------------------------------------


def register_module_forward_pre_hook(hook: Callable[[Module, Any], Any]) -> RemovableHandle:
    """:meth:`Module.register_forward_pre_hook` for all modules at once, for looking and debugging."""
    HookMethods._hooked = True
    return global_hooks._add_hook(global_hooks._forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """:meth:`Module.register_forward_hook` for all modules at once."""
    HookMethods._hooked = True
    return global_hooks._add_hook(
        global_hooks._forward_hooks,
        hook,
        with_kwargs=(global_hooks._forward_hooks_with_kwargs, with_kwargs),
        always_call=(global_hooks._forward_hooks_always_called, always_call),
    )


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """:meth:`Module.register_full_backward_pre_hook` for all modules at once."""
    HookMethods._hooked = True
    return global_hooks._add_hook(global_hooks._backward_pre_hooks, hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """:meth:`Module.register_full_backward_hook` for all modules at once."""
    HookMethods._hooked = True
    return global_hooks._add_hook(global_hooks._backward_hooks, hook)


register_module_backward_hook = register_module_full_backward_hook
