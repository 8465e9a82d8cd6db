"""``Function``: operations written by users, with PyTorch's contract: Tensors in, Tensors out."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.autograd import anomaly, batching, saved_values
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.grad_mode import mode, no_grad
from penlight.autograd.inplace import bump_version, check_inplace, set_history
from penlight.autograd.node import Edge, Node, Source, next_sequence, source_of
from penlight.autograd.op import Op, mark_view

__all__ = ["Function", "FunctionCtx", "NestedIOFunction", "once_differentiable"]


class FunctionCtx(Node):
    """What ``ctx`` offers in ``forward`` and ``backward``; other attributes of it are the user's."""

    needs_input_grad: tuple[bool, ...]
    """For each argument of ``apply``, whether its gradient is wanted."""

    _to_save: tuple[Any, ...] = ()
    _dirty: tuple[Any, ...] = ()
    _constant: tuple[Any, ...] = ()
    _other_edges: tuple[Edge, ...] = ()  # of saved tensors that are neither inputs nor outputs

    def save_for_backward(self, *tensors: TensorBase | None) -> None:
        """Keep tensors (inputs, outputs or others; ``None`` passes) for backward.

        Raises:
            TypeError: for anything else, which may be kept as an attribute of ``ctx``.
        """
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, TensorBase):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type "
                    f"{type(t).__name__}; keep other values as attributes of ctx"
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
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What ``save_for_backward`` kept, with the places in the graph that they had.

        Raises:
            RuntimeError: if it was freed by an earlier backward, or changed in place since.
        """
        return self._as_tensors(self._saved_arrays())

    def _edge_of_saved(self, number: int) -> Edge:
        own = len(self._edges)
        return self._edges[number] if number < own else self._other_edges[number - own]


class Function(FunctionCtx):
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

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        raise NotImplementedError("setup_context is not implemented: override it in your subclass")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    vjp = backward

    def _name(self) -> str:
        return f"{type(self).__name__}Backward"

    def __call__(self, *args: Any) -> Any:
        if not hasattr(self, "_edges"):
            raise RuntimeError(
                "Legacy autograd function with non-static forward method is deprecated: call "
                f"{type(self).__name__}.apply(...) on the class instead"
            )
        return super().__call__(*args)

    # -- forward -----------------------------------------------------------------------------

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Compute, and record a node if one of ``args`` is a tensor that requires gradients.

        Raises:
            RuntimeError: if forward changed a leaf in place, or marked as changed what it does
                not return.
        """
        if batching.running:
            level = batching.innermost(args)
            if level is not None:
                return batching.apply(cls, level, args)
        node = cls()
        recording = mode.recording
        node._edges = [_edge_of(x) if recording else None for x in args]
        node.needs_input_grad = tuple(edge is not None for edge in node._edges)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                output = cls.forward(node, *args, **kwargs)
            else:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(node, args, output)
        outputs = output if isinstance(output, tuple) else (output,)
        node._check_dirty(args, outputs)
        if any(node.needs_input_grad):
            outputs = node._record(args, outputs)
        for name in ("_to_save", "_dirty", "_constant"):  # they may hold outputs: a cycle
            node.__dict__.pop(name, None)
        return outputs if isinstance(output, tuple) else outputs[0]

    def _check_dirty(self, args: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        for x in self._dirty:
            if not _among(x, args):
                warnings.warn(
                    "ctx.mark_dirty() received a tensor that was not an input. Only inputs that "
                    "were changed in place need marking.",
                    stacklevel=3,
                )
            elif not _among(x, outputs):
                raise RuntimeError(
                    "Some elements marked as dirty during the forward method were not returned as "
                    "output. The inputs that are modified inplace must all be outputs of the "
                    "Function."
                )

    def _record(self, args: tuple[Any, ...], outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Give the outputs this node as their history."""
        self._takes_tensors = tuple(isinstance(x, TensorBase) for x in args)
        self._sequence = next_sequence()
        results = tuple(self._as_result(y, nr, args) for nr, y in enumerate(outputs))
        self._metas = [
            (y._array.shape, y._array.dtype) if isinstance(y, TensorBase) else ((), None)  # type: ignore[misc]
            for y in results
        ]
        if self._to_save:
            self._save_tensors(args, outputs, results)
        if anomaly.enabled:
            anomaly.note(self, list(args), results)
        return results

    def _as_result(self, y: Any, nr: int, args: tuple[Any, ...]) -> Any:
        """Output ``nr`` of forward as the user gets it, with this node as its history."""
        if not isinstance(y, TensorBase):
            return y
        given = _among(y, args)
        if _among(y, self._constant) or y._array.dtype.kind not in "fc":
            return _alias(y) if given and y.requires_grad else y
        here = wrap(y._result_type, y._array)
        here._node, here._output_nr, here._requires_grad = self, nr, True
        if given and _among(y, self._dirty):
            check_inplace(y, here)
            bump_version(y)
            set_history(y, self, nr)
            return y
        if given:  # the input itself keeps its own history
            mark_view(here, y, None, _ORIGIN)
            return here
        if y._view is not None:
            y._view = y._view._replace(origin=_ORIGIN)
        y._rebase(here)
        return y

    def _save_tensors(
        self, args: tuple[Any, ...], outputs: tuple[Any, ...], results: tuple[Any, ...]
    ) -> None:
        """Put away what ``save_for_backward`` was given: inputs, outputs, or any other tensors."""
        sources: list[Source] = []
        others: list[Edge] = []
        for t in self._to_save:
            if t is None:
                sources.append(None)
            elif _among(t, args) and not _among(t, self._dirty):
                sources.append(source_of(_place(t, args), t))
            elif _among(t, outputs):
                nr = _place(t, outputs)
                sources.append(source_of(~nr, results[nr]))
            else:
                sources.append(source_of(len(args) + len(others), t))
                others.append(_edge_of(t))
        self._other_edges = tuple(others)
        self._sources = sources
        self._saved = tuple(None if t is None else t._array for t in self._to_save)
        if saved_values.hooks_active:
            self._saved = saved_values.pack(self._saved)

    # -- backward ----------------------------------------------------------------------------

    def _call_backward(self, grads: list[Any]) -> Any:
        """Run the user's ``backward`` and check what it returns."""
        kind = TensorBase._result_type
        tensors = [g if g is None or isinstance(g, TensorBase) else wrap(kind, g) for g in grads]
        function = self.backward if type(self).backward is not Function.backward else self.vjp
        results = function(self, *tensors)
        results = results if isinstance(results, tuple) else (results,)
        expected, extra = len(self._edges), results[len(self._edges) :]
        if len(results) < expected or any(r is not None for r in extra):
            raise RuntimeError(
                f"function {self._name()} returned an incorrect number of gradients (expected "
                f"{expected}, got {len(results)})"
            )
        results = results[:expected]
        for nr, g in enumerate(results):
            if g is not None and not self._takes_tensors[nr]:
                raise RuntimeError(
                    f"function {self._name()} returned a gradient different than None at position "
                    f"{nr + 1}, but the corresponding forward input was not a Variable"
                )
            if g is not None and not isinstance(g, TensorBase):
                raise RuntimeError(
                    f"{self._name()}: expected Variable or None (got {type(g).__name__}) at "
                    f"position {nr}"
                )
        return results if mode.recording else tuple(getattr(r, "_array", r) for r in results)


_ORIGIN = (
    "was created inside a custom Function (or because an input was returned as it came) and the "
    "autograd logic to handle view+inplace would override the custom backward"
)


class NestedIOFunction(Function):
    """An old base for functions of nested tuples, kept for its name: subclass :class:`Function`.

    As in PyTorch it has instance methods ``forward_extended`` and ``backward_extended``, and functions with
    instance methods can't be called any more.
    """

    def forward_extended(self, *input: Any) -> Any:
        raise NotImplementedError(
            "forward_extended: define a static forward(ctx, ...) on a Function"
        )

    def backward_extended(self, *grad_output: Any) -> Any:
        raise NotImplementedError(
            "backward_extended: define a static backward(ctx, ...) on a Function"
        )


def _among(t: Any, tensors: tuple[Any, ...]) -> bool:
    return any(t is other for other in tensors)


def _place(t: Any, tensors: tuple[Any, ...]) -> int:
    return next(i for i, other in enumerate(tensors) if t is other)


def _edge_of(x: Any) -> Edge:
    """Where the gradient of an argument goes."""
    if not isinstance(x, TensorBase) or not x.requires_grad:
        return None
    node = x.grad_fn
    return (x if node is None else node), x._output_nr


def _alias(x: TensorBase) -> TensorBase:
    """The same memory without history."""
    alias: TensorBase = wrap(x._result_type, x._array)
    alias._counter = x._counter
    return alias


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a ``backward`` that can't be differentiated again: doing so then raises."""

    @functools.wraps(backward)
    def wrapped(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            results = backward(ctx, *grads)
        if not mode.recording or not any(g is not None and g.requires_grad for g in grads):
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
