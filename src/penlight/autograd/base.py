"""``TensorBase``: the bare holder of an array and of its place in the graph, without operators.

The engine and the ops know this class alone; ``penlight.tensor.Tensor`` adds operators and methods.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from penlight._core.arrays import ArrayLike
from penlight._core.hooks import RemovableHandle
from penlight.autograd.grad_mode import mode
from penlight.autograd.hooks import Hooks, hooks_of_leaf

if TYPE_CHECKING:
    from penlight.autograd.node import Node

__all__ = ["TensorBase", "View", "wrap"]


class View(NamedTuple):
    """How a tensor that shares another's memory was made, so that its history can be made anew.

    Attributes:
        base: the tensor that owns the memory (never a view itself).
        path: the view ops that lead from the base here, with their arguments.
        version: the memory's version when the present history was made.
        origin: why the history can't be made anew, in words; empty if it can.
    """

    base: TensorBase
    path: tuple[tuple[Any, tuple[Any, ...]], ...]
    version: int
    origin: str


class TensorBase:
    """An ndarray, its gradient, and the node of the graph that made it.

    A *leaf* has no node: the user made it. Version counters are one-element lists, shared by all
    tensors that share memory; every in-place change raises them. A tensor made in inference mode
    has none.
    """

    __slots__ = (
        "__dict__", "__weakref__", "_array", "_counter", "_grad", "_hooks", "_node", "_output_nr",
        "_requires_grad", "_view",
    )  # fmt: skip

    _result_type: type[TensorBase]  # what operations return

    _array: np.ndarray
    _counter: list[int] | None
    _grad: TensorBase | None
    _hooks: Hooks | None  # of a leaf; others' stand in their node
    _node: Node | None
    _output_nr: int
    _requires_grad: bool
    _view: View | None

    # -- the graph ---------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are wanted for this tensor or something it was computed from."""
        if self._requires_grad or (self._view is not None and self._view.base._requires_grad):
            return True
        array: Any = self._array
        return type(array) is not np.ndarray and array.requires_grad  # what stands for a batch

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError(f"requires_grad must be a bool, got {type(value).__name__}")
        if self._node is not None:
            if not value:
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use "
                    "a computed variable in a subgraph that doesn't require differentiation use "
                    "var_no_grad = var.detach()."
                )
            return
        if value and isinstance(self._array, ArrayLike):
            raise RuntimeError(
                "You are attempting to call Tensor.requires_grad_() inside of a function being transformed "
                "by vmap. Use torch.func.grad, vjp or jacrev inside of it, or call it outside"
            )
        if value and self._array.dtype.kind not in "fc":
            raise RuntimeError(
                "only Tensors of floating point and complex dtype can require gradients, got "
                f"dtype {self._array.dtype}"
            )
        if value and self._counter is None and not mode.inference:
            raise RuntimeError(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not "
                "allowed; make a normal one with clone() first"
            )
        self._requires_grad = value

    @property
    def is_leaf(self) -> bool:
        """True for tensors that no recorded operation made."""
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Node | None:
        """The node of the operation that made this tensor; ``None`` for leaves."""
        if self._view is not None:
            self._follow_base()
        return self._node

    @property
    def output_nr(self) -> int:
        """Which of its node's outputs this tensor is."""
        return self._output_nr

    @property
    def grad(self) -> Any:
        """The gradient that ``backward`` has added up here so far, or ``None``."""
        if self._grad is None and self._node is not None and not self.retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its "
                ".grad attribute won't be populated during autograd.backward(). Call "
                ".retain_grad() on the non-leaf Tensor if you want it.",
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: TensorBase | None) -> None:
        if value is not None:
            self._check_new_gradient(value)
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def _check_new_gradient(self, value: Any) -> None:
        if not isinstance(value, TensorBase):
            raise TypeError(
                f"assigned grad expected to be a Tensor or None but got {type(value).__name__}"
            )
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if value._array.dtype != self._array.dtype:
            raise RuntimeError(
                f"assigned grad has data of a different type: expected {self._array.dtype}, "
                f"got {value._array.dtype}"
            )
        if value._array.shape != self._array.shape:
            raise RuntimeError(
                f"assigned grad has data of a different size: expected {self._array.shape}, got "
                f"{value._array.shape}"
            )

    @property
    def _version(self) -> int:
        if self._counter is None:
            raise RuntimeError("Inference tensors do not track version counter.")
        return self._counter[0]

    @property
    def _base(self) -> TensorBase | None:
        """The tensor whose memory this one is a view of."""
        return None if self._view is None else self._view.base

    def _is_view(self) -> bool:
        return self._view is not None

    def is_inference(self) -> bool:
        """True for tensors made in inference mode."""
        return self._counter is None

    def _follow_base(self) -> None:
        """Make a view's history anew if its memory was changed in place since it was made.

        Raises:
            RuntimeError: if that can't be done.
        """
        base, path, version, origin = self._view  # type: ignore[misc]
        if self._counter is None or self._counter[0] == version:
            return
        if self._node is None and not base._requires_grad:
            return
        if origin:
            raise RuntimeError(
                "this tensor is a view and its base or another view of its base has been modified "
                f"inplace, but it {origin}: its gradient is not defined. Use an out-of-place "
                "operation instead"
            )
        previous = mode.grad, mode.inference
        try:
            mode.set(True, False)
            view: TensorBase = base
            for op, arguments in path:
                view = op.apply(view, *arguments)
        finally:
            mode.set(*previous)
        self._rebase(view)
        self._view = View(base, path, self._counter[0], "")

    def _rebase(self, other: TensorBase) -> None:
        """Take over ``other``'s place in the graph. ``retain_grad`` moves along."""
        hooks = None if self._node is None else self._node._hooks
        retaining = hooks is not None and hooks.is_retaining(self)
        if retaining:
            del hooks.retained[self._output_nr]  # type: ignore[union-attr]
        self._node, self._output_nr = other._node, other._output_nr
        self._requires_grad = other._requires_grad
        if retaining and self._node is not None:
            self._node._own_hooks().retain(self)

    # -- hooks -------------------------------------------------------------------------------

    def register_hook(self, hook: Callable[[Any], Any]) -> RemovableHandle:
        """Call ``hook(grad)`` when this tensor's gradient is known; what it returns replaces it.

        Raises:
            RuntimeError: if the tensor does not require gradients.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if isinstance(self._array, ArrayLike):
            raise RuntimeError(
                "cannot register a hook on a tensor inside vmap; register it outside"
            )
        node = self.grad_fn
        hooks = hooks_of_leaf(self) if node is None else node._own_hooks()
        return hooks.register_on_output(self._output_nr, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Any], None]) -> RemovableHandle:
        """Call ``hook(tensor)`` after a backward pass has added to this leaf's ``.grad``.

        Raises:
            RuntimeError: if the tensor does not require gradients or is no leaf.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is not None:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors"
            )
        return RemovableHandle.register(hooks_of_leaf(self).accumulated, hook)

    def retain_grad(self) -> None:
        """Keep this tensor's gradient in ``.grad`` although it is not a leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        node = self.grad_fn
        if node is not None:
            node._own_hooks().retain(self)

    @property
    def retains_grad(self) -> bool:
        """True for a non-leaf whose gradient ``backward`` will keep."""
        hooks = None if self._node is None else self._node._hooks
        return hooks is not None and hooks.is_retaining(self)


_new: Any = object.__new__


def wrap(cls: type[TensorBase], array: np.ndarray, counted: bool = False) -> Any:
    """A leaf of class ``cls`` around an array, past all checks: the one place that makes tensors.

    Args:
        counted: known to be outside inference mode.
    """
    t = _new(cls)
    t._array = array
    t._counter = [0] if counted or not mode.inference else None
    t._grad = None
    t._hooks = None
    t._node = None
    t._output_nr = 0
    t._requires_grad = False
    t._view = None
    return t
