"""The backward pass: walk the recorded nodes in reverse order of creation and add up gradients.

With L the scalar at the end, each node turns dL/d(outputs) into dL/d(inputs) by the chain rule;
where a value was used more than once its gradients add. A node is older than everything computed
from it, so by the time it is reached all gradients of its outputs are in.

Source: Griewank & Walther, "Evaluating Derivatives", 2nd ed., SIAM 2008, section 3.2.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from penlight.autograd import anomaly
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.grad_mode import mode
from penlight.autograd.op import Op
from penlight.autograd.primitives import Cast, SumTo

__all__ = ["backward", "grad"]

Target = Any  # a node, or a leaf


def backward(
    tensors: TensorBase | Sequence[TensorBase],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: TensorBase | Sequence[TensorBase] | None = None,
) -> None:
    """Add to ``.grad`` of the leaves the gradients of ``tensors``, each weighted by its gradient.

    Args:
        tensors: what to differentiate; scalars unless ``grad_tensors`` gives their gradients.
        grad_tensors: dL/dtensor for each tensor, of its shape; ``None`` for scalars means 1.
        retain_graph: keep what was saved for a further pass. Default: ``create_graph``.
        create_graph: record the backward pass itself, for derivatives of higher order.
        inputs: the only tensors to receive gradients. Default: all leaves.

    Raises:
        RuntimeError: if a tensor does not require gradients, has more than one element and no
            gradient given, or if the graph was freed by an earlier pass.
    """
    roots = _as_tuple(tensors)
    if inputs is not None and not len(_as_tuple(inputs)):
        raise RuntimeError("`inputs` argument to `backward` cannot be empty.")
    wanted = None if inputs is None else _as_tuple(inputs)
    grads = _root_gradients(roots, grad_tensors, create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    if wanted is None:
        _walk(roots, grads, keep, create_graph, None)
        return
    found = _walk(roots, grads, keep, create_graph, [_target_of(x) for x in wanted])
    for x, g in zip(wanted, found, strict=True):
        if g is not None:
            _accumulate(x, g, create_graph)


def grad(
    outputs: TensorBase | Sequence[TensorBase],
    inputs: TensorBase | Sequence[TensorBase],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the sum of ``outputs`` with respect to ``inputs``, without touching ``.grad``.

    Args:
        outputs, inputs, grad_outputs, retain_graph, create_graph: as for :func:`backward`.
        allow_unused: return ``None`` for inputs that the outputs do not depend on.
            Default: ``materialize_grads``.
        materialize_grads: return zeros for those instead.

    Returns:
        A tuple with one tensor per input.

    Raises:
        RuntimeError: as :func:`backward`; or if an input was not used and ``allow_unused`` is not
            set.
        NotImplementedError: for ``is_grads_batched``.
    """
    if is_grads_batched:
        raise NotImplementedError("grad: is_grads_batched is not supported; call grad per gradient")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True"
        )
    roots, wanted = _as_tuple(outputs), _as_tuple(inputs)
    for nr, x in enumerate(wanted):
        if not x.requires_grad:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad (inputs[{nr}])"
            )
    grads = _root_gradients(roots, grad_outputs, create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    found = _walk(roots, grads, keep, create_graph, [_target_of(x) for x in wanted])
    results = []
    for nr, (x, g) in enumerate(zip(wanted, found, strict=True)):
        if g is None and materialize_grads:
            g = np.zeros_like(x._array)
        elif g is None and not allow_unused:
            raise RuntimeError(
                "One of the differentiated Tensors appears to not have been used in the graph. Set "
                f"allow_unused=True if this is the desired behavior. (inputs[{nr}])"
            )
        results.append(g if g is None or isinstance(g, TensorBase) else wrap(x._result_type, g))
    return tuple(results)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, TensorBase) else tuple(value)


def _target_of(x: TensorBase) -> tuple[Target, int]:
    """The node and output that a tensor's gradient arrives at; a leaf stands for itself."""
    node = x.grad_fn
    return (x if node is None else node), x._output_nr


