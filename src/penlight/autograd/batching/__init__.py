"""Batched values, the ground that ``vmap`` stands on.

Inside ``vmap(f)(x)`` with x of shape (B, *S) the function f sees a Tensor of shape S that stands for all B
samples: where other Tensors hold an ndarray it holds a :class:`BatchedArray`, and that holds the Tensor of
shape (B, *S). An op that meets one is not run; its *rule* computes the whole batch by ops on the tensors
inside, which record the graph as ever. So autograd knows nothing of batches; values batched twice (vmap in
vmap) unwrap twice.

``level`` has the samples' number and their order of nesting, ``array`` the stand-in for an ndarray,
``dispatch`` what ops do when they meet one. The rules stand with the ops, in ``penlight.ops.batching``.
"""

from penlight.autograd.batching.array import BatchedArray, innermost, is_at
from penlight.autograd.batching.dispatch import (
    apply,
    exchanged,
    exchanged_back,
    physical,
    rebatched,
    rules,
    value_of,
)
from penlight.autograd.batching.level import Level, Unbatchable, levels, running

__all__ = [
    "BatchedArray", "Level", "Unbatchable", "apply", "exchanged", "exchanged_back", "innermost", "is_at",
    "levels", "physical", "rebatched", "rules", "running", "value_of",
]  # fmt: skip
