"""``Variable``: what tensors with gradients were called before they were simply tensors."""

from __future__ import annotations

from typing import Any

from penlight.autograd.base import TensorBase, wrap

__all__ = ["Variable"]


class _AnyTensor(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, TensorBase)


class Variable(metaclass=_AnyTensor):
    """``Variable(data, requires_grad=True)`` is a tensor with that memory; every tensor is one.

    Raises:
        TypeError: if ``data`` is no tensor.
    """

    def __new__(cls, data: Any, requires_grad: bool = False) -> Any:
        if not isinstance(data, TensorBase):
            raise TypeError(f"Variable: data must be a Tensor, got {type(data).__name__}")
        variable = wrap(data._result_type, data._array.view())
        variable._counter = data._counter
        variable.requires_grad = requires_grad
        return variable
