"""What users hang on the graph: hooks on tensors' gradients, on nodes, on leaves; ``retain_grad``."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from penlight._core.hooks import HookTable, RemovableHandle

if TYPE_CHECKING:
    from penlight.autograd.base import TensorBase

__all__ = ["Hooks", "hooks_of_leaf", "replaced_gradient", "replaced_gradients"]


class Hooks:
    """The hooks of one node, or of one leaf.

    They run in this order: those on the gradient of an output, the storing of retained gradients,
    those before the node, the node itself, for a leaf those after its ``.grad`` was added to, and
    those after the node.
    """

    __slots__ = ("accumulated", "accumulator", "after", "before", "on_output", "retained")

    any_on_leaves = False
    """True once a leaf has had a hook: only then must leaves be finished as soon as they can be."""

    def __init__(self) -> None:
        self.on_output: dict[int, HookTable] = {}
        self.retained: dict[int, weakref.ref[TensorBase]] = {}
        self.before = HookTable()
        self.after = HookTable()
        self.accumulated = HookTable()
        self.accumulator: weakref.ref[Any] | None = (
            None  # the leaf's AccumulateGrad, if one is held
        )

    def register_on_output(self, nr: int, hook: Callable[..., Any]) -> RemovableHandle:
        return RemovableHandle.register(self.on_output.setdefault(nr, HookTable()), hook)

    def retain(self, tensor: TensorBase) -> None:
        """Store the gradient of ``tensor``, which is held weakly, in its ``.grad``."""
        self.retained[tensor._output_nr] = weakref.ref(tensor)

    def is_retaining(self, tensor: TensorBase) -> bool:
        reference = self.retained.get(tensor._output_nr)
        return reference is not None and reference() is tensor


def hooks_of_leaf(leaf: TensorBase) -> Hooks:
    """The leaf's hooks, made if it has none."""
    Hooks.any_on_leaves = True
    if leaf._hooks is None:
        leaf._hooks = Hooks()
    return leaf._hooks


def replaced_gradient(hook: Callable[..., Any], old: TensorBase, new: Any) -> TensorBase:
    """What a hook on a gradient returned, checked; ``None`` keeps the old one.

    Raises:
        TypeError: if it is no tensor.
        RuntimeError: if it has another shape or dtype.
    """
    if new is None:
        return old
    if not hasattr(new, "_array"):
        raise TypeError(f"expected a Tensor or None, but hook returned {type(new).__name__!r}")
    name = getattr(hook, "__name__", type(hook).__name__)
    for what, a, b in (
        ("size", old._array.shape, new._array.shape),
        ("type", old._array.dtype, new._array.dtype),
    ):
        if a != b:
            raise RuntimeError(f"hook {name!r} has changed the {what} of value: was {a}, got {b}")
    return new


def replaced_gradients(hook: Callable[..., Any], old: tuple[Any, ...], new: Any) -> tuple[Any, ...]:
    """What a hook on a node returned, checked; ``None`` keeps the old ones, in a tuple it drops one.

    Raises:
        TypeError: if it is no tuple of tensors.
        RuntimeError: if their number, a shape or a dtype is another.
    """
    if new is None:
        return old
    if not isinstance(new, tuple):
        raise TypeError(f"expected a tuple, but hook returned {type(new).__name__!r}")
    if len(new) != len(old):
        name = getattr(hook, "__name__", type(hook).__name__)
        raise RuntimeError(
            f"hook {name!r} has returned an incorrect number of values (got {len(new)}, but "
            f"expected {len(old)})"
        )
    gradients = []
    for a, b in zip(old, new, strict=True):
        if a is None and b is not None:
            raise RuntimeError("can't replace a None gradient with a non-None value")
        gradients.append(None if b is None else replaced_gradient(hook, a, b))
    return tuple(gradients)
