"""Looking at the graph and taking part in its keeping: ``torch.autograd.graph``'s names."""

from __future__ import annotations

from typing import Any, NamedTuple

from penlight.autograd.base import TensorBase
from penlight.autograd.inplace import bump_version
from penlight.autograd.node import AccumulateGrad, Node
from penlight.autograd.saved_values import save_on_cpu, saved_tensors_hooks

__all__ = [
    "GradientEdge", "Node", "get_gradient_edge", "increment_version", "save_on_cpu", "saved_tensors_hooks",
]  # fmt: skip


class GradientEdge(NamedTuple):
    """A place in the graph: a node, and which of its outputs."""

    node: Node
    output_nr: int


def get_gradient_edge(tensor: TensorBase) -> GradientEdge:
    """Where the gradient of ``tensor`` arrives.

    Raises:
        RuntimeError: if it requires none.
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients"
        )
    node = tensor.grad_fn
    return GradientEdge(AccumulateGrad.of(tensor) if node is None else node, tensor._output_nr)


def increment_version(tensor: Any) -> None:
    """Note that the memory of a tensor, or of several, was changed from outside."""
    for t in (tensor,) if isinstance(tensor, TensorBase) else tensor:
        bump_version(t)
