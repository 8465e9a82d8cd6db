"""In-place changes: write the memory, raise the version, and give the tensor its new history.

``x.mul_(y)`` is ``x_new = x_old * y`` with x_new in x's memory. When x is a view of b, b changes
too: its new history is "b with that part replaced" (``WriteView``), and each view of b replays its
own making on the new b when it is next used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penlight._core.dtypes import can_cast, dtype_of
from penlight.autograd import batching
from penlight.autograd.base import TensorBase, View, wrap
from penlight.autograd.grad_mode import mode
from penlight.autograd.node import Node, next_sequence
from penlight.autograd.primitives import Cast, WriteView

__all__ = [
    "apply_inplace", "bump_version", "check_inplace", "refuse_overlap", "refuse_wider", "set_history",
    "snapshot",
]  # fmt: skip


def check_inplace(x: TensorBase, value: TensorBase | None = None) -> None:
    """Raise if ``x`` must not be changed in place here.

    Args:
        value: what is to be written, if autograd is to record that it came from there.
    """
    if x._counter is None and not mode.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed. You can "
            "make a clone to get a normal tensor before doing inplace update."
        )
    if not x._array.flags.writeable:
        _refuse_read_only()
    if not mode.recording:
        return
    if value is not None and value._view is not None:
        value._follow_base()  # raises now rather than after the change
    if x.requires_grad or (value is not None and value.requires_grad):
        _check_history(x)


def _check_history(x: TensorBase) -> None:
    """Raise if an in-place change of ``x`` can't be recorded."""
    view = x._view
    if view is not None:
        if view.origin:
            raise RuntimeError(
                f"this tensor is a view and is being modified inplace with grad mode enabled, but it "
                f"{view.origin}: its gradient is not defined. Use an out-of-place operation, or "
                "change it under no_grad()"
            )
        _refuse_overlapping(x._array)
        x._follow_base()
        if view.base._requires_grad and view.base._node is None:
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place "
                "operation. Change it under no_grad(), or change a clone."
            )
    if x._requires_grad and x._node is None:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation. Change it "
            "under no_grad(), or change a clone."
        )


def _refuse_overlapping(view: np.ndarray) -> None:
    """Raise if elements of a view lie in one place: their gradients could not be told apart."""
    if not view.size:
        return
    reach = view.itemsize  # how far the elements of the dimensions seen so far lie apart
    for stride, n in sorted((abs(s), n) for s, n in zip(view.strides, view.shape, strict=True)):
        if n > 1 and stride < reach:
            raise RuntimeError(
                "unsupported operation: more than one element of the written-to tensor refers to a "
                "single memory location. Please clone() the tensor before performing the operation."
            )
        reach += (n - 1) * stride


def bump_version(x: TensorBase) -> None:
    """Note that ``x``'s memory has changed."""
    if x._counter is not None:
        x._counter[0] += 1
    elif not mode.inference:
        check_inplace(x)


def refuse_overlap(array: np.ndarray) -> None:
    """Raise if several elements lie in one place (expanded tensors), or nothing may be written.

    Raises:
        RuntimeError: in either case.
    """
    if (
        0 in array.strides
        and array.size
        and any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True))
    ):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )
    if not array.flags.writeable:
        _refuse_read_only()


def _refuse_read_only() -> None:
    raise RuntimeError(
        "the tensor's memory is read-only (a NumPy array that is not writeable); clone() it before "
        "changing it in place"
    )


def snapshot(x: TensorBase, *, copy: bool = False) -> TensorBase:
    """A tensor with ``x``'s present history, to compute x's new value from.

    With ``copy`` it has memory of its own, so that what ops save of it outlives the change.
    """
    array = x._array.copy() if copy and mode.recording else x._array
    return _at_node(x, array, x._node, x._output_nr, x._requires_grad)


def _at_node(
    x: TensorBase, array: np.ndarray, node: Node | None, output_nr: int, requires_grad: bool
) -> TensorBase:
    """A tensor of x's class at a place in the graph."""
    y: TensorBase = wrap(x._result_type, array)
    y._node, y._output_nr, y._requires_grad = node, output_nr, requires_grad
    return y


