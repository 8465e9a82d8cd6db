"""Parametrizations: a parameter W is computed as f(V) whenever it is read, and V is what is learned.

A module with a parametrized ``weight`` gets a class of its own in which ``weight`` is a property. What
is learned stands in ``module.parametrizations.weight.original`` (``original0``, ``original1``, ... where
f takes several tensors), and f is ``module.parametrizations.weight[0]``; further ones are applied on top.

Source: Lezcano Casado, "Trivializations for Gradient-Based Optimization on Manifolds", 2019.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from penlight.autograd.grad_mode import no_grad
from penlight.autograd.inplace import bump_version
from penlight.nn.modules.container import ModuleDict, ModuleList
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter
from penlight.tensor import Tensor

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "transfer_parametrizations_and_params", "type_before_parametrizations",
]  # fmt: skip


class _Cache:
    """The parametrized tensors computed so far, while a ``cached()`` block is open."""

    def __init__(self) -> None:
        self.blocks = 0
        self.values: dict[tuple[int, str], Any] = {}


_cache = _Cache()


@contextmanager
def cached() -> Iterator[None]:
    """Inside the block each parametrized tensor is computed once, when it is first read.

    Worth it where a module uses its weight many times in one pass, as a recurrent cell does.
    """
    _cache.blocks += 1
    try:
        yield
    finally:
        _cache.blocks -= 1
        if not _cache.blocks:
            _cache.values.clear()


class ParametrizationList(ModuleList):
    """What a parametrized tensor is made from, and the modules that make it, applied in order.

    :func:`register_parametrization` builds it.

    Args:
        modules: the parametrizations.
        original: the tensor as it was; the modules' ``right_inverse`` finds what to store for it.
        unsafe: do not check that shape and dtype stay.

    Attributes:
        is_tensor: whether one tensor ``original`` is stored; else ``ntensors`` of them,
            ``original0``, ``original1``, ...
    """

    original: Tensor
    unsafe: bool

    def __init__(
        self, modules: Sequence[Module], original: Tensor | Parameter, unsafe: bool = False
    ) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with no_grad():
            new: Any = original
            for module in reversed(self):
                new = _inverse_or_same(module, new)
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got "
                f"{type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        if isinstance(new, Tensor):
            if new.dtype != dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype: original "
                    f"{dtype}, new {new.dtype}"
                )
            _take_over(original, new)
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                self._register_part(i, part, original)
        if not unsafe:
            self._check_result(shape, dtype)

    def _register_part(self, i: int, part: Any, original: Tensor) -> None:
        if not isinstance(part, Tensor):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got "
                f"element {i} of the sequence with type {type(part).__name__}."
            )
        if isinstance(original, Parameter):
            part = Parameter(part, original.requires_grad)
        part.requires_grad_(original.requires_grad)
        _register(self, f"original{i}", part)

    def _check_result(self, shape: Any, dtype: Any) -> None:
        result = self()
        if not isinstance(result, Tensor):
            raise ValueError(
                f"A parametrization must return a tensor. Got {type(result).__name__}."
            )
        for what, old, new in (("dtype", dtype, result.dtype), ("shape", shape, result.shape)):
            if old != new:
                raise ValueError(
                    f"Registering a parametrization may not change the {what} of the tensor, unless "
                    f"`unsafe` flag is enabled: unparametrized {old}, parametrized {new}"
                )

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Store what gives ``value``, by the modules' ``right_inverse`` from last to first.

        Raises:
            RuntimeError: if one of them has none.
            ValueError: if the result does not fit what is stored.
        """
        with no_grad():
            new: Any = value
            for module in reversed(self):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                new = module.right_inverse(new)
            for original, part in zip(self._originals(), self._parts_of(new), strict=True):
                _take_over(original, part)

    def _parts_of(self, new: Any) -> list[Tensor]:
        """The tensors that ``right_inverse`` gave, checked."""
        if self.is_tensor:
            if not isinstance(new, Tensor):
                raise ValueError(
                    f"`right_inverse` should return a tensor. Got {type(new).__name__}"
                )
            parts = [new]
        else:
            if not isinstance(new, Sequence):
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors. Got {type(new).__name__}."
                )
            if len(new) != self.ntensors:
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                    f"Got a sequence of length {len(new)}."
                )
            parts = list(new)
        for i, (original, part) in enumerate(zip(self._originals(), parts, strict=True)):
            if not isinstance(part, Tensor):
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors. Got element "
                    f"{i} of type {type(part).__name__}."
                )
            if part.dtype != original.dtype:
                name = "original" if self.is_tensor else f"original{i}"
                raise ValueError(
                    f"The tensor returned by `right_inverse` has dtype {part.dtype} while `{name}` "
                    f"has dtype {original.dtype}"
                )
        return parts

    def forward(self) -> Tensor:
        """f_n(... f_1(originals))."""
        first, *others = self
        value = first(*self._originals())
        for parametrization in others:
            value = parametrization(value)
        return value


def _inverse_or_same(module: Module, value: Any) -> Any:
    """What ``module`` maps to ``value``; ``value`` itself if it can't tell."""
    if not hasattr(module, "right_inverse"):
        return value
    try:
        return module.right_inverse(value)
    except NotImplementedError:
        return value


