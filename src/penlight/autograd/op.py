"""``Op``: one differentiable operation on ndarrays, and the node that it leaves in the graph.

An op is a class with two static methods. ``forward(ctx, *arrays)`` computes; what the derivative
needs it keeps with ``ctx.save(...)``, which takes inputs, outputs or constants. ``backward(ctx, dy)``
returns the gradient of each input (``None`` where there is none), written in plain NumPy functions
and operators and other ops. The engine gives it ndarrays; under ``create_graph=True`` it gives it
Tensors, and the same lines record a graph that can be differentiated again.

The instance of the class is at once the ``ctx`` of both methods and the node of the graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight._core.errors import broadcast_error, unsupported_error
from penlight.autograd import anomaly, batching
from penlight.autograd.base import TensorBase, View, wrap
from penlight.autograd.grad_mode import mode
from penlight.autograd.node import Edge, Node, next_sequence

__all__ = ["Op", "ViewOp", "mark_view"]

_ndarray = np.ndarray
running = batching.running  # empty outside of vmap


class Op(Node):
    """Base of all differentiable operations; see the module's text."""

    __slots__ = ()

    _prunable = True
    materialize: bool = True  # give backward zeros, not None, for outputs that were not used
    label: str = ""  # the node's name in PyTorch where it is not made of the class's name

    edges = Node._edges  # the same slot: ``ctx.edges[i]`` is falsy if input i needs no gradient

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._materialize = cls.materialize

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
        items, sources = self._saved, self._sources
        if type(items) is tuple:  # as _saved_arrays would, without the call
            for source in sources:
                if source is not None and source[1][0] != source[2]:
                    raise self._changed(items)
        else:
            items = self._saved_arrays()
        return self._as_tensors(items) if mode.tensors and sources else items

    # -- recording ---------------------------------------------------------------------------

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Compute, and record a node if an input requires gradients.

        Tensors among ``inputs`` reach ``forward`` as ndarrays, everything else as it is. With no
        Tensor among them ``forward`` simply runs and its raw result is returned.
        """
        if running:
            level = batching.innermost(inputs)
            if level is not None:
                return batching.apply(cls, level, inputs)
        node = cls()
        recording = mode.recording
        any_tensor = differentiable = False
        arrays = []
        node._edges = edges = []
        for x in inputs:
            edge: Edge = None
            if isinstance(x, TensorBase):
                any_tensor = True
                if recording:
                    if x._view is not None:
                        x._follow_base()
                        differentiable |= x.requires_grad  # a view made under no_grad has no edge
                    if x._requires_grad:
                        edge = (x._node or x, x._output_nr)
                        differentiable = True
                x = x._array
            arrays.append(x)
            edges.append(edge)
        try:
            result = cls.forward(node, *arrays)
        except (ValueError, TypeError) as error:
            explained = _explained(error, cls.__name__.lower(), arrays)
            if explained is None:
                raise
            raise explained from None
        if not any_tensor:
            return result
        if type(result) is tuple:
            return node._wrap_outputs(inputs, arrays, result, differentiable)
        if type(result) is not _ndarray:
            result = node._as_array(result)
        y = wrap(TensorBase._result_type, result, recording)
        if differentiable:
            dtype = result.dtype
            if dtype.kind in "fc":
                node._sequence = next_sequence()
                node._metas = [(result.shape, dtype)]
                if node._saved and not node._note_sources(inputs, arrays, (y,)):
                    return cls.apply(*_told_apart(inputs))
                y._node = node
                y._requires_grad = True
                if anomaly.enabled:
                    anomaly.note(node, arrays, (result,))
        return y

    def _wrap_outputs(
        self,
        inputs: tuple[Any, ...],
        arrays: list[Any],
        results: tuple[Any, ...],
        differentiable: bool,
    ) -> tuple[Any, ...]:
        """As the end of :meth:`apply`, for ops with several outputs."""
        results = tuple(self._as_array(r) for r in results)
        outputs = tuple(wrap(TensorBase._result_type, a) for a in results)
        if differentiable:
            self._sequence = next_sequence()
            self._metas = [(a.shape, a.dtype) for a in results]
            if self._saved and not self._note_sources(inputs, arrays, outputs):
                return self.apply(*_told_apart(inputs))
            for nr, y in enumerate(outputs):
                if y._array.dtype.kind in "fc":
                    y._node, y._output_nr, y._requires_grad = self, nr, True
            if anomaly.enabled:
                anomaly.note(self, arrays, results)
        return outputs

    def _as_array(self, result: Any) -> np.ndarray:
        """NumPy returns scalars for 0-d results; one that was saved is saved as the array."""
        array = np.asarray(result)
        if array is not result and self._saved:
            self._saved = tuple(array if item is result else item for item in self._saved)
        return array

    # -- the node ----------------------------------------------------------------------------

    def _call_backward(self, grads: list[Any]) -> Any:
        return self.backward(self, *grads)

    def name(self) -> str:
        """The node's name in PyTorch's manner: ``MulBackward0``."""
        return self.label or f"{type(self).__name__}Backward0"

    def _name(self) -> str:
        return self.name()


def _explained(error: Exception, owner: str, arrays: list[Any]) -> Exception | None:
    """NumPy's complaint about shapes or dtypes as PyTorch's error; ``None`` for other errors."""
    text = str(error)
    if isinstance(error, ValueError) and "broadcast" in text:
        return broadcast_error(owner, [a.shape for a in arrays if isinstance(a, _ndarray)])
    if isinstance(error, TypeError) and "not supported for the input types" in text:
        return unsupported_error(owner, arrays)
    return None


def _told_apart(inputs: tuple[Any, ...]) -> list[Any]:
    """The inputs, those whose very ndarray is another's too as views of themselves."""
    first: dict[int, Any] = {}
    result: list[Any] = []
    for x in inputs:
        array = x._array if isinstance(x, TensorBase) else x
        if isinstance(array, _ndarray) and first.setdefault(id(array), x) is not x:
            x = Alias.apply(x)
        result.append(x)
    return result


class ViewOp(Op):
    """An op whose result may share its first input's memory.

    The result then shares the version counter too, and remembers how it was made, so that an
    in-place change of it reaches its base's history and one of the base reaches its own.
    """

    __slots__ = ()

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        y = super().apply(*inputs)
        x = inputs[0]
        if isinstance(x, TensorBase) and _share_memory(x._array, y._array):
            mark_view(y, x, (cls, inputs[1:]))
        return y


class Alias(ViewOp):
    """y = x, in the same memory; dx = dy."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        return x.view()

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy


def _share_memory(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether y, just made from x, is a view of it."""
    base = y.base
    if base is None:
        return x is y
    return base is x or base is x.base or np.may_share_memory(x, y)


_IN_INFERENCE_MODE = "was created in inference mode"
_WITHOUT_GRAD = "was created in no_grad mode"


def mark_view(y: TensorBase, x: TensorBase, step: Any, origin: str = "") -> None:
    """Note that y is a view of x: they share the version, and y's history can follow x's.

    Args:
        step: the op and its further arguments that make y from x.
        origin: why that is not enough to make y's history anew, as the end of "it ...".
    """
    y._counter = counter = x._counter
    if not origin and not mode.recording:
        origin = _IN_INFERENCE_MODE if mode.inference else _WITHOUT_GRAD
    version = counter[0] if counter is not None else 0
    known = x._view
    if known is None:
        y._view = View(x, (step,), version, origin)
    else:
        base, path, _, earlier = known
        y._view = View(base, (*path, step), version, earlier or origin)
