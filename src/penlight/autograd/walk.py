"""The backward pass: walk the recorded nodes in reverse order of creation and add up gradients.

With L the scalar at the end, each node turns dL/d(outputs) into dL/d(inputs) by the chain rule;
where a value was used more than once its gradients add. A node is older than everything computed
from it, so by the time it is reached, newest first, all gradients of its outputs are in.

Source: Griewank & Walther, "Evaluating Derivatives", 2nd ed., SIAM 2008, section 3.2.
"""

from __future__ import annotations

import threading
from heapq import heappop, heappush
from sys import getrefcount
from typing import Any

import numpy as np

from penlight.autograd import anomaly
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.grad_mode import mode
from penlight.autograd.hooks import Hooks, replaced_gradient, replaced_gradients
from penlight.autograd.node import Edge, Node
from penlight.autograd.primitives import Cast, Clone, SumTo

__all__ = ["Target", "Walk", "release_all", "take"]

Target = Any  # a node, or a leaf

_ndarray = np.ndarray


class Walk:
    """One backward pass. All its state lives here, so that passes may nest and run in threads.

    Args:
        keep_graph: do not free what the nodes saved.
        create_graph: gradients are Tensors, and what happens to them is recorded.
        tensors: gradients are Tensors (of batches, say) even if nothing is recorded.
        targets: the only places to bring gradients to; ``None`` for all leaves.
        accumulate: add to the leaves' ``.grad``; otherwise leave what arrives in ``captured``.
    """

    needed: set[Target] | None = None  # what must run to reach the targets; None: everything
    wanted: set[Target] | None = None  # where gradients must go: the two together
    uses: dict[TensorBase, int] | None = None  # edges to each leaf not yet passed

    def __init__(
        self,
        keep_graph: bool,
        create_graph: bool,
        targets: list[tuple[Target, int]] | None,
        accumulate: bool,
        tensors: bool = False,
    ) -> None:
        self.keep_graph, self.create_graph = keep_graph, create_graph
        self.tensors = create_graph or tensors
        self.accumulate = accumulate
        self.targets = None if targets is None else {target for target, _ in targets}
        self.captured: dict[Target, list[Any]] = {}
        self.roots: list[TensorBase] = []
        self.heap: list[tuple[int, Node]] = []  # the nodes that are pending, newest first
        self.leaves: list[TensorBase] = []  # the leaves that are
        # for both what is expected of each output's gradient, and the sum of what has arrived
        self.pending: dict[Target, tuple[Any, list[Any]]] = {}

    def start(self, root: TensorBase, target: Target, nr: int, g: Any) -> None:
        """Let the walk begin at ``root`` with its gradient."""
        self.roots.append(root)
        self.send((g,), [(target, nr)], None)

    def run(self) -> None:
        """Walk until nothing is pending."""
        starts = [target for target in self.pending if isinstance(target, Node)]
        if self.targets is not None:
            self.needed = _leading_to(starts, self.targets)
            self.wanted = self.needed | self.targets
        if Hooks.any_on_leaves:
            self.uses = _leaf_uses(starts)
        if anomaly.enabled:
            anomaly.check_roots(self.roots)
        previous, tensors = (mode.grad, mode.inference), mode.tensors
        try:
            mode.set(self.create_graph, False)
            mode.tensors = self.tensors
            heap, pending = self.heap, self.pending
            while heap:
                node = heappop(heap)[1]
                self.visit(node, pending.pop(node)[1])
            self.finish_leaves()
        finally:
            mode.set(*previous)
            mode.tensors = tensors

    def visit(self, node: Node, grads: list[Any]) -> None:
        """Hand the gradients of a node's outputs through its ``backward`` to its inputs."""
        hooks = node._hooks
        if hooks is not None:
            self.run_output_hooks(hooks, grads)
        if self.targets is not None:
            if node in self.targets and not self.accumulate:
                self.captured[node] = list(grads)
            if node not in self.needed:  # type: ignore[operator]
                return
        if hooks is not None and hooks.before:
            grads = self.run_prehooks(hooks, grads)
        if len(grads) > 1 or hooks is not None:
            grads = self.with_zeros(node, grads)
        prune = self.wanted is not None and node._prunable and hooks is None
        runner = node._towards(self.wanted) if prune else node  # type: ignore[arg-type]
        try:
            results = runner._call_backward(grads)
        except Exception as error:
            anomaly.explain(error, node)
            raise
        if type(results) is not tuple:
            results = (results,)
        if hooks is not None and hooks.after:
            results = self.run_posthooks(hooks, results, grads)
        if anomaly.enabled:
            anomaly.check_gradients(node, results)
        if node._saved and not self.keep_graph:
            node._release()
        self.send(results, node._edges, node)
        del grads, results
        if self.uses is not None:
            self.finish_leaves_of(node)

    def send(self, gradients: tuple[Any, ...], edges: list[Edge], sender: Node | None) -> None:
        """Add gradients to what is pending where their edges lead."""
        pending, wanted = self.pending, self.wanted
        for edge, g in zip(edges, gradients):  # noqa: B905 - the last may be left out
            if edge is None or g is None:
                continue
            target, nr = edge
            entry = pending.get(target)
            if entry is None:
                if wanted is not None and target not in wanted:
                    continue
                entry = self.expect(target)
            metas, sums = entry
            shape, dtype = metas[nr]
            if type(g) is not _ndarray or g.shape != shape or g.dtype != dtype:
                g = self.fitted(g, shape, dtype, sender, edge)
            if sums[nr] is None:
                sums[nr] = g
            elif not self.tensors and _is_sole(sums, nr):
                np.add(sums[nr], g, out=sums[nr])
            else:
                sums[nr] = sums[nr] + g

    def expect(self, target: Target) -> tuple[Any, list[Any]]:
        """Make ``target`` pending."""
        if isinstance(target, Node):
            metas: Any = target._metas
            heappush(self.heap, (-target._sequence, target))
        else:
            array = target._array
            metas = ((array.shape, array.dtype),)
            self.leaves.append(target)
        entry = self.pending[target] = (metas, [None] * len(metas))
        return entry

    def fitted(
        self, g: Any, shape: tuple[int, ...], dtype: np.dtype[Any], sender: Node | None, edge: Edge
    ) -> Any:
        """``g`` brought to an output's shape and dtype, as a Tensor if gradients are Tensors.

        Raises:
            RuntimeError: if the output could not have been broadcast to g's shape.
        """
        array = g._array if isinstance(g, TensorBase) else g
        if array.shape != shape:
            if not _broadcasts(shape, array.shape):
                nr = next(i for i, e in enumerate(sender._edges) if e is edge) if sender else 0
                raise RuntimeError(
                    f"Function {sender._name() if sender else ''} returned an invalid gradient at "
                    f"index {nr} - got {list(array.shape)} but expected shape compatible with "
                    f"{list(shape)}"
                )
            g = SumTo.apply(g, shape)
        if array.dtype != dtype:
            g = Cast.apply(g, dtype)
        if self.tensors:
            kind = TensorBase._result_type
            return g if isinstance(g, TensorBase) else wrap(kind, np.asarray(g))
        return np.asarray(getattr(g, "_array", g))

    def with_zeros(self, node: Node, grads: list[Any]) -> list[Any]:
        """Zeros for outputs that nothing used, if the node's ``backward`` wants them."""
        if not node._materialize:
            return grads
        filled: list[Any] = []
        for g, (shape, dtype) in zip(grads, node._metas, strict=True):
            if g is None and dtype is not None:  # a Function's output may be no tensor
                g = np.zeros(shape, dtype)
                if self.tensors:
                    g = wrap(TensorBase._result_type, g)
            filled.append(g)
        return filled

    # -- hooks -------------------------------------------------------------------------------

    def shown(self, g: Any) -> Any:
        """A gradient as hooks see it."""
        return g if g is None or isinstance(g, TensorBase) else wrap(TensorBase._result_type, g)

    def taken(self, g: Any) -> Any:
        """A gradient as the walk passes it on."""
        return g if g is None or self.tensors else g._array

    def run_output_hooks(self, hooks: Hooks, grads: list[Any]) -> None:
        for nr, table in hooks.on_output.items():
            if grads[nr] is not None and table:
                g = self.shown(grads[nr])
                for hook in list(table.values()):
                    g = replaced_gradient(hook, g, hook(g))
                grads[nr] = self.taken(g)
        for nr, reference in hooks.retained.items():
            tensor = reference()
            if tensor is not None and grads[nr] is not None:
                _retain(tensor, grads[nr], self.create_graph)

    def run_prehooks(self, hooks: Hooks, grads: list[Any]) -> list[Any]:
        shown = tuple(self.shown(g) for g in grads)
        for hook in list(hooks.before.values()):
            shown = replaced_gradients(hook, shown, hook(shown))
        return [self.taken(g) for g in shown]

    def run_posthooks(self, hooks: Hooks, results: tuple[Any, ...], grads: list[Any]) -> Any:
        shown, outputs = tuple(map(self.shown, results)), tuple(map(self.shown, grads))
        for hook in list(hooks.after.values()):
            shown = replaced_gradients(hook, shown, hook(shown, outputs))
        return tuple(map(self.taken, shown))

    # -- leaves ------------------------------------------------------------------------------

    def finish_leaves(self) -> None:
        """Finish the leaves that are still pending."""
        if self.uses is None and self.accumulate:  # no leaf has hooks
            pending, create_graph = self.pending, self.create_graph
            with _accumulating:
                for leaf in self.leaves:
                    _accumulate(leaf, pending.pop(leaf)[1], create_graph)
            return
        for leaf in self.leaves:
            if leaf in self.pending:
                self.finish(leaf)

    def finish_leaves_of(self, node: Node) -> None:
        """Finish the leaves whose last gradient came from ``node``."""
        for edge in node._edges:
            if edge is not None and edge[0] in self.uses:  # type: ignore[operator]
                self.uses[edge[0]] -= 1  # type: ignore[index]
                if not self.uses[edge[0]] and edge[0] in self.pending:  # type: ignore[index]
                    self.finish(edge[0])

    def finish(self, leaf: TensorBase) -> None:
        """All that is pending for a leaf has arrived: run its hooks and hand it over."""
        slots = self.pending.pop(leaf)[1]
        hooks = leaf._hooks
        if hooks is not None:
            self.run_output_hooks(hooks, slots)
        if not self.accumulate:
            self.captured[leaf] = slots
            return
        outputs: tuple[Any, ...] = ()
        if hooks is not None and hooks.before:
            slots = self.run_prehooks(hooks, slots)
        if hooks is not None and hooks.after:
            outputs = tuple(map(self.shown, slots))
        with _accumulating:
            _accumulate(leaf, slots, self.create_graph)
        if hooks is not None:
            for hook in list(hooks.accumulated.values()):
                hook(leaf)
            for hook in list(hooks.after.values()):
                hook((), outputs)


