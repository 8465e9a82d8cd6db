"""``Module``: the base of all layers and networks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Self

from penlight._core.hooks import HookTable, RemovableHandle
from penlight.nn.modules.conversion import ConversionMethods
from penlight.nn.modules.hooks import (
    HookMethods,
    register_module_backward_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from penlight.nn.modules.state import StateMethods
from penlight.nn.modules.tree import TreeMethods
from penlight.nn.parameter import Buffer, Parameter
from penlight.tensor import Tensor

# the hooks of all modules are listed here because PyTorch programs import them from here
__all__ = [
    "Module", "register_module_backward_hook", "register_module_buffer_registration_hook",
    "register_module_forward_hook", "register_module_forward_pre_hook",
    "register_module_full_backward_hook", "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook", "register_module_parameter_registration_hook",
]  # fmt: skip

_parameter_registration_hooks: HookTable = OrderedDict()
_buffer_registration_hooks: HookTable = OrderedDict()
_module_registration_hooks: HookTable = OrderedDict()


class Module(HookMethods, StateMethods, ConversionMethods, TreeMethods):
    """A function with state: subclasses create their parts in ``__init__`` and define ``forward``.

    A :class:`Parameter`, :class:`Buffer` or Module that becomes an attribute is registered: it is
    then found by :meth:`parameters`, :meth:`state_dict`, :meth:`to` and the like.

    Attributes:
        training: True in training mode (the start), False in evaluation mode; see :meth:`train`.
    """

    training: bool
    call_super_init: bool = False  # True: hand __init__'s arguments on to the next base class

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init and (args or kwargs):
            wrong = f"keyword argument {next(iter(kwargs))!r}" if kwargs else f"arguments {args}"
            raise TypeError(f"{type(self).__name__}: Module.__init__() got unexpected {wrong}")
        attributes = self.__dict__
        attributes["training"] = True
        attributes["_parameters"] = {}
        attributes["_buffers"] = {}
        attributes["_non_persistent_buffers_set"] = set()
        self._make_hook_tables()
        self._make_state_hook_tables()
        attributes["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # -- the call ----------------------------------------------------------------------------

    def forward(self, *input: Any) -> Any:
        """The computation of the module; every subclass defines it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooked:
            return self._call_with_hooks(*args, **kwargs)
        return self.forward(*args, **kwargs)

    # -- attributes --------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        attributes = self.__dict__
        if "_modules" in attributes:  # the last that __init__ makes
            # spelt out: every forward looks up its parameters here
            table = attributes["_parameters"]
            if name in table:
                return table[name]
            table = attributes["_modules"]
            if name in table:
                return table[name]
            table = attributes["_buffers"]
            if name in table:
                return table[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        parameters = attributes.get("_parameters", ())
        modules = attributes.get("_modules", ())
        buffers = attributes.get("_buffers", ())
        if isinstance(value, Parameter) or name in parameters:
            if value is not None and not isinstance(value, Parameter):
                raise TypeError(
                    f"cannot assign '{type_name(value)}' as parameter '{name}' "
                    "(torch.nn.Parameter or None expected)"
                )
            self._require_init("parameters")
            if name not in parameters:
                self._forget(name)
            self.register_parameter(name, value)
        elif isinstance(value, Module) or name in modules:
            if value is not None and not isinstance(value, Module):
                raise TypeError(
                    f"cannot assign '{type_name(value)}' as child module '{name}' "
                    "(torch.nn.Module or None expected)"
                )
            self._require_init("module")
            if name not in modules:
                self._forget(name)
            self._modules[name] = _registered(_module_registration_hooks, self, name, value)
        elif isinstance(value, Buffer) or name in buffers:
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{type_name(value)}' as buffer '{name}' "
                    "(torch.nn.Buffer, torch.Tensor or None expected)"
                )
            self._require_init("buffer")
            if name not in buffers:
                self._forget(name)
            if isinstance(value, Buffer):
                persistent = value.persistent
            else:
                persistent = name not in self._non_persistent_buffers_set
            self.register_buffer(name, value, persistent)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if not self._forget(name, instance=False):
            super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__}
        names.update(self._parameters, self._modules, self._buffers)
        return sorted(name for name in names if not name[0].isdigit())

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _require_init(self, kind: str) -> None:
        if "_modules" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")

    def _forget(self, name: str, *, instance: bool = True) -> bool:
        """Take a name out of all tables (and of the instance's own attributes)."""
        self.__dict__.get("_non_persistent_buffers_set", set()).discard(name)
        tables = [self.__dict__.get(t) for t in ("_parameters", "_buffers", "_modules")]
        if instance:
            tables.append(self.__dict__)
        found = [table for table in tables if table is not None and name in table]
        for table in found:
            del table[name]
        return bool(found)

    # -- registration ------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or reserve its name with ``None``.

        Raises:
            KeyError: if the name is empty, has a dot, or is taken by something else.
            TypeError: if the name is no string or ``param`` no Parameter.
        """
        self._require_init("parameter")
        self._check_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type_name(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}': it was computed from other "
                "tensors. Compute it in forward() instead"
            )
        self._parameters[name] = _registered(_parameter_registration_hooks, self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but not learned, such as a running mean.

        Args:
            name: the attribute's name.
            tensor: the buffer, or ``None`` to reserve the name.
            persistent: whether it is part of :meth:`state_dict`. Default: True.

        Raises:
            KeyError: if the name is empty, has a dot, or is taken by something else.
            TypeError: if the name is no string or ``tensor`` no Tensor.
        """
        self._require_init("buffer")
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type_name(tensor)}' object to buffer '{name}' "
                "(torch Tensor or None required)"
            )
        self._buffers[name] = _registered(_buffer_registration_hooks, self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child module, or reserve its name with ``None``.

        Raises:
            KeyError: if the name is empty, has a dot, or is taken by something else.
            TypeError: if the name is no string or ``module`` no Module.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type_name(module)} is not a Module subclass")
        self._check_name("module", name, self._modules)
        self._modules[name] = _registered(_module_registration_hooks, self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as :meth:`add_module`."""
        self.add_module(name, module)

    def _check_name(self, kind: str, name: Any, table: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type_name(name)}")
        if hasattr(self, name) and name not in table:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')

    # -- modes -------------------------------------------------------------------------------

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call ``fn`` on each module below this one, then on this one; for initialisation."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set training mode, or evaluation mode with ``False``, here and in all children.

        It matters to modules such as Dropout and BatchNorm.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode: ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set ``requires_grad`` of all parameters, to freeze or thaw the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all parameters' gradients, or set them to zeros where ``set_to_none`` is False."""
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
                continue
            if parameter.grad.grad_fn is not None:
                parameter.grad.detach_()
            else:
                parameter.grad.requires_grad_(False)
            parameter.grad.zero_()

    def share_memory(self) -> Self:
        """The module itself: memory is shared between processes by the data loader alone."""
        return self

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: there is no compiler here, and programs that ask for one run as they are."""

    # -- representation ----------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What to show of the module's own settings; subclasses override it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        if len(lines) == 1 and not self._modules:
            return f"{self._get_name()}({extra})"
        lines += [f"({name}): {_indented(repr(m))}" for name, m in self._modules.items()]
        body = "\n  " + "\n  ".join(lines) + "\n" if lines else ""
        return f"{self._get_name()}({body})"


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def type_name(value: Any) -> str:
    """PyTorch's way of naming a value's type: with its module, unless that is built in."""
    if isinstance(value, Tensor):
        return str(value.type())
    kind = type(value)
    prefix = "" if kind.__module__ in (None, "builtins") else f"{kind.__module__}."
    return prefix + kind.__qualname__


def _registered(hooks: HookTable, owner: Module, name: str, value: Any) -> Any:
    """``value``, or what the hooks on registration put in its place."""
    for hook in hooks.values():
        result = hook(owner, name, value)
        if result is not None:
            value = result
    return value


RegistrationHook = Callable[[Module, str, Any], Any]


def register_module_parameter_registration_hook(hook: RegistrationHook) -> RemovableHandle:
    """Call ``hook(module, name, parameter)`` when any module registers one; its result replaces it."""
    return RemovableHandle.register(_parameter_registration_hooks, hook)


def register_module_buffer_registration_hook(hook: RegistrationHook) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` when any module registers one; its result replaces it."""
    return RemovableHandle.register(_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: RegistrationHook) -> RemovableHandle:
    """Call ``hook(module, name, child)`` when any module registers one; its result replaces it."""
    return RemovableHandle.register(_module_registration_hooks, hook)
