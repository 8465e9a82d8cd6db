"""``Node``: what one recorded operation leaves in the graph, and the values it saved for backward."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.hooks import RemovableHandle
from penlight.autograd import saved_values
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.grad_mode import mode
from penlight.autograd.hooks import Hooks, hooks_of_leaf

if TYPE_CHECKING:
    from penlight.autograd.anomaly import Trace

__all__ = ["AccumulateGrad", "Edge", "Node", "Source", "next_sequence", "source_of"]

next_sequence = itertools.count().__next__
_ndarray = np.ndarray
_CONSTANT = [0]  # the version of what is no tensor

Edge = tuple[Any, int] | None  # (node or leaf, which of its outputs); None: no gradient wanted
Source = tuple[int, list[int], int] | None  # (input i or ~output, its version counter, version)


class Node:
    """One operation of the graph.

    All that the engine needs has an underscore: a user's ``ctx`` is a node too, and its other names
    are the user's.

    Attributes:
        _edges: where the gradient of each input goes.
        _metas: shape and dtype of each output.
        _sequence: order of creation.
        _saved: what forward kept for backward; ``None`` once freed.
        _sources: for each saved value, which input or output it is; ``None`` if it is a constant.
    """

    __slots__ = ("__dict__", "__weakref__", "_edges", "_metas", "_sequence")

    _edges: list[Edge]
    _metas: list[tuple[tuple[int, ...], np.dtype[Any]]]
    _sequence: int
    # seldom set, so defaults of the class
    _saved: Any = ()
    _sources: Sequence[Source] = ()
    _hooks: Hooks | None = None
    _trace: Trace | None = None  # where the user called it (anomaly mode)
    _prunable: bool = (
        False  # its backward looks at ``_edges`` and leaves out what none of them wants
    )
    _original: Node | None = None  # of which this is a copy with fewer edges
    _materialize: bool = True  # give backward zeros, not None, for outputs that were not used

    def _call_backward(self, grads: list[Any]) -> Any:
        """The gradients of the inputs from those of the outputs, ndarrays or Tensors."""
        raise NotImplementedError

    # -- saved values ------------------------------------------------------------------------

    def _note_sources(
        self, inputs: tuple[Any, ...], arrays: list[Any], outputs: tuple[TensorBase, ...]
    ) -> bool:
        """Remember which saved arrays are inputs' or outputs', and at which version.

        Only numbers are kept, no Tensors: an output would be a cycle that only the garbage
        collector frees, and an input would live longer than it must.

        Returns:
            False if an array could be either of two inputs, as in ``x * x.detach()``.
        """
        sources: list[Source] = []
        for item in self._saved:
            source: Source = None
            if type(item) is _ndarray:
                for i, array in enumerate(arrays):
                    if array is item:
                        if source is None:
                            source = source_of(i, inputs[i])
                        elif inputs[i] is not inputs[source[0]]:
                            return False
                if source is None:
                    for nr, y in enumerate(outputs):
                        if y._array is item:
                            source = source_of(~nr, y)
                            break
            sources.append(source)
        self._sources = sources
        if saved_values.hooks_active:
            self._saved = saved_values.pack(self._saved)
        return True

    def _saved_arrays(self) -> tuple[Any, ...]:
        """What was saved.

        Raises:
            RuntimeError: if it was freed by an earlier backward, or changed in place since.
        """
        items = self._saved
        if items is None:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved "
                "tensors after they have already been freed). Saved intermediate values of the "
                "graph are freed when you call .backward() or autograd.grad(). Specify "
                "retain_graph=True if you need to backward through the graph a second time or if "
                "you need to access saved tensors after calling backward."
            )
        if type(items) is saved_values.Packed:
            return items.unpack()
        for source in self._sources:
            if source is not None and source[1][0] != source[2]:
                raise self._changed(items)
        return items

    def _changed(self, items: tuple[Any, ...]) -> RuntimeError:
        """The error for saved values that were changed in place, naming the first of them."""
        item, source = next(
            (i, s) for i, s in zip(items, self._sources, strict=True) if s and s[1][0] != s[2]
        )
        number, counter, version = source
        what = f"input {number}" if number >= 0 else f"output {~number}"
        return RuntimeError(
            "one of the variables needed for gradient computation has been modified by an inplace "
            f"operation: {item.dtype} {list(item.shape)}, which is {what} of {self._name()}, is at "
            f"version {counter[0]}; expected version {version} instead. Hint: compute a new tensor "
            "instead of changing this one, or enable anomaly detection to find the operation that "
            "failed to compute its gradient, with autograd.set_detect_anomaly(True)."
        )

    def _as_tensors(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        """Saved inputs and outputs as Tensors in their places of the graph, constants as they are."""
        return tuple(
            item if source is None else self._as_tensor(item, source[0], source[1])
            for item, source in zip(items, self._sources, strict=True)
        )

    def _as_tensor(self, array: np.ndarray, number: int, counter: list[int]) -> TensorBase:
        node = self._original or self
        edge: Edge = (node, ~number) if number < 0 else node._edge_of_saved(number)
        if edge is not None and isinstance(edge[0], TensorBase):
            leaf = edge[0]
            if leaf._array is array:
                return leaf
            edge = (LeafAlias(leaf), 0)  # leaf.data was replaced since
        x: TensorBase = wrap(TensorBase._result_type, array)
        x._counter = counter
        if edge is not None and array.dtype.kind in "fc":
            x._node, x._output_nr = edge
            x._requires_grad = True
        return x

    def _edge_of_saved(self, number: int) -> Edge:
        return self._edges[number]

    def _release(self) -> None:
        """Free what was saved; the engine calls it once backward has passed."""
        if self._saved:
            self._saved, self._sources = None, ()

    def _towards(self, wanted: set[Any]) -> Node:
        """This node, or a copy without the edges that lead to nothing wanted: it computes less."""
        edges = [e if e is not None and e[0] in wanted else None for e in self._edges]
        if edges == self._edges:
            return self
        pruned: Node = object.__new__(type(self))
        pruned.__dict__.update(self.__dict__)
        pruned._edges, pruned._metas, pruned._sequence = edges, self._metas, self._sequence
        pruned._original = self
        return pruned

    # -- PyTorch's interface -----------------------------------------------------------------

    def _name(self) -> str:
        return type(self).__name__

    def name(self) -> str:
        """The node's name in PyTorch's manner: ``MulBackward0``."""
        return self._name()

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that this node's gradients go to."""
        return tuple(
            (None, 0) if e is None else (AccumulateGrad.of(e[0]), 0) if isinstance(e[0], TensorBase) else e
            for e in self._edges
        )  # fmt: skip

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for users' notes on the node."""
        return self.__dict__.setdefault("_metadata", {})

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_inputs, grad_outputs)`` after the node has run.

        Both are tuples of tensors; a tuple that it returns replaces ``grad_inputs``.
        """
        return RemovableHandle.register(self._own_hooks().after, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_outputs)`` before the node runs; a tuple that it returns replaces them."""
        return RemovableHandle.register(self._own_hooks().before, hook)

    def __call__(self, *grad_outputs: TensorBase | None) -> Any:
        """Run the node by itself: the gradients of its inputs, a tuple unless there is one."""
        arrays = None if mode.recording else [getattr(g, "_array", None) for g in grad_outputs]
        previous, mode.tensors = mode.tensors, mode.recording
        try:
            results = self._call_backward(list(grad_outputs) if arrays is None else arrays)
        finally:
            mode.tensors = previous
        kind = TensorBase._result_type
        many = results if isinstance(results, tuple) else (results,)
        shown = tuple(
            wrap(kind, np.asarray(g)) if isinstance(g, (np.ndarray, np.generic)) else g
            for g in many
        )
        return shown if len(shown) != 1 else shown[0]

    def _own_hooks(self) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks

    def __repr__(self) -> str:
        return f"<{self._name()} object at {id(self):#x}>"


