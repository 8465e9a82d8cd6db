"""``Parameter`` and ``Buffer``: tensors that a Module registers when they become its attributes.

Their uninitialized kinds have no shape yet, see ``modules/lazy.py``.
"""

from __future__ import annotations

from typing import Any, Self

from penlight._core.dtypes import dtype as Dtype, dtype_of
from penlight.autograd.base import TensorBase, wrap
from penlight.tensor import Tensor
from penlight.tensor.creation import empty
from penlight.tensor.pickling import kinds

__all__ = [
    "Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter",
    "UninitializedTensorMixin", "is_lazy",
]  # fmt: skip


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


_raw: Any = TensorBase.__dict__["_array"]  # the slot behind the property below


class UninitializedTensorMixin(TensorBase):
    """A tensor whose shape is not known yet: it has a dtype, and no use but to be materialised."""

    __slots__ = ()

    cls_to_become: type[Tensor]

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Get memory of this shape, uninitialised, and become a ``cls_to_become``.

        Args:
            shape: of the tensor to be.
            dtype: default: the one it was made with.
        """
        self._array = empty(shape, device=device, dtype=dtype or self.dtype)._array
        self.__class__ = self.cls_to_become  # type: ignore[assignment]

    @property
    def _array(self) -> Any:
        """Everything that needs elements asks for them here."""
        raise ValueError(
            f"Attempted to use an uninitialized parameter, a {type(self).__name__}. This happens when "
            "you use a lazy module before its first call: call it with a dummy batch first."
        )

    @_array.setter
    def _array(self, array: Any) -> None:
        _raw.__set__(self, array)

    @property
    def data(self) -> Tensor:
        """An empty tensor, for what converts dtypes."""
        plain: Tensor = wrap(Tensor, _raw.__get__(self))
        return plain

    @data.setter
    def data(self, value: Tensor) -> None:
        self._array = value._array

    @property
    def dtype(self) -> Dtype:
        """The type that the elements will have."""
        return dtype_of(_raw.__get__(self))

    @property
    def shape(self) -> Any:
        """Not known.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This usually happens "
            "in `load_state_dict` when an uninitialized parameter is loaded into an initialized "
            "one. Call `forward` to initialize the parameters before accessing their attributes."
        )

    @property
    def requires_grad(self) -> bool:
        """Whether gradients will be wanted."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        plain = self.data
        plain.requires_grad = value  # which checks it
        self._requires_grad = value

    def is_floating_point(self) -> bool:
        """Whether the dtype is a floating-point one."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the dtype is a complex one."""
        return self.dtype.is_complex

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            make, arguments = self.__reduce_ex__(2)
            memo[id(self)] = make(*arguments)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return type(self), (self._requires_grad, None, self.dtype)


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]  # repr
    """A parameter whose shape is not known yet.

    Args:
        requires_grad: whether it is to be learned. Default: True.
        dtype: of the parameter to be. Default: the default dtype.
    """

    __slots__ = ()

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Self:
        parameter: Self = wrap(cls, empty(0, device=device, dtype=dtype)._array)
        parameter.requires_grad = requires_grad
        return parameter


class UninitializedBuffer(UninitializedTensorMixin, Buffer):  # type: ignore[misc]  # repr
    """A buffer whose shape is not known yet.

    Args:
        requires_grad: whether gradients are wanted for it. Default: False.
        dtype: of the buffer to be. Default: the default dtype.
        persistent: whether ``Module.state_dict`` has it. Default: True.
    """

    __slots__ = ()

    cls_to_become = Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> Self:
        buffer: Self = wrap(cls, empty(0, device=device, dtype=dtype)._array)
        buffer.requires_grad = requires_grad
        buffer.persistent = persistent
        return buffer

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        make, arguments = super().__reduce_ex__(protocol)
        return make, (*arguments, self.persistent)


def is_lazy(param: Any) -> bool:
    """Whether it is a parameter or buffer that has no shape yet."""
    return isinstance(param, UninitializedTensorMixin)


kinds.update(
    Parameter=Parameter,
    Buffer=Buffer,
    UninitializedParameter=UninitializedParameter,
    UninitializedBuffer=UninitializedBuffer,
)