def _broadcasts(shape: tuple[int, ...], wider: tuple[int, ...]) -> bool:
    """Whether ``shape`` can be broadcast to ``wider``."""
    extra = len(wider) - len(shape)
    return extra >= 0 and all(n in (1, m) for n, m in zip(shape, wider[extra:], strict=True))


def _leading_to(starts: list[Target], targets: set[Target]) -> set[Target]:
    """The nodes whose ``backward`` must run for gradients to reach ``targets``."""
    needed: set[Target] = set()
    for node in sorted(_reachable(starts), key=lambda n: n._sequence):  # inputs come first
        if any(e is not None and (e[0] in targets or e[0] in needed) for e in node._edges):
            needed.add(node)
    return needed


def _leaf_uses(starts: list[Target]) -> dict[TensorBase, int]:
    """How many edges lead to each leaf."""
    uses: dict[TensorBase, int] = {}
    for node in _reachable(starts):
        for edge in node._edges:
            if edge is not None and isinstance(edge[0], TensorBase):
                uses[edge[0]] = uses.get(edge[0], 0) + 1
    return uses


def release_all(starts: list[Target]) -> None:
    """Free what the nodes saved that ``starts`` depend on."""
    for node in _reachable([start for start in starts if isinstance(start, Node)]):
        node._release()


