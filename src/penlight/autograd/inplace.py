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
from penlight.autograd.base import TensorBase, View, wrap
from penlight.autograd.grad_mode import mode
from penlight.autograd.op import Op
from penlight.autograd.primitives import Cast, WriteView

__all__ = [
    "apply_inplace", "bump_version", "check_inplace", "refuse_overlap", "set_history", "snapshot",
]  # fmt: skip


def check_inplace(x: TensorBase) -> None:
    """Raise if autograd forbids changing ``x`` in place here."""
    if not mode.grad:
        return
    if x._view is not None:
        x._refresh_view()
        base = x._view.base
        if base._requires_grad and base._node is None:
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place "
                "operation. Change it under no_grad(), or change a clone."
            )
        if x._view.path is None and x._requires_grad:
            raise RuntimeError(
                f"Output {x._output_nr} of {x._node.name() if x._node else 'a function'} is a view "
                "and is being modified inplace. This view is the output of a function that returns "
                "multiple views or its own input; use an out-of-place operation instead."
            )
    elif x._requires_grad and x._node is None:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation. Change it "
            "under no_grad(), or change a clone."
        )


def bump_version(x: TensorBase) -> None:
    """Note that ``x``'s memory has changed."""
    if x._counter is not None:
        x._counter[0] += 1
    elif not mode.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed. You can "
            "make a clone to get a normal tensor before doing inplace update."
        )


def snapshot(x: TensorBase, *, copy: bool) -> TensorBase:
    """A tensor with ``x``'s present history, to compute x's new value from.

    With ``copy`` it has memory of its own, so that what ops save of it outlives the change.
    """
    if not mode.grad:
        copy = False
    old = wrap(x._result_type, x._array.copy() if copy else x._array)
    old._node, old._output_nr, old._requires_grad = x._node, x._output_nr, x._requires_grad
    return old


def set_history(x: TensorBase, node: Op | None, output_nr: int) -> None:
    """Make ``node`` the maker of ``x``'s present value, and of its base's if ``x`` is a view."""
    if x._view is None:
        x._node, x._output_nr, x._requires_grad = node, output_nr, node is not None
        return
    base, path, _ = x._view
    value = wrap(x._result_type, x._array)
    value._node, value._output_nr, value._requires_grad = node, output_nr, node is not None
    written = WriteView.apply(snapshot(base, copy=False), value, path, True)
    base._node, base._output_nr, base._requires_grad = written._node, 0, written._requires_grad
    x._view = View(base, path, None)
    x._requires_grad = True
    x._refresh_view()


def refuse_overlap(array: np.ndarray) -> None:
    """Raise if several elements lie in one place (expanded tensors), or nothing may be written.

    Raises:
        RuntimeError: in either case.
    """
    if 0 in array.strides and array.size and any(
        s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True)
    ):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )
    if not array.flags.writeable:
        raise RuntimeError(
            "the tensor's memory is read-only (a NumPy array that is not writeable); clone() it "
            "before changing it in place"
        )


def apply_inplace(x: TensorBase, compute: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """x becomes ``compute(x, *args, **kwargs)``, in x's own memory.

    Raises:
        RuntimeError: if autograd forbids it, or if the result has another shape than x or a dtype
            that can't be cast to x's.
    """
    check_inplace(x)
    recording = mode.grad
    old = snapshot(x, copy=recording)
    if recording:
        args = tuple(old if a is x else a for a in args)
    y = compute(old, *args, **kwargs)
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
    if recording and y._requires_grad and y._array.dtype != x._array.dtype:
        y = Cast.apply(y, x._array.dtype)
    bump_version(x)
    x._array[...] = y._array
    if recording and (y._requires_grad or x._requires_grad):
        set_history(x, y._node, y._output_nr)
    return x