def _root_gradients(roots: tuple[Any, ...], given: Any, create_graph: bool) -> list[Any]:
    """The gradients that the walk starts from, checked: ndarrays, or Tensors for a new graph."""
    if given is None:
        given = (None,) * len(roots)
    given = _as_tuple(given)
    if len(given) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
    grads: list[Any] = []
    for nr, (root, g) in enumerate(zip(roots, given, strict=True)):
        if not root._requires_grad:
            raise RuntimeError(
                f"element {nr} of tensors does not require grad and does not have a grad_fn"
            )
        if g is None:
            if root._array.size != 1:
                raise RuntimeError(
                    "grad can be implicitly created only for scalar outputs, got shape "
                    f"{root._array.shape}; reduce it with sum() or mean(), or pass the gradient"
                )
            g = wrap(root._result_type, np.ones_like(root._array))
        elif not isinstance(g, TensorBase):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
        if g._array.shape != root._array.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{nr}] has a shape of {g._array.shape} and "
                f"output[{nr}] has a shape of {root._array.shape}."
            )
        grads.append(g if create_graph else g._array)
    return grads


def _walk(
    roots: tuple[Any, ...],
    root_grads: list[Any],
    keep_graph: bool,
    create_graph: bool,
    targets: list[tuple[Target, int]] | None,
) -> list[Any]:
    """Run backward from ``roots``; fill leaves' ``.grad``, or return the gradients of ``targets``."""
    previous_mode = mode.grad
    mode.grad = create_graph
    try:
        with np.errstate(all="ignore"):
            return _Walk(roots, root_grads, keep_graph, create_graph, targets).run()
    finally:
        mode.grad = previous_mode


