"""``backward`` and ``grad``: check the arguments, walk the graph, hand out what arrives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.walk import Target, Walk, take

__all__ = ["backward", "grad"]


def backward(
    tensors: TensorBase | Sequence[TensorBase],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: TensorBase | Sequence[TensorBase] | None = None,
) -> None:
    """Add to ``.grad`` of the leaves the gradients of ``tensors``, each weighted by its gradient.

    Args:
        tensors: what to differentiate; scalars unless ``grad_tensors`` gives their gradients.
        grad_tensors: dL/dtensor for each tensor, of its shape; ``None`` for scalars means 1.
        retain_graph: keep what was saved for a further pass. Default: ``create_graph``.
        create_graph: record the backward pass itself, for derivatives of higher order.
        grad_variables: the old name of ``grad_tensors``.
        inputs: the only tensors to receive gradients. Default: all leaves.

    Raises:
        RuntimeError: if a tensor does not require gradients, has more than one element and no
            gradient given, or if the graph was freed by an earlier pass.
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` mean the same: give one of them"
            )
        grad_tensors = grad_variables
    roots = _as_tensors(tensors, "tensors")
    grads = _root_gradients(roots, grad_tensors, create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    targets = None if inputs is None else _accumulating_targets(_as_tensors(inputs, "inputs"))
    _walk(Walk(keep, create_graph, targets, accumulate=True), roots, grads)


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
        is_grads_batched: ``grad_outputs`` have a first dimension of several gradients, for each of
            which a pass is made; the results have that dimension too.
        materialize_grads: return zeros for those instead.

    Returns:
        A tuple with one tensor per input.

    Raises:
        RuntimeError: as :func:`backward`; or if an input was not used and ``allow_unused`` is not
            set.
        ValueError: if ``allow_unused=False`` meets ``materialize_grads=True``, or a batched
            gradient has no first dimension.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    roots, wanted = _as_tensors(outputs, "outputs"), _as_tensors(inputs, "inputs")
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    for nr, x in enumerate(wanted):
        if not x.requires_grad:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad (inputs[{nr}])"
            )
    keep = create_graph if retain_graph is None else retain_graph
    unused = materialize_grads or bool(allow_unused)
    if is_grads_batched:
        return _batched_grad(
            roots, wanted, grad_outputs, keep, create_graph, unused, materialize_grads
        )
    grads = _root_gradients(roots, grad_outputs, create_graph)
    targets = [_target_of(x) for x in wanted]
    walk = Walk(keep, create_graph, targets, accumulate=False)
    _walk(walk, roots, grads)
    results = []
    for nr, (x, target) in enumerate(zip(wanted, targets, strict=True)):
        slots = walk.captured.get(target[0])
        if slots is None or slots[target[1]] is None:
            if not unused:
                raise RuntimeError(
                    f"The differentiated Tensor at index {nr} appears to not have been used in the "
                    "graph. Set allow_unused=True if this is the desired behavior."
                )
            results.append(_zeros_like(x) if materialize_grads else None)
        elif create_graph:
            results.append(slots[target[1]])
        else:
            results.append(wrap(x._result_type, take(slots, target[1])))
    return tuple(results)


def _batched_grad(
    roots: tuple[Any, ...],
    wanted: tuple[Any, ...],
    grad_outputs: Any,
    keep: bool,
    create_graph: bool,
    unused: bool,
    materialize: bool,
) -> tuple[Any, ...]:
    """One pass per gradient along the first dimension of ``grad_outputs``, results stacked."""
    given = (None,) if grad_outputs is None else _as_tuple(grad_outputs)
    sizes = {g._array.shape[0] if g is not None and g._array.ndim else -1 for g in given}
    if len(sizes) != 1 or -1 in sizes:
        raise ValueError(
            "grad: with is_grads_batched=True each of grad_outputs must be a tensor whose first "
            f"dimension counts the gradients, equal for all; got shapes "
            f"{[None if g is None else list(g._array.shape) for g in given]}"
        )
    (size,) = sizes
    passes = [
        grad(roots, wanted, [g[i] for g in given], keep or i < size - 1, create_graph, unused)
        for i in range(size)
    ]
    results: list[Any] = []
    for i, x in enumerate(wanted):
        column = [found[i] for found in passes]
        if any(g is not None for g in column):
            filled = [_zeros_like(x) if g is None else g for g in column]
            results.append(np.stack(filled))
        else:
            shape = (size, *x._array.shape)
            zeros = wrap(x._result_type, np.zeros(shape, x._array.dtype))
            results.append(zeros if materialize or not size else None)
    return tuple(results)


def _walk(walk: Walk, roots: tuple[Any, ...], grads: list[Any]) -> None:
    for root, g in zip(roots, grads, strict=True):
        walk.start(root, *_target_of(root), g)
    del grads[:]  # so that the walk alone holds those that were made here
    walk.run()


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, TensorBase) else tuple(value)


def _as_tensors(value: Any, name: str) -> tuple[Any, ...]:
    if isinstance(value, TensorBase):
        return (value,)
    tensors = tuple(value)
    for i, x in enumerate(tensors):
        if not isinstance(x, TensorBase):
            raise TypeError(f"{name}: expected Tensors, got {type(x).__name__} at index {i}")
    return tensors


def _zeros_like(x: TensorBase) -> Any:
    return wrap(x._result_type, np.zeros_like(x._array))


def _target_of(x: TensorBase) -> tuple[Target, int]:
    """The node and output that a tensor's gradient arrives at; a leaf stands for itself."""
    node = x.grad_fn
    return (x if node is None else node), x._output_nr


def _accumulating_targets(inputs: tuple[Any, ...]) -> list[tuple[Target, int]]:
    """The targets of ``backward(inputs=...)``, which those that are no leaves retain."""
    if not inputs:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    for nr, x in enumerate(inputs):
        if not x.requires_grad:
            raise RuntimeError(f"backward: inputs[{nr}] does not require grad")
        x.retain_grad()
    return [_target_of(x) for x in inputs]


def _root_gradients(roots: tuple[Any, ...], given: Any, create_graph: bool) -> list[Any]:
    """The gradients that the walk starts from, checked: ndarrays, or Tensors for a new graph."""
    given = (None,) * len(roots) if given is None else _as_tuple(given)
    if len(given) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
    grads: list[Any] = []
    for nr, (root, g) in enumerate(zip(roots, given, strict=True)):
        if not root.requires_grad:
            raise RuntimeError(
                f"element {nr} of tensors does not require grad and does not have a grad_fn"
            )
        array = root._array
        if g is None:
            if array.size != 1:
                raise RuntimeError(
                    f"grad can be implicitly created only for scalar outputs, got shape {array.shape}"
                    "; reduce it with sum() or mean(), or pass the gradient"
                )
            ones = (
                np.array(1, array.dtype) if array.ndim == 0 else np.ones(array.shape, array.dtype)
            )
            grads.append(wrap(root._result_type, ones) if create_graph else ones)
            continue
        if not isinstance(g, TensorBase):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
        if g._array.shape != array.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{nr}] has a shape of {g._array.shape} and "
                f"output[{nr}] has a shape of {array.shape}."
            )
        grads.append(g if create_graph else g._array)
    return grads
