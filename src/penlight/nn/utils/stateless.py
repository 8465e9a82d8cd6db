"""Calling a module with other parameters and buffers than its own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = ["functional_call"]

_NOTHING: Any = object()  # where there is no attribute


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """The old name of :func:`penlight.func.functional_call`, for one dictionary."""
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed "
        "in a future version of PyTorch. Please use `torch.func.functional_call` instead which is a "
        "drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return call_with(
        module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict
    )


def call_with(
    module: Module,
    tensors: dict[str, Any],
    args: Any,
    kwargs: dict[str, Any] | None,
    *,
    tie_weights: bool,
    strict: bool,
) -> Any:
    """``module(*args, **kwargs)`` with ``tensors``, by their paths, in the place of its own.

    What the call assigns to the replaced names is found in ``tensors`` afterwards.
    """
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _replaced(module, tensors, tie_weights, strict):
        return module(*args, **({} if kwargs is None else kwargs))


@contextmanager
def _replaced(
    module: Module, tensors: dict[str, Any], tie_weights: bool, strict: bool
) -> Iterator[None]:
    """Inside the block the module has ``tensors``; afterwards what it had before."""
    wanted = _with_tied(module, tensors) if tie_weights else dict(tensors)
    if strict:
        _check_names(module, tensors, wanted)
    places = [(_Place(module, path), path, value) for path, value in wanted.items()]
    before: list[tuple[_Place, str, Any]] = []
    try:
        for place, path, value in places:
            before.append((place, path, place.exchange(value)))
        yield
    finally:
        for place, path, value in reversed(before):
            now = place.exchange(value)
            if path in tensors and now is not _NOTHING:
                tensors[path] = now


class _Place:
    """A name in a module: of a parameter, a buffer, or another attribute that is a tensor."""

    def __init__(self, module: Module, path: str) -> None:
        prefix, _, self.name = path.rpartition(".")
        self.owner = module.get_submodule(prefix)

    def exchange(self, value: Any) -> Any:
        """Put ``value`` there; returns what was there.

        Raises:
            TypeError: if one of the two is no tensor.
        """
        if value is not None and value is not _NOTHING and not isinstance(value, Tensor):
            raise TypeError(f"{value} is not an instance of torch.Tensor")
        owner, name = self.owner, self.name
        for table in (owner._parameters, owner._buffers):
            if name in table:
                old, table[name] = table[name], value
                return old
        old = getattr(owner, name, _NOTHING)
        if old is not _NOTHING and not isinstance(old, Tensor):
            raise TypeError(f"attribute `{name}`: {old} is not an instance of torch.Tensor")
        if value is _NOTHING:
            delattr(owner, name)
        else:
            setattr(owner, name, value)
        return old


def _with_tied(module: Module, tensors: dict[str, Any]) -> dict[str, Any]:
    """``tensors`` also for the other names of the parameters and buffers that they stand for.

    Raises:
        ValueError: if names of the same one are given different tensors.
    """
    names_of: dict[int, list[str]] = {}
    name: str
    for name, tensor in _named_tensors(module):
        names_of.setdefault(id(tensor), []).append(name)
    wanted = dict(tensors)
    for names in names_of.values():
        given = [name for name in names if name in tensors]
        if len(given) > 1 and any(tensors[n] is not tensors[given[0]] for n in given):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(given)}, which are tied. "
                "Consider using tie_weights=False"
            )
        if given:
            wanted.update(dict.fromkeys(names, tensors[given[0]]))
    return wanted


def _named_tensors(module: Module) -> list[tuple[str, Any]]:
    return [
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ]


def _check_names(module: Module, given: dict[str, Any], covered: dict[str, Any]) -> None:
    """Raise if names are given that the module does not have, or not given that it has."""
    names = {name for name, _ in _named_tensors(module)}
    problems = [
        f"{what} key(s): {', '.join(repr(n) for n in sorted(found))}."
        for what, found in (
            ("Unexpected", given.keys() - names),
            ("Missing", names - covered.keys()),
        )
        if found
    ]
    if problems:
        raise RuntimeError(
            f"Error(s) in reparametrizing for {module._get_name()}:\n\t" + "\n\t".join(problems)
        )