def _reachable(starts: list[Target]) -> set[Node]:
    """All nodes that ``starts`` depend on."""
    seen: set[Node] = set(starts)
    stack = list(seen)
    while stack:
        for edge in stack.pop()._edges:
            if edge is not None and isinstance(edge[0], Node) and edge[0] not in seen:
                seen.add(edge[0])
                stack.append(edge[0])
    return seen


# -- handing over ----------------------------------------------------------------------------

_accumulating = threading.RLock()  # passes in several threads may share leaves


def _accumulate(x: TensorBase, slots: list[Any], create_graph: bool) -> None:
    """x.grad += the gradient in ``slots``; the caller holds the lock."""
    if create_graph:
        x._grad = Clone.apply(slots[0]) if x._grad is None else x._grad + slots[0]
    elif x._grad is None:
        x._grad = wrap(TensorBase._result_type, take(slots, 0, x._array), True)
    else:
        _add_to_gradient(x._grad, slots[0])


def _retain(x: TensorBase, g: Any, create_graph: bool) -> None:
    """x.grad = x.grad + a gradient that goes on to x's node."""
    if x._grad is not None:
        x._grad = x._grad + g
    else:
        x._grad = Clone.apply(g) if create_graph else wrap(x._result_type, np.array(g))


def _add_to_gradient(total: TensorBase, g: np.ndarray) -> None:
    if total._array.flags.writeable:
        np.add(total._array, g, out=total._array)
    else:
        total._array = total._array + g
    if total._counter is not None:
        total._counter[0] += 1


