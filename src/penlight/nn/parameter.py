"""``Parameter`` and ``Buffer``: tensors that a Module registers when they become its attributes."""

from __future__ import annotations

from typing import Any, Self

from penlight.autograd.base import TensorBase, wrap
from penlight.tensor import Tensor
from penlight.tensor.pickling import kinds

__all__ = ["Buffer", "Parameter"]


class Parameter(Tensor):
    """A tensor to be learned: a leaf that requires gradients, listed by ``Module.parameters()``.

    Args:
        data: the tensor whose memory it takes over. Default: an empty one.
        requires_grad: whether it is to be learned. Default: True.
    """

    __slots__ = ()

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Self:
        if data is None:
            data = Tensor()
        if not isinstance(data, TensorBase):
            raise TypeError(f"Parameter: data must be a Tensor, got {type(data).__name__}")
        parameter: Self = wrap(cls, data._array)
        parameter.requires_grad = requires_grad
        return parameter

    def __repr__(self) -> str:  # type: ignore[override]  # PyTorch's has no argument either
        return f"Parameter containing:\n{super().__repr__()}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            copied = type(self)(wrap(Tensor, self._array.copy(order="K")), self._requires_grad)
            memo[id(self)] = copied
        return memo[id(self)]


class Buffer(Tensor):
    """A tensor that is state but not learned.

    Args:
        data: the tensor whose memory it takes over. Default: an empty one.
        persistent: whether ``Module.state_dict`` has it. Default: True.
    """

    __slots__ = ()

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Self:
        if data is None:
            data = Tensor()
        if not isinstance(data, TensorBase):
            raise TypeError(f"Buffer: data must be a Tensor, got {type(data).__name__}")
        buffer: Self = wrap(cls, data._array)
        buffer.persistent = persistent
        return buffer


kinds.update(Parameter=Parameter, Buffer=Buffer)