def _take_over(original: Tensor, new: Tensor) -> None:
    """Give ``original``, which optimizers may know, the memory of ``new``."""
    bump_version(original)
    original._array = new.detach()._array


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


# -- the module's class of its own -----------------------------------------------------------------


def _refuse_pickling(self: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(): save that, and "
        "load it into a module with the same parametrizations"
    )


def _deepcopied(self: Any, memo: dict[int, Any]) -> Any:
    """A copy of the module, which keeps the parametrized class."""
    if id(self) in memo:
        return memo[id(self)]
    new = self.__new__(type(self))
    memo[id(self)] = new
    new.__dict__ = copy.deepcopy(self.__dict__, memo)
    return new


def _give_own_class(module: Module) -> None:
    """Make ``module`` the only one of a new class ``Parametrized...``, which can have properties."""
    known = type(module)
    methods: dict[str, Any] = {"__getstate__": _refuse_pickling, "__module__": __name__}
    if not hasattr(known, "__deepcopy__"):
        methods["__deepcopy__"] = _deepcopied
    module.__class__ = type(f"Parametrized{known.__name__}", (known,), methods)


def _give_property(module: Module, name: str) -> None:
    """Make ``module.<name>`` compute its value, and take one by ``right_inverse``."""

    def read(self: Any) -> Tensor:
        make = self.parametrizations[name]
        if not _cache.blocks:
            return make()
        key = id(self), name
        if key not in _cache.values:
            _cache.values[key] = make()
        return _cache.values[key]

    def write(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(read, write))


# -- what users call -------------------------------------------------------------------------------


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Compute a parameter or buffer of ``module`` by ``parametrization`` from now on.

    ``parametrization.right_inverse(W)``, if there is one, gives what to store so that the tensor starts
    with its present value; it may return several tensors, which ``forward`` then takes. A tensor that is
    parametrized already gets a further parametrization on top.

    Args:
        module: the owner, which is changed and returned.
        tensor_name: the name of the parameter or buffer.
        parametrization: maps what is learned to the tensor.
        unsafe: the parametrization may change shape and dtype; nothing is checked. Default: False.

    Raises:
        ValueError: if there is no such tensor, or the parametrization changes its shape or dtype.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        parametrizations: Any = module.parametrizations[tensor_name]
        if not unsafe:
            _check_on_top(module, tensor_name, parametrization)
        parametrizations.append(parametrization)
        parametrizations.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        parametrizations = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _give_own_class(module)
            module.parametrizations = ModuleDict()
        _give_property(module, tensor_name)
        module.parametrizations[tensor_name] = parametrizations
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with "
            f"name '{tensor_name}'"
        )
    return module


def _check_on_top(module: Module, tensor_name: str, parametrization: Any) -> None:
    """Raise if a further parametrization, or its ``right_inverse``, changes shape or dtype."""
    present = getattr(module, tensor_name)
    results = {"parametrization": parametrization(present)}
    if hasattr(parametrization, "right_inverse"):
        with suppress(NotImplementedError):
            results["parametrization.right_inverse"] = parametrization.right_inverse(present)
    for what, result in results.items():
        if not isinstance(result, Tensor):
            raise ValueError(f"{what} must return a tensor. Got {type(result).__name__}.")
        for kind, old, new in (
            ("dtype", present.dtype, result.dtype),
            ("shape", present.shape, result.shape),
        ):
            if old != new:
                raise ValueError(
                    f"Registering a parametrization may not change the {kind} of the tensor, unless the "
                    f"`unsafe` flag is enabled: module.{tensor_name} has {old}, {what} gives {new}"
                )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether ``module`` has parametrizations, or one of ``tensor_name``."""
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make a parametrized tensor an ordinary parameter or buffer again.

    Args:
        module: the owner, which is changed and returned.
        tensor_name: the name of the tensor.
        leave_parametrized: keep the present value; else the stored original's. Default: True.

    Raises:
        ValueError: if the tensor is not parametrized, or its original is several tensors and is to be
            left.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parametrizations: Any = module.parametrizations[tensor_name]
    if not parametrizations.is_tensor and not leave_parametrized:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in "
            "terms of a sequence of tensors."
        )
    if parametrizations.is_tensor:
        original = parametrizations.original
        if leave_parametrized:
            with no_grad():
                _take_over(original, getattr(module, tensor_name))
    else:
        value = getattr(module, tensor_name)
        original = Parameter(value.detach()) if value.requires_grad else value
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that ``module`` had before it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give ``to_module`` the parametrizations of ``from_module``, and the parameters they stand on.

    Args:
        tensor_name: the only tensor to transfer. Default: all that are parametrized.

    Returns:
        ``to_module``; both share parametrizations and parameters afterwards.
    """
    if not is_parametrized(from_module):
        return to_module
    source: Any = from_module.parametrizations
    names = list(source) if tensor_name is None else [tensor_name]
    for name in names:
        own = source[name]
        if not hasattr(to_module, name):
            value = getattr(from_module, name).detach()
            _register(to_module, name, Parameter(value))
        for parametrization in own:
            register_parametrization(to_module, name, parametrization, unsafe=own.unsafe)
        target: Any = to_module.parametrizations
        for key in [*own._parameters, *own._buffers]:
            setattr(target[name], key, getattr(own, key))
    return to_module
