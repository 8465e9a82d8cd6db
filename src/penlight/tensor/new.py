"""Tensors made after the pattern of another: ``x.new_zeros(...)`` and its family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penlight._core.device import as_device
from penlight._core.dtypes import dtype_of
from penlight._core.layouts import as_layout
from penlight._core.size import Size
from penlight.autograd.base import TensorBase, wrap
from penlight.ops.promotion import as_scalar
from penlight.tensor.data import empty_array, size_argument, to_array

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["NewMethods"]


class NewMethods:
    """New tensors of this tensor's dtype, unless ``dtype`` says otherwise."""

    __slots__ = ()

    def new(self: Any, *data: Any, device: Any = None) -> Tensor:
        """Old form: ``new(2, 3)`` is uninitialised, ``new([1, 2])`` holds those values."""
        if len(data) == 1 and not hasattr(data[0], "__index__") and not isinstance(data[0], Size):
            return self.new_tensor(data[0], device=device)
        return self.new_empty(*(data or (0,)), device=device)

    def new_tensor(
        self: Any, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """A tensor that holds a copy of ``data``."""
        array = to_array(data, dtype or self.dtype, "new_tensor").copy()
        return _finish(self, array, device, requires_grad)

    def new_empty(
        self: Any, *args: Any, size: Any = None, dtype: Any = None, device: Any = None,
        requires_grad: bool = False, layout: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """An uninitialised tensor of shape ``size``."""
        return _finish(
            self,
            empty_array(size_argument(args, size, "new_empty"), dtype or self.dtype),
            device,
            requires_grad,
            layout,
        )

    def new_zeros(
        self: Any, *args: Any, size: Any = None, dtype: Any = None, device: Any = None,
        requires_grad: bool = False, layout: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """Zeros of shape ``size``."""
        array = empty_array(size_argument(args, size, "new_zeros"), dtype or self.dtype)
        array.fill(0)
        return _finish(self, array, device, requires_grad, layout)

    def new_ones(
        self: Any, *args: Any, size: Any = None, dtype: Any = None, device: Any = None,
        requires_grad: bool = False, layout: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """Ones of shape ``size``."""
        array = empty_array(size_argument(args, size, "new_ones"), dtype or self.dtype)
        array.fill(1)
        return _finish(self, array, device, requires_grad, layout)

    def new_full(
        self: Any, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
        requires_grad: bool = False, layout: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        """A tensor of shape ``size`` filled with one value."""
        array = empty_array((size,), dtype or self.dtype)
        value: Any = fill_value
        if isinstance(value, TensorBase):
            value = value._array.item()
        array.fill(as_scalar(value, dtype_of(array), "new_full"))
        return _finish(self, array, device, requires_grad, layout)


def _finish(like: Any, array: Any, device: Any, requires_grad: bool, layout: Any = None) -> Tensor:
    as_device(device)
    if layout is not None:
        as_layout(layout)
    t: Tensor = wrap(like._result_type, array)
    if requires_grad:
        t.requires_grad = True
    return t
