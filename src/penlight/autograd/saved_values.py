"""``saved_tensors_hooks``: let the user decide how values saved for backward are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.grad_mode import no_grad

__all__ = ["Packed", "hooks_active", "pack", "save_on_cpu", "saved_tensors_hooks"]

hooks_active = 0
"""How many blocks of hooks are open in all threads together: zero is what ops look at first."""

_lock = threading.Lock()


class _Stack(threading.local):
    """The hooks of one thread, innermost last."""

    def __init__(self) -> None:
        self.hooks: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = []


_stack = _Stack()


class saved_tensors_hooks:
    """Inside the block, ``pack_hook(tensor)`` is kept in place of each tensor saved for backward.

    ``unpack_hook(packed)`` must give back a tensor with the same values when backward needs it. So
    values can wait on disk or in half precision, or be counted. Blocks nest; the innermost counts.
    Changes in place of a packed tensor are not noticed.

    Example:
        >>> with saved_tensors_hooks(lambda x: x.half(), lambda x: x.float()):
        ...     y = model(x)
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        global hooks_active
        _stack.hooks.append((self.pack_hook, self.unpack_hook))
        with _lock:
            hooks_active += 1

    def __exit__(self, *exception: object) -> None:
        global hooks_active
        _stack.hooks.pop()
        with _lock:
            hooks_active -= 1


class save_on_cpu(saved_tensors_hooks):
    """Keep copies of saved tensors on the CPU, where all are anyway: so that programs run."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda x: x.clone(), lambda x: x)


class Packed:
    """What hooks made of the arrays among saved values, and how to get them back."""

    __slots__ = ("items", "unpack_hook")

    def __init__(self, items: tuple[Any, ...], unpack_hook: Callable[[Any], Any]) -> None:
        self.items, self.unpack_hook = items, unpack_hook

    def unpack(self) -> tuple[Any, ...]:
        """The saved values as they were.

        Raises:
            TypeError: if the hook gives no tensor.
        """
        return tuple(self._unpacked(i[0]) if type(i) is _Box else i for i in self.items)

    def _unpacked(self, packed: Any) -> np.ndarray:
        x = self.unpack_hook(packed)
        if not isinstance(x, TensorBase):
            raise TypeError(f"unpack_hook must return a Tensor, got {type(x).__name__}")
        return x._array


class _Box(tuple[Any]):
    """Tells what a hook made from values that were not given to it."""

    __slots__ = ()


def pack(saved: tuple[Any, ...]) -> Any:
    """The saved values as this thread's innermost hooks keep them."""
    if not _stack.hooks:
        return saved
    pack_hook, unpack_hook = _stack.hooks[-1]
    with no_grad():
        items = tuple(
            _Box((pack_hook(wrap(TensorBase._result_type, i)),)) if type(i) is np.ndarray else i
            for i in saved
        )
    return Packed(items, unpack_hook)