class _Walk:
    """One backward pass: its pending gradients live here, so that passes may nest and run threaded."""

    def __init__(
        self,
        roots: tuple[Any, ...],
        root_grads: list[Any],
        keep_graph: bool,
        create_graph: bool,
        targets: list[tuple[Target, int]] | None,
    ) -> None:
        self.keep_graph = keep_graph
        self.create_graph = create_graph
        self.targets = targets
        self.captured: dict[tuple[int, int], Any] = {}
        self.pending: dict[Target, list[Any]] = {}
        self.summed: set[int] = set()  # ids of arrays that an addition here made
        starts = [_target_of(root) for root in roots]
        self.nodes = _reachable([t for t, _ in starts if isinstance(t, Op)])
        self.needed = None if targets is None else _leading_to(self.nodes, targets)
        for root, (target, nr), g in zip(roots, starts, root_grads, strict=True):
            self.add(target, nr, g, root._array.shape, root._array.dtype)
        if anomaly.enabled:
            anomaly.check_roots([root._array for root in roots], self.nodes)

    def run(self) -> list[Any]:
        for node in self.nodes:
            grads = self.pending.pop(node, None)
            if grads is not None:
                self.visit(node, grads)
        self.finish_leaves()
        if self.targets is None:
            return []
        return [self.captured.get((id(target), nr)) for target, nr in self.targets]

    def visit(self, node: Op, grads: list[Any]) -> None:
        """Hand the gradients of a node's outputs through its ``backward`` to its inputs."""
        if node.hooks is not None or node._retained is not None:
            self.run_hooks(node, grads)
        if self.targets is not None:
            for nr, g in enumerate(grads):
                self.capture(node, nr, g)
            if self.needed is not None and node not in self.needed:
                return
        if node.materialize and any(g is None for g in grads):
            grads = self.with_zeros(node, grads)
        results = node.call_backward(grads)
        if type(results) is not tuple:
            results = (results,)
        if anomaly.enabled:
            anomaly.check_gradients(node, results, self.nodes)
        if len(results) < len(node.edges):
            results += (None,) * (len(node.edges) - len(results))
        if not self.keep_graph:
            node.release()
        for edge, g in zip(node.edges, results, strict=True):
            if edge is not None and g is not None:
                target, nr = edge
                if isinstance(target, Op):
                    shape, dtype = target.metas[nr]
                else:
                    shape, dtype = target._array.shape, target._array.dtype
                self.add(target, nr, g, shape, dtype)

    def add(
        self, target: Target, nr: int, g: Any, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        """Add ``g`` to what is pending for an output, brought to that output's shape and dtype."""
        array = g._array if isinstance(g, TensorBase) else g
        if array.shape != shape:
            g = SumTo.apply(g, shape)
        if array.dtype != dtype:
            g = Cast.apply(g, dtype)
        slots = self.pending.get(target)
        if slots is None:
            size = len(target.metas) if isinstance(target, Op) else 1
            slots = self.pending[target] = [None] * size
        pending = slots[nr]
        if pending is None:
            slots[nr] = g
        elif self.create_graph:
            slots[nr] = pending + g
        elif id(pending) in self.summed:
            pending += g
        else:
            total = np.asarray(pending + g)
            slots[nr] = total
            self.summed.add(id(total))

    def with_zeros(self, node: Op, grads: list[Any]) -> list[Any]:
        """Zeros for outputs that nothing used."""
        return [
            np.zeros(shape, dtype) if g is None else g
            for g, (shape, dtype) in zip(grads, node.metas, strict=True)
        ]

    def run_hooks(self, node: Op, grads: list[Any]) -> None:
        for nr, table in (node.hooks or {}).items():
            if grads[nr] is not None:
                grads[nr] = self.through_hooks(table, grads[nr], node)
        for nr, reference in (node._retained or {}).items():
            tensor = reference()
            if tensor is not None and grads[nr] is not None:
                kept = grads[nr] if self.create_graph else grads[nr].copy()
                _accumulate(tensor, kept, self.create_graph)

    def through_hooks(self, table: Any, g: Any, owner: Any) -> Any:
        """Pass a gradient through user hooks, which see Tensors and may replace it."""
        kind = owner._result_type if isinstance(owner, TensorBase) else TensorBase._result_type
        tensor = g if isinstance(g, TensorBase) else wrap(kind, g)
        for hook in list(table.values()):
            result = hook(tensor)
            if result is not None:
                tensor = result
        return tensor if self.create_graph else tensor._array

    def capture(self, target: Target, nr: int, g: Any) -> None:
        if g is not None and any(t is target and n == nr for t, n in self.targets or ()):
            self.captured[id(target), nr] = g

    def finish_leaves(self) -> None:
        """What is pending now belongs to leaves: run their hooks and hand the gradients over."""
        for leaf in list(self.pending):
            if isinstance(leaf, Op):
                continue
            g = self.pending.pop(leaf)[0]
            if leaf._hooks:
                g = self.through_hooks(leaf._hooks, g, leaf)
            if self.targets is None:
                _accumulate(leaf, g, self.create_graph)
                run_after = leaf.__dict__.get("_post_accumulate_hooks")
                for hook in list(run_after.values()) if run_after else ():
                    hook(leaf)
            else:
                self.capture(leaf, 0, g)


def _reachable(starts: list[Op]) -> list[Op]:
    """All nodes that ``starts`` depend on, newest first."""
    seen = set(starts)
    stack = list(seen)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None and edge[0] not in seen and isinstance(edge[0], Op):
                seen.add(edge[0])
                stack.append(edge[0])
    return sorted(seen, key=attrgetter("sequence"), reverse=True)


def _leading_to(nodes: list[Op], targets: list[tuple[Target, int]]) -> set[Target]:
    """The nodes whose ``backward`` must run for gradients to reach ``targets``."""
    goals = {id(target) for target, _ in targets}
    needed: set[Target] = set()
    for node in reversed(nodes):  # oldest first: what a node leads to is decided before it
        for edge in node.edges:
            if edge is not None and (id(edge[0]) in goals or edge[0] in needed):
                needed.add(node)
                break
    return needed


def _references(array: np.ndarray) -> int:
    return sys.getrefcount(array)


def _accumulate(x: TensorBase, g: Any, create_graph: bool) -> None:
    """x.grad += g. The first gradient is handed over, not copied, when nobody else holds it."""
    if isinstance(g, TensorBase):
        if x._grad is None:
            x._grad = g if create_graph else wrap(x._result_type, g._array)
        else:
            x._grad = x._grad + g  # type: ignore[operator]
        return
    if x._grad is None:
        if g.base is not None or _references(g) > _SOLE_OWNER or not g.flags.writeable:
            g = g.copy()
        x._grad = wrap(x._result_type, g)
    else:
        x._grad._array += g
        if x._grad._counter is not None:
            x._grad._counter[0] += 1


def _calibrate() -> int:
    """The count that ``_accumulate`` sees for an array that only its caller's variable holds."""

    def probe(x: None, g: np.ndarray, create_graph: bool) -> int:
        return _references(g)

    def caller() -> int:
        g = {0: [np.zeros(1)]}.pop(0)[0]
        return probe(None, g, False)

    return caller()


_SOLE_OWNER = _calibrate()
