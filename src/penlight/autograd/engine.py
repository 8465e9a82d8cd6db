"""``backward`` and ``grad``: check the arguments, walk the graph, hand out what arrives."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from penlight.autograd import batching
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.walk import Target, Walk, release_all, take

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
    if batching.innermost(roots) is not None:
        raise RuntimeError(
            "backward() called inside torch.vmap. This is not supported, please call backward() outside "
            "vmap or instead use torch.func.grad inside vmap"
        )
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
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the sum of ``outputs`` with respect to ``inputs``, without touching ``.grad``.

    Args:
        outputs, inputs, grad_outputs, retain_graph, create_graph: as for :func:`backward`.
        only_inputs: True; gradients of other leaves are never accumulated.
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
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate "
            "gradient for other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
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
    if batching.running and not is_grads_batched:
        given = () if grad_outputs is None else _as_tuple(grad_outputs)
        level = batching.innermost((*roots, *wanted, *given))
        if level is not None:
            options = {"create_graph": create_graph, "allow_unused": unused}
            return _grad_of_batch(level, roots, wanted, given, keep, materialize_grads, **options)
    if is_grads_batched:
        return _batched_grad(
            roots, wanted, grad_outputs, keep, create_graph, unused, materialize_grads
        )
    return _gradients(roots, wanted, grad_outputs, keep, create_graph, unused, materialize_grads)


def _gradients(
    roots: tuple[Any, ...],
    wanted: tuple[Any, ...],
    grad_outputs: Any,
    keep: bool,
    create_graph: bool,
    unused: bool,
    materialize: bool,
    tensors: bool = False,
) -> tuple[Any, ...]:
    """:func:`grad` by one pass, in which gradients are Tensors if ``tensors`` says so."""
    grads = _root_gradients(roots, grad_outputs, create_graph or tensors)
    targets = [_target_of(x) for x in wanted]
    walk = Walk(keep, create_graph, targets, accumulate=False, tensors=tensors)
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
            results.append(_zeros_like(x) if materialize else None)
        elif walk.tensors:
            results.append(slots[target[1]])
        else:
            results.append(wrap(x._result_type, take(slots, target[1])))
    return tuple(results)


def _grad_of_batch(
    level: batching.Level,
    roots: tuple[Any, ...],
    wanted: tuple[Any, ...],
    given: tuple[Any, ...],
    keep: bool,
    materialize: bool,
    *,
    create_graph: bool,
    allow_unused: bool,
) -> tuple[Any, ...]:
    """:func:`grad` for all samples of a vmap at once.

    Where the outputs are of a batch, so are the graph's tensors: no sample's output depends on another's
    input, so the gradients of the sum over all samples are those of each. Where only ``given`` is a batch,
    the graph is one for all, and the pass hands batches through it.

    Raises:
        RuntimeError: if an output of a batch is to be differentiated by what is one for all samples.
    """
    own = batching.innermost((*roots, *wanted))
    if own is None:
        return _gradients(
            roots, wanted, given, keep, create_graph, allow_unused, materialize, tensors=True
        )
    if not all(batching.is_at(x, own) for x in wanted):
        raise RuntimeError(
            "grad: inside vmap, outputs that differ between samples can't be differentiated with respect "
            "to a tensor that is one for all samples; use torch.func.grad or vjp inside vmap"
        )
    seeds = _seeds(roots, given)
    if own is level:
        seeds = [batching.physical(g, level) for g in seeds]
    else:  # the graph is of an outer vmap, whose samples are a dimension to this one
        seeds = [batching.exchanged(g, level, own) for g in seeds]
    found = grad(
        [batching.physical(y, own) for y in roots],
        [batching.value_of(x) for x in wanted],
        seeds,
        retain_graph=keep,
        create_graph=create_graph,
        allow_unused=allow_unused,
        materialize_grads=materialize,
    )
    if own is level:
        return tuple(None if g is None else batching.rebatched(g, level) for g in found)
    return tuple(None if g is None else batching.exchanged_back(g, level, own) for g in found)


def _seeds(roots: tuple[Any, ...], given: tuple[Any, ...]) -> list[Any]:
    """The gradients to start from: those given, and ones for outputs of one element."""
    seeds = []
    for y, g in zip(roots, given or (None,) * len(roots), strict=True):
        if g is None and y._array.size != 1:
            raise RuntimeError(
                "grad can be implicitly created only for scalar outputs, got shape "
                f"{y._array.shape}; reduce it with sum() or mean(), or pass the gradient"
            )
        seeds.append(wrap(y._result_type, np.ones_like(y._array)) if g is None else g)
    return seeds


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
    columns = _columns_of_batch(roots, wanted, given, size, keep, create_graph, unused)
    results: list[Any] = []
    for x, column in zip(wanted, columns, strict=True):
        if column is not None:
            results.append(column)
        else:
            zeros = np.zeros((size, *x._array.shape), x._array.dtype)
            results.append(wrap(x._result_type, zeros) if materialize or not size else None)
    return tuple(results)


def _columns_of_batch(
    roots: tuple[Any, ...],
    wanted: tuple[Any, ...],
    given: tuple[Any, ...],
    size: int,
    keep: bool,
    create_graph: bool,
    unused: bool,
) -> list[Any]:
    """For each input the gradients for all of ``given``: by one pass of a vmap, or one by one."""
    level = batching.Level(size)
    options = {"create_graph": create_graph, "allow_unused": unused}
    try:
        with level:
            seeds = tuple(batching.rebatched(g, level) for g in given)
            found = _grad_of_batch(level, roots, wanted, seeds, True, False, **options)
            if not keep:
                release_all([_target_of(root)[0] for root in roots])
            return [None if g is None else batching.physical(g, level) for g in found]
    except batching.Unbatchable as obstacle:
        if obstacle.level is not level:
            raise
    passes = [
        grad(roots, wanted, [g[i] for g in given], retain_graph=keep or i < size - 1, **options)
        for i in range(size)
    ]
    columns: list[Any] = []
    for x, column in zip(wanted, zip(*passes, strict=True), strict=True):
        filled = [_zeros_like(x) if g is None else g for g in column]
        columns.append(None if all(g is None for g in column) else np.stack(filled))
    return columns


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
