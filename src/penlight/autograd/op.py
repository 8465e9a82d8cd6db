"""``Op``: one differentiable operation on ndarrays, and the node that it leaves in the graph.

An op is a class with two static methods. ``forward(ctx, *arrays)`` computes; what the derivative
needs it keeps with ``ctx.save(...)``, which takes inputs, outputs or constants. ``backward(ctx, dy)``
returns the gradient of each input (``None`` where there is none), written in plain NumPy functions
and operators and other ops. The engine gives it ndarrays; under ``create_graph=True`` it gives it
Tensors, and the same lines record a graph that can be differentiated again.

The instance of the class is at once the ``ctx`` of both methods and the node of the graph.
"""

from __future__ import annotations

import itertools
import weakref
from typing import Any, NamedTuple

import numpy as np

from penlight._core.errors import broadcast_error, unsupported_error
from penlight._core.hooks import HookTable
from penlight.autograd import anomaly
from penlight.autograd.base import TensorBase, View, wrap
from penlight.autograd.grad_mode import mode

__all__ = ["AccumulateGrad", "Op", "ViewOp"]

_next_sequence = itertools.count().__next__
_ndarray = np.ndarray

Edge = tuple[Any, int] | None  # (node or leaf, which of its outputs); None: no gradient wanted


class Meta(NamedTuple):
    """What the engine must know of a node's output to check the gradient that comes back for it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Op:
    """Base of all differentiable operations; see the module's text."""

    __slots__ = (
        "__dict__", "__weakref__", "_kind", "_retained", "_saved", "_sources", "_versions",
        "edges", "hooks", "metas", "sequence", "trace",
    )  # fmt: skip

    edges: list[Edge]  # where each input's gradient goes
    metas: list[tuple[tuple[int, ...], np.dtype[Any]]]  # shape and dtype of each output
    sequence: int  # order of creation
    hooks: dict[int, HookTable] | None  # by output
    trace: anomaly.Trace | None  # where the user called it (anomaly mode)
    materialize: bool = True  # give backward zeros, not None, for outputs that were not used
    label: str = ""  # the node's name in PyTorch where it is not made of the class's name
    _saved: tuple[Any, ...] | None

    def __init__(self) -> None:
        self._saved = ()
        self._versions: Any = ()
        self.hooks = None
        self._retained: Any = None
        self.trace = None

    # -- what an op defines ------------------------------------------------------------------

    @staticmethod
    def forward(ctx: Any, *arrays: Any) -> Any:
        raise NotImplementedError("an Op must override forward(ctx, *arrays) in its subclass")

    @staticmethod
    def backward(ctx: Any, *dy: Any) -> Any:
        raise NotImplementedError("an Op must override backward(ctx, *dy) in its subclass")

    # -- what an op uses ---------------------------------------------------------------------

    def save(self, *items: Any) -> None:
        """Keep inputs, outputs or constants for backward; :attr:`saved` gives them back."""
        self._saved = items

    @property
    def saved(self) -> tuple[Any, ...]:
        """What forward saved: ndarrays, or Tensors while a graph of the backward is recorded.

        Raises:
            RuntimeError: if it was freed by an earlier backward, or changed in place since.
        """
        if self._saved is None:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved "
                "tensors after they have already been freed). Saved intermediate values of the "
                "graph are freed when you call .backward() or autograd.grad(). Specify "
                "retain_graph=True if you need to backward through the graph a second time or if "
                "you need to access saved tensors after calling backward."
            )
        for counter, version in self._versions:
            if counter[0] != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an "
                    f"inplace operation: {self.name()} saved it at version {version}; it is at "
                    f"version {counter[0]} now. Hint: compute a new tensor instead of changing "
                    "this one, or enable anomaly detection to find the operation that failed to "
                    "compute its gradient, with autograd.set_detect_anomaly(True)."
                )
        return self._saved_as_tensors() if mode.grad and self._versions else self._saved

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        """For each input, whether its gradient is wanted."""
        return tuple(edge is not None for edge in self.edges)

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Compute, and record a node if an input requires gradients.

        Tensors among ``inputs`` reach ``forward`` as ndarrays, everything else as it is. With no
        Tensor among them ``forward`` simply runs and its raw result is returned.
        """
        node = cls()
        recording = mode.grad
        differentiable = False
        kind = None
        arrays = []
        edges: list[Edge] = []
        for x in inputs:
            edge = None
            if isinstance(x, TensorBase):
                kind = x._result_type
                if recording:
                    if x._view is not None:
                        x._refresh_view()
                    if x._requires_grad:
                        edge = (x._node or x, x._output_nr)
                        differentiable = True
                x = x._array
            arrays.append(x)
            edges.append(edge)
        node.edges = edges
        try:
            result = cls.forward(node, *arrays)
        except ValueError as error:
            if "broadcast" not in str(error):
                raise
            shapes = [a.shape for a in arrays if isinstance(a, _ndarray)]
            raise broadcast_error(cls.__name__.lower(), shapes) from None
        except TypeError as error:
            if "not supported for the input types" not in str(error):
                raise
            raise unsupported_error(cls.__name__.lower(), arrays) from None
        if kind is None:
            return result
        if type(result) is tuple:
            return node._wrap_outputs(kind, inputs, result, differentiable)
        if type(result) is not _ndarray:
            result = node._as_array(result)
        y = wrap(kind, result)
        if differentiable and result.dtype.kind in "fc":
            node.sequence = _next_sequence()
            node.metas = [(result.shape, result.dtype)]
            if node._saved:
                node._note_sources(kind, inputs, (y,))
            y._node = node
            y._requires_grad = True
            if anomaly.enabled:
                anomaly.note(node, arrays, (result,))
        return y

    def _wrap_outputs(
        self, kind: type[TensorBase], inputs: Any, results: tuple[Any, ...], differentiable: bool
    ) -> tuple[Any, ...]:
        """As the end of :meth:`apply`, for ops with several outputs."""
        arrays = tuple(self._as_array(r) for r in results)
        outputs = tuple(wrap(kind, a) for a in arrays)
        if differentiable:
            self.sequence = _next_sequence()
            self.metas = [(a.shape, a.dtype) for a in arrays]
            for nr, y in enumerate(outputs):
                if arrays[nr].dtype.kind in "fc":
                    y._node, y._output_nr, y._requires_grad = self, nr, True
            if self._saved:
                self._note_sources(kind, inputs, outputs)
            if anomaly.enabled:
                anomaly.note(self, [getattr(x, "_array", x) for x in inputs], arrays)
        return outputs

    # -- saved values ------------------------------------------------------------------------

    def _as_array(self, result: Any) -> np.ndarray:
        """NumPy returns scalars for 0-d results; one that was saved is saved as the array."""
        array = np.asarray(result)
        if array is not result and self._saved:
            self._saved = tuple(array if item is result else item for item in self._saved)
        return array

    def _note_sources(self, kind: Any, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        """Remember which saved arrays are inputs' or outputs', and at which version.

        An input is remembered as the Tensor it was; an output by its number, for a reference to
        the Tensor would be a cycle that only the garbage collector frees.
        """
        self._kind = kind
        sources: list[Any] = []
        versions = []
        for item in self._saved or ():
            source: Any = None
            if type(item) is _ndarray:
                for x in inputs:
                    if isinstance(x, TensorBase) and x._array is item:
                        source = x
                        break
                else:
                    for nr, y in enumerate(outputs):
                        if y._array is item:
                            source = nr
                            break
            if source is not None:
                counter = (outputs[source] if type(source) is int else source)._counter
                if counter is None:
                    raise RuntimeError(
                        "Inference tensors cannot be saved for backward. To work around you can "
                        "make a clone to get a normal tensor and use it in autograd."
                    )
                versions.append((counter, counter[0]))
            sources.append(source)
        self._sources = sources
        self._versions = versions

    def _saved_as_tensors(self) -> tuple[Any, ...]:
        items: list[Any] = []
        for item, source in zip(self._saved or (), self._sources, strict=True):
            if type(source) is int:
                item = wrap(self._kind, item)
                item._node, item._output_nr, item._requires_grad = self, source, True
            elif source is not None:
                item = source
            items.append(item)
        return tuple(items)

    def release(self) -> None:
        """Free what was saved; the engine calls it once backward has passed."""
        if self._saved:
            self._saved = None
            self._versions = ()
            self._sources = None

    # -- the node ----------------------------------------------------------------------------

    def call_backward(self, grads: list[Any]) -> Any:
        """Run ``backward`` on the outputs' gradients, as the engine does."""
        return self.backward(self, *grads)

    def name(self) -> str:
        """The node's name in PyTorch's manner: ``MulBackward0``."""
        return self.label or f"{type(self).__name__}Backward0"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that this node's gradients go to, as PyTorch shows them."""
        pairs: list[tuple[Any, int]] = []
        for edge in self.edges:
            if edge is None:
                pairs.append((None, 0))
            elif isinstance(edge[0], TensorBase):
                pairs.append((AccumulateGrad(edge[0]), 0))
            else:
                pairs.append(edge)
        return tuple(pairs)

    def hooks_of(self, output_nr: int) -> HookTable:
        """The hooks on the gradient of one output."""
        if self.hooks is None:
            self.hooks = {}
        return self.hooks.setdefault(output_nr, HookTable())

    def retain(self, tensor: TensorBase) -> None:
        """Have the engine store the gradient in ``tensor.grad``; the tensor is held weakly."""
        if self._retained is None:
            self._retained = {}
        self._retained[tensor._output_nr] = weakref.ref(tensor)

    def is_retaining(self, tensor: TensorBase) -> bool:
        reference = (self._retained or {}).get(tensor._output_nr)
        return reference is not None and reference() is tensor

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


class AccumulateGrad:
    """Stands for a leaf in ``next_functions``: the place where its gradient is added up."""

    def __init__(self, variable: TensorBase) -> None:
        self.variable = variable

    next_functions: tuple[Any, ...] = ()

    @staticmethod
    def name() -> str:
        return "AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"


class ViewOp(Op):
    """An op whose result may share its first input's memory.

    The result then shares the version counter too, and remembers how it was made, so that an
    in-place change of it reaches its base's history and one of the base reaches its own.
    """

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        y = super().apply(*inputs)
        x = inputs[0]
        if isinstance(x, TensorBase) and np.may_share_memory(x._array, y._array):
            y._counter = x._counter
            step = (cls, inputs[1:])
            if x._view is None:
                y._view = View(x, (step,), x._node)
            else:
                base, path, node = x._view
                y._view = View(base, None if path is None else (*path, step), node)
        return y