def set_history(x: TensorBase, node: Node | None, output_nr: int) -> None:
    """Make ``node`` the maker of ``x``'s present value, and of its base's if ``x`` is a view."""
    value = _at_node(x, x._array, node, output_nr, node is not None)
    if x._view is None:
        x._rebase(value)
        return
    base, path, _, _ = x._view
    base._rebase(WriteView.apply(snapshot(base), value, path, True))
    x._view = View(base, path, -1, "")
    x._follow_base()


def apply_inplace(x: TensorBase, compute: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """x becomes ``compute(x, *args, **kwargs)``, in x's own memory.

    Raises:
        RuntimeError: if autograd forbids it, or if the result has another shape than x or a dtype
            that can't be cast to x's.
    """
    if batching.running:
        level = batching.innermost((x, *args, *kwargs.values()))
        if level is not None:
            return _apply_to_all(level, x, compute, args, kwargs)
    check_inplace(x)
    if not mode.recording:
        y = compute(x, *args, **kwargs)
        _check_result(x, y)
        x._array[...] = y._array
        bump_version(x)
        return x
    started = next_sequence()
    old = snapshot(x)
    y = compute(old, *(old if a is x else a for a in args), **kwargs)
    _check_result(x, y)
    if not (y._requires_grad or x.requires_grad):
        x._array[...] = y._array
        bump_version(x)
        return x
    check_inplace(x, y)
    if y._array.dtype != x._array.dtype:
        y = Cast.apply(y, x._array.dtype)
    _keep_old_values(y, started, x)
    x._array[...] = y._array
    bump_version(x)
    set_history(x, y._node, y._output_nr)
    return x


def _apply_to_all(
    level: batching.Level, x: TensorBase, compute: Callable[..., Any], args: Any, kwargs: Any
) -> Any:
    """:func:`apply_inplace` for all samples of a vmap, in the memory of all."""
    refuse_wider(level, x)

    def compute_all(old: TensorBase) -> Any:
        one = batching.rebatched(old, level)
        y = compute(one, *(one if a is x else a for a in args), **kwargs)
        return batching.physical(y, level)

    apply_inplace(batching.value_of(x), compute_all)
    return x


def refuse_wider(level: batching.Level, x: TensorBase) -> None:
    """Raise if x is one for all samples, and so can't take a value of each."""
    if not batching.is_at(x, level):
        raise RuntimeError(
            "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor "
            "`other` in extra_args that has more elements than `self`. This happened due to `other` being "
            "vmapped over but `self` not being vmapped over in a vmap. Please try to use out-of-place "
            "operators instead of inplace arithmetic."
        )


def _check_result(x: TensorBase, y: TensorBase) -> None:
    """Raise if ``y`` can't be written into ``x``."""
    if y._array.shape != x._array.shape:
        raise RuntimeError(
            f"output with shape {list(x._array.shape)} doesn't match the broadcast shape "
            f"{list(y._array.shape)}"
        )
    if y._array.dtype != x._array.dtype and not can_cast(dtype_of(y._array), dtype_of(x._array)):
        raise RuntimeError(
            f"result type {dtype_of(y._array)} can't be cast to the desired output type "
            f"{dtype_of(x._array)}"
        )
    refuse_overlap(x._array)


def _keep_old_values(y: TensorBase, started: int, x: TensorBase) -> None:
    """Prepare what nodes made since ``started`` saved for x's memory being overwritten by y.

    Old values of x are copied; where y itself was saved, x's memory will do from now on.
    """
    counter: Any = x._counter
    stack = [y._node]
    while stack:
        node = stack.pop()
        if node is None or node._sequence < started:
            continue
        stack += [e[0] for e in node._edges if e is not None and isinstance(e[0], Node)]
        if type(node._saved) is not tuple or not node._saved:
            continue
        items, sources = list(node._saved), list(node._sources)
        for i, (item, source) in enumerate(zip(items, sources, strict=True)):
            if type(item) is not np.ndarray:
                continue
            if np.may_share_memory(item, x._array):
                items[i] = item.copy()
            elif item is y._array and source is not None:
                items[i], sources[i] = x._array, (source[0], counter, counter[0] + 1)
        node._saved, node._sources = tuple(items), sources