def source_of(number: int, x: Any) -> Source:
    """The entry of ``_sources`` for input ``number`` or output ``~number``."""
    if not isinstance(x, TensorBase):
        return number, _CONSTANT, 0
    counter = x._counter
    if counter is None:
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. To work around you can make a clone to "
            "get a normal tensor and use it in autograd."
        )
    return number, counter, counter[0]


class LeafAlias(Node):
    """y = x for a leaf x; dx = dy."""

    def __init__(self, leaf: TensorBase) -> None:
        self._edges = [(leaf, 0)]
        self._metas = [(leaf._array.shape, leaf._array.dtype)]
        self._sequence = next_sequence()

    def _call_backward(self, grads: list[Any]) -> Any:
        return grads[0]


class AccumulateGrad(Node):
    """The end of an edge that leads to a leaf: where the leaf's gradient is added up.

    The engine knows leaves directly; this is what ``next_functions`` shows of them.
    """

    def __init__(self, variable: TensorBase) -> None:
        self.variable = variable
        self._edges = []
        self._metas = [(variable._array.shape, variable._array.dtype)]
        self._hooks = hooks_of_leaf(variable)

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    @classmethod
    def of(cls, leaf: TensorBase) -> AccumulateGrad:
        """The leaf's node: the same one as long as somebody holds it."""
        hooks = hooks_of_leaf(leaf)
        known: Any = None if hooks.accumulator is None else hooks.accumulator()
        if known is None:
            known = cls(leaf)
            hooks.accumulator = weakref.ref(known)
        return known
