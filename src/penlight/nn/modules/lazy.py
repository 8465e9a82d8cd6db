"""Modules that learn the sizes of their inputs from the first one."""

from __future__ import annotations

import itertools
from typing import Any

from penlight.nn.modules.hooks import ModuleHooks
from penlight.nn.parameter import is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin:
    """A base class, before that of a module, whose parameters get their shapes at the first call.

    The subclass makes :class:`UninitializedParameter` and :class:`UninitializedBuffer` in its
    ``__init__`` and materialises them in :meth:`initialize_parameters`, which the first call runs before
    ``forward``. Then the module becomes one of class ``cls_to_become``, if that is given. An optimizer
    may be made before: parameters stay the same objects.

    Loading a state materialises what the state has; a state from before the first call holds
    uninitialized tensors, which only modules in the same condition can load.
    """

    cls_to_become: type[Any] | None = None

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        module: Any = self
        self._load_hook = module._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = module.register_forward_pre_hook(
            self._infer_parameters, with_kwargs=True
        )

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialise parameters and buffers for ``forward``'s arguments; every subclass defines it."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether any of the module's own parameters and buffers has no shape yet."""
        return any(is_lazy(t) for t in self._own_tensors().values())

    def _own_tensors(self) -> dict[str, Any]:
        return dict(itertools.chain(self._parameters.items(), self._buffers.items()))

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *args: Any) -> None:
        """Give what is to be loaded its shape."""
        for name, t in self._own_tensors().items():
            value = state_dict.get(prefix + name)
            if is_lazy(t) and value is not None and not is_lazy(value):
                t.materialize(value.shape)

    def _infer_parameters(self, module: Any, args: Any, kwargs: Any = None) -> None:
        """Before the first ``forward``: initialise, and then be an ordinary module."""
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {module._get_name()} has not been fully initialized")
        for name in ("_initialize_hook", "_load_hook"):
            getattr(module, name).remove()
            delattr(module, name)
        if not any(getattr(module, table) for table in ModuleHooks.__annotations__):
            del module._hooked  # calls need not look for hooks any more
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become

    def _replicate_for_data_parallel(self) -> Any:
        raise RuntimeError(
            "Modules with uninitialized parameters can't be used with `DataParallel`. Run a dummy "
            "forward pass to correctly initialize the modules"
        )