def take(slots: list[Any], nr: int, like: np.ndarray | None = None) -> np.ndarray:
    """The gradient in ``slots[nr]``, copied unless nobody else holds it.

    Args:
        like: give it this array's layout in memory, so that updates run through both in step.
    """
    if _is_sole(slots, nr) and (like is None or slots[nr].strides == like.strides):
        return slots[nr]
    if like is None or like.shape != slots[nr].shape:
        return np.array(slots[nr], order="K")
    copy = np.empty_like(like)
    copy[...] = slots[nr]
    return copy


def _is_sole(slots: list[Any], nr: int) -> bool:
    """Whether only ``slots`` holds the array there: no variable, view or saved value besides.

    An array that is the whole of another's memory in another shape counts if nobody else holds that
    other one either: ``dy.reshape(...)``, as so many backwards end.
    """
    if getrefcount(slots[nr]) > _SOLE_OWNER:
        return False
    base = slots[nr].base
    if base is not None and (
        type(base) is not _ndarray
        or base.base is not None
        or base.size != slots[nr].size
        or getrefcount(base) > _SOLE_BASE
    ):
        return False
    return slots[nr].flags.writeable


def _count_of_sole_owner(slots: list[Any], nr: int) -> int:
    return getrefcount(slots[nr])


def _count_of_sole_base(slots: list[Any], nr: int) -> int:
    base = slots[nr].base
    return getrefcount(base)


_SOLE_OWNER = _count_of_sole_owner([np.zeros(1)], 0)
_SOLE_BASE = _count_of_sole_base([np.zeros(1).reshape(1, 1)], 0)
