"""The tensors that a derivative is taken with respect to, and derivatives by them."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd import batching
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.engine import grad
from penlight.autograd.grad_mode import is_grad_enabled
from penlight.autograd.node import Node
from penlight.autograd.op import Alias

__all__ = ["Outer", "debug_unwrap", "derivatives", "given_back", "variable", "zeros_like"]


def variable(x: Any) -> Any:
    """A tensor of its own for x, to differentiate by: part of the graph that x is part of, else a leaf.

    Inside vmap each sample gets one: a tensor that is one for all samples comes repeated (without copies), so
    that each sample has a derivative of its own.
    """
    return _variable(x, batching.levels())


def _variable(x: Any, levels: list[batching.Level]) -> Any:
    if levels:
        *outer, level = levels
        return batching.rebatched(_variable(batching.physical(x, level), outer), level)
    if x.requires_grad and is_grad_enabled():
        return Alias.apply(x)
    leaf = wrap(TensorBase._result_type, x._array)
    if x._array.dtype.kind in "fc":
        leaf.requires_grad = True
    return leaf


def zeros_like(x: Any) -> Any:
    """Zeros of x's shape and dtype, which differ between samples if x does."""
    return wrap(TensorBase._result_type, np.zeros_like(x._array))


class Outer:
    """Whether results of a transform are to be part of a graph that reaches beyond it.

    They are if gradients are recorded around the transform, and something else than its own variables takes
    part: tensors that the function captured, or what the variables were made from.
    """

    def __init__(self) -> None:
        self.recorded = is_grad_enabled()

    def reached_by(self, tensors: Any, variables: Any) -> bool:
        """Whether a graph of ``tensors`` reaches beyond ``variables``."""
        if not self.recorded:
            return False
        own = {id(leaf_of(v)) for v in variables if v.requires_grad}
        stack = [leaf_of(t) for t in tensors if t.requires_grad]
        seen: set[int] = set()
        while stack:
            place = stack.pop()
            if id(place) in seen or id(place) in own:
                continue
            seen.add(id(place))
            if not isinstance(place, Node):
                return True  # a leaf of others
            stack += [edge[0] for edge in place._edges if edge is not None]
        return any(isinstance(leaf_of(v), Node) for v in variables if v.requires_grad)


def leaf_of(x: Any) -> Any:
    """The node, or leaf, at which x stands in the graph."""
    x = innermost_value(x)
    node = x.grad_fn
    return x if node is None else node


def innermost_value(x: Any) -> Any:
    """The tensor that holds an ndarray."""
    while type(x._array) is batching.BatchedArray:
        x = batching.value_of(x)
    return x


def debug_unwrap(tensor: Any, *, recurse: bool = True) -> Any:
    """The tensor of all samples that a tensor inside ``vmap`` stands for, for a look in a debugger.

    Args:
        tensor: any; one that belongs to no vmap comes as it is.
        recurse: unwrap all levels, or only the innermost. Default: True.
    """
    if type(tensor._array) is not batching.BatchedArray:
        return tensor
    return innermost_value(tensor) if recurse else batching.value_of(tensor)


def derivatives(
    outputs: Any, variables: Any, seeds: Any, *, create_graph: bool, keep_graph: bool = True
) -> list[Any]:
    """v^T J for seeds v, with zeros where nothing depends on a variable."""
    known = [(y, v) for y, v in zip(outputs, seeds, strict=True) if y.requires_grad]
    wanted = [x for x in variables if x.requires_grad]
    found: Any = (None,) * len(wanted)
    if known and wanted:
        ys, vs = zip(*known, strict=True)
        found = grad(ys, wanted, vs, keep_graph, create_graph, allow_unused=True)
    results = iter(found)
    return [
        zeros_like(x) if g is None else g
        for x, g in ((x, next(results) if x.requires_grad else None) for x in variables)
    ]


def given_back(x: Any, connected: bool) -> Any:
    """A result as the caller gets it: without the transform's own graph, unless it leads beyond."""
    return x if connected or not isinstance(x, TensorBase) else x.detach()  # type: ignore[attr-defined]
