"""The functions that PyTorch's files call to make tensors, under PyTorch's names and arguments.

They trust nothing: a file may hand them anything.
"""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.serialization.storage import Storage, short
from penlight.tensor import Tensor
from penlight.tensor.pickling import kinds, rebuild

__all__ = [
    "rebuild_from_type_v2", "rebuild_parameter", "rebuild_parameter_with_state", "rebuild_tensor",
    "rebuild_tensor_v2",
]  # fmt: skip


def rebuild_tensor_v2(
    storage: Any,
    storage_offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    backward_hooks: Any,
    metadata: Any = None,
) -> Any:
    """A tensor over ``storage``; hooks are not restored.

    Args:
        metadata: ``{"conj": True}`` or ``{"neg": True}`` for what PyTorch had put off computing.
    """
    if type(storage) is not Storage:
        raise UnpicklingError(f"a tensor needs a storage, got {type(storage).__name__}")
    if metadata:
        if not isinstance(metadata, dict) or not metadata.keys() <= {"conj", "neg"}:
            raise UnpicklingError("a tensor's metadata may hold 'conj' and 'neg' alone")
        storage = storage.changed(frozenset(flag for flag, on in metadata.items() if on))
    return _leaf(Tensor, storage.view(storage_offset, size, stride), requires_grad)


def rebuild_tensor(storage: Any, storage_offset: Any, size: Any, stride: Any) -> Any:
    """The form in files of PyTorch 0.3 and before."""
    return rebuild_tensor_v2(storage, storage_offset, size, stride, False, None)


def rebuild_parameter(data: Any, requires_grad: Any, backward_hooks: Any) -> Any:
    """A Parameter in the memory of the tensor ``data``."""
    if not isinstance(data, TensorBase):
        raise UnpicklingError(f"a Parameter needs a tensor, got {type(data).__name__}")
    return _leaf(kinds["Parameter"], data._array, requires_grad)


def rebuild_parameter_with_state(
    data: Any, requires_grad: Any, backward_hooks: Any, state: Any
) -> Any:
    """A Parameter with attributes of its own."""
    return _with_state(rebuild_parameter(data, requires_grad, backward_hooks), state)


_MAKERS = (rebuild_tensor_v2, rebuild_tensor, rebuild_parameter, rebuild_parameter_with_state)


def rebuild_from_type_v2(function: Any, new_type: Any, args: Any, state: Any) -> Any:
    """What ``function(*args)`` makes, as a ``new_type`` with attributes.

    A Buffer is a Tensor with the attribute ``_is_buffer``, as in PyTorch.
    """
    if not any(function is maker for maker in _MAKERS):
        raise UnpicklingError(f"a tensor can't be made by {_name_of(function)}")
    if not (isinstance(new_type, type) and issubclass(new_type, Tensor)):
        raise UnpicklingError(f"a tensor can't be made as a {_name_of(new_type)}")
    t = function(*args)
    if new_type is Tensor and isinstance(state, dict) and "_is_buffer" in state:
        new_type = kinds["Buffer"]
        state = {name: value for name, value in state.items() if name != "_is_buffer"}
    if type(t) is not new_type:
        t = rebuild(new_type, t._array, t._requires_grad)
    return _with_state(t, state)


def _leaf(cls: type[Any], array: np.ndarray, requires_grad: Any) -> Any:
    if type(requires_grad) is not bool or (requires_grad and array.dtype.kind not in "fc"):
        raise UnpicklingError(
            "requires_grad must be False, or True for floating and complex dtypes; got "
            f"{short(requires_grad)} for {array.dtype}"
        )
    return rebuild(cls, array, requires_grad)


def _with_state(t: Any, state: Any) -> Any:
    """Put attributes back. A pair is (attributes, values of slots); ours have no slots to fill."""
    if isinstance(state, tuple) and len(state) == 2 and not state[1]:
        state = state[0]
    if state is None:
        return t
    if not isinstance(state, dict) or not all(type(name) is str for name in state):
        raise UnpicklingError("a tensor's attributes must be a dict with names as its keys")
    t.__dict__.update(state)
    return t


def _name_of(value: Any) -> str:
    name = getattr(value, "__qualname__", None)
    return name if isinstance(name, str) else f"a {type(value).__name__}"
