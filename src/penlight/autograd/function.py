"""``Function``: operations written by users, with PyTorch's contract: Tensors in, Tensors out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase, View, wrap
from penlight.autograd.grad_mode import mode, no_grad
from penlight.autograd.op import Op, _next_sequence

__all__ = ["Function", "once_differentiable"]


class Function(Op):
    """Subclass it, write ``forward(ctx, ...)`` and ``backward(ctx, *grads)``, call ``.apply(...)``.

    Both methods are static and see Tensors. ``forward`` runs unrecorded; it keeps tensors with
    ``ctx.save_for_backward`` and anything else as attributes of ``ctx``. ``backward`` returns one
    gradient per argument of ``forward``, ``None`` for those that need none. The newer form with
    ``forward(...)`` without ctx and ``setup_context(ctx, inputs, output)`` works too.

    Example:
        >>> class Square(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     def backward(ctx, dy):
        ...         (x,) = ctx.saved_tensors
        ...         return 2 * x * dy
    """

    def __init__(self) -> None:
        super().__init__()
        self._to_save: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self._constant: tuple[Any, ...] = ()

    # -- for use in forward ------------------------------------------------------------------

    def save_for_backward(self, *tensors: TensorBase | None) -> None:
        """Keep tensors (inputs, outputs or others; ``None`` passes) for backward."""
        for t in tensors:
            if t is not None and not isinstance(t, TensorBase):
                raise TypeError(
                    f"save_for_backward can only save variables, but got {type(t).__name__}; keep "
                    "other values as attributes of ctx"
                )
        self._to_save = tensors

    def mark_dirty(self, *tensors: TensorBase) -> None:
        """Declare inputs that forward changed in place; they must be returned."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: TensorBase) -> None:
        """Declare outputs that have no gradient, such as indices."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """False: backward gets ``None``, not zeros, for outputs that were not used."""
        self.materialize = value

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        raise NotImplementedError("setup_context is not implemented: override it in your subclass")

    # -- for use in backward -----------------------------------------------------------------

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What ``save_for_backward`` kept."""
        items = self.saved
        if mode.grad:
            return items
        return tuple(wrap(self._kind, a) if isinstance(a, np.ndarray) else a for a in items)

    # -- the engine's side -------------------------------------------------------------------

    def name(self) -> str:
        return f"{type(self).__name__}Backward"

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        node = cls()
        recording = mode.grad
        kind = next((x._result_type for x in inputs if isinstance(x, TensorBase)), None)
        node.edges = [
            (x.grad_fn or x, x._output_nr)
            if recording and isinstance(x, TensorBase) and x._requires_grad
            else None
            for x in inputs
        ]
        with no_grad():
            if cls.setup_context is Function.setup_context:
                output = cls.forward(node, *inputs)
            else:
                output = cls.forward(*inputs)
                cls.setup_context(node, inputs, output)
        outputs = output if isinstance(output, tuple) else (output,)
        if any(node.edges):
            outputs = node._record(kind or TensorBase._result_type, inputs, outputs)
        return outputs if isinstance(output, tuple) else outputs[0]

    def _record(
        self, kind: type[TensorBase], inputs: tuple[Any, ...], outputs: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        """Give the outputs this node as their history."""
        self.sequence = _next_sequence()
        # an input returned as it came gets an alias: the input itself keeps its own history
        results = tuple(
            _alias(y) if any(y is x for x in inputs) and not _among(y, self._dirty) else y
            for y in outputs
        )
        self.metas = [
            (y._array.shape, y._array.dtype) if isinstance(y, TensorBase) else ((), np.dtype("f4"))
            for y in results
        ]
        if self._to_save:
            self.save(*(None if t is None else t._array for t in self._to_save))
            known = (*inputs, *(t for t in self._to_save if not _among(t, outputs)))
            self._note_sources(kind, tuple(x for x in known if x is not None), results)
        for nr, (y, original) in enumerate(zip(results, outputs, strict=True)):
            if not isinstance(y, TensorBase) or _among(original, self._constant):
                continue
            if y._array.dtype.kind in "fc":
                y._node, y._output_nr, y._requires_grad = self, nr, True
                if _among(original, self._dirty) and y._counter is not None:
                    y._counter[0] += 1
        return results

    def call_backward(self, grads: list[Any]) -> Any:
        kind = TensorBase._result_type
        tensors = [g if g is None or isinstance(g, TensorBase) else wrap(kind, g) for g in grads]
        results = self.backward(self, *tensors)
        results = results if isinstance(results, tuple) else (results,)
        expected, extra = len(self.edges), results[len(self.edges) :]
        if len(results) < expected or any(r is not None for r in extra):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected "
                f"{expected}, got {len(results)})"
            )
        results = results[:expected]
        return results if mode.grad else tuple(getattr(r, "_array", r) for r in results)


def _among(t: Any, tensors: tuple[Any, ...]) -> bool:
    return any(t is other for other in tensors)


def _alias(t: TensorBase) -> TensorBase:
    alias = wrap(t._result_type, t._array)
    alias._counter = t._counter
    alias._view = View(t, None, t._node)
    return alias


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a ``backward`` that can't be differentiated again: doing so then raises."""

    @functools.wraps(backward)
    def wrapped(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            results = backward(ctx, *grads)
        if not mode.grad or not any(g is not None and g.requires_grad for g in grads):
            return results
        many = results if isinstance(results, tuple) else (results,)
        dead = tuple(
            _NotTwice.apply(r, *[g for g in grads if g is not None]) if r is not None else None
            for r in many
        )
        return dead if isinstance(results, tuple) else dead[0]

    return wrapped


class _NotTwice(Op):
    """y = x with a history that refuses to be differentiated."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, *grads: np.ndarray) -> np.ndarray:
        return x.copy()

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )
