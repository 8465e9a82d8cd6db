"""Walking over a module's parts: parameters, buffers, children, by name and by path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from penlight.nn.parameter import Parameter
from penlight.tensor import Tensor

if TYPE_CHECKING:
    from penlight.nn.modules.module import Module

__all__ = ["TreeMethods"]


class TreeMethods:
    """The part of Module that lists and finds."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]

    # -- lists -------------------------------------------------------------------------------

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once; with ``recurse=False`` only the module's own."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Names, such as ``"0.weight"``, and parameters.

        Args:
            prefix: put before each name.
            recurse: include those of all modules below.
            remove_duplicate: list a shared parameter once, under its first name.
        """
        return self._named_members(
            lambda module: module._parameters.items(), prefix, recurse, remove_duplicate
        )

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once; with ``recurse=False`` only the module's own."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Names and buffers; arguments as for :meth:`named_parameters`."""
        return self._named_members(
            lambda module: module._buffers.items(), prefix, recurse, remove_duplicate
        )

    def children(self) -> Iterator[Module]:
        """The modules directly below, each once."""
        for _, module in self.named_children():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Names and modules directly below, each module once."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """The module itself and all below it, in depth-first order."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Paths, such as ``"features.0"``, and modules, from this one (``""``) downwards.

        Args:
            memo: modules to leave out.
            prefix: the path of this module.
            remove_duplicate: list a shared module once.
        """
        if memo is None:
            memo = set()
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self  # type: ignore[misc]
        for name, module in self._modules.items():
            if module is not None:
                below = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, below, remove_duplicate)

    def _named_members(
        self,
        get_members_fn: Callable[[Module], Iterable[tuple[str, Any]]],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        """Members of this module and, with ``recurse``, of those below; ``None`` is left out."""
        seen: set[int] = set()
        places: Any = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in places:
            for name, member in get_members_fn(module):
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    # -- by path -----------------------------------------------------------------------------

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as ``"features.0"``; the module itself for ``""``.

        Raises:
            AttributeError: if there is nothing at the path, or something that is no Module.
        """
        module: Any = self
        for name in target.split(".") if target else ():
            parent = module
            if not hasattr(parent, name):
                raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
            module = getattr(parent, name)
            if not isinstance(module, TreeMethods):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put ``module`` in the place of the one at a path.

        Args:
            target: the path; its parent must exist.
            module: what to put there.
            strict: the path itself must exist too.

        Raises:
            ValueError: if the path is empty or ``module`` is no Module.
            AttributeError: if the parent (with ``strict`` the module) does not exist.
        """
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, TreeMethods):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        present = getattr(parent, name, None)
        if present is not None and not isinstance(present, TreeMethods):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as ``"features.0.weight"``.

        Raises:
            AttributeError: if there is nothing at the path, or something that is no Parameter.
        """
        value = self._get_at(target)
        if not isinstance(value, Parameter):
            raise AttributeError(f"`{target}` is not an nn.Parameter")
        return value

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path.

        Raises:
            AttributeError: if there is nothing at the path, or something that is no buffer.
        """
        path, _, name = target.rpartition(".")
        value = self._get_at(target)
        if name not in self.get_submodule(path)._buffers:
            raise AttributeError(f"`{target}` is not a buffer")
        return value

    def _get_at(self, target: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        return getattr(module, name)
