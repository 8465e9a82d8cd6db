"""Methods about a tensor's memory: other sizes, other memory, and what it is laid out as."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import shape_argument
from penlight.autograd.base import TensorBase
from penlight.autograd.grad_mode import no_grad
from penlight.autograd.inplace import bump_version, check_inplace
from penlight.kernels.memory import memory_of, strided
from penlight.ops.strides import as_strided

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["MemoryMethods"]


def _is_scattered(root: np.ndarray) -> bool:
    return not (root.flags.c_contiguous or root.flags.f_contiguous)


def _elements(array: np.ndarray) -> np.ndarray:
    """What lies in memory from the array's first element on."""
    root, start = memory_of(array)
    if not array.size or _is_scattered(root):
        return array.ravel()
    count = (root.nbytes - start) // array.itemsize
    return strided(array, (count,), (array.itemsize,))


class MemoryMethods:
    """Memory: where it is, how large, whose."""

    __slots__ = ()

    def resize_(self: Any, *sizes: Any, memory_format: Any = None) -> Tensor:
        """Another shape in place, row by row over the same memory as far as that reaches.

        Where more is needed the tensor gets new memory, which begins with the old elements; the rest is
        not initialised. Tensors that shared the old memory keep it.

        Raises:
            RuntimeError: for tensors that require grad.
        """
        shape = shape_argument(sizes)
        if self.requires_grad:
            raise RuntimeError(
                "resize_: cannot resize variables that require grad; call detach() first"
            )
        check_inplace(self)
        bump_version(self)
        array = self._array
        if array.shape == shape:
            return self
        root, start = memory_of(array)
        count, itemsize = math.prod(shape), array.itemsize
        if start + count * itemsize <= root.nbytes and not _is_scattered(root):
            steps = np.empty(shape, np.bool_).strides
            self._array = strided(array, shape, tuple(s * itemsize for s in steps))
        else:
            new = np.empty(count, array.dtype)
            old = _elements(array)[:count]
            new[: old.size] = old
            self._array = new.reshape(shape)
        return self

    def resize_as_(self: Any, the_template: Any, *, memory_format: Any = None) -> Tensor:
        """:meth:`resize_` to another tensor's shape."""
        y: Tensor = self.resize_(the_template.shape)
        return y

    def set_(
        self: Any,
        source: Any = None,
        storage_offset: int = 0,
        size: Any = None,
        stride: Any = None,
    ) -> Tensor:
        """Take another tensor's memory, as that tensor sees it or with sizes and strides of one's own.

        Without ``source`` the tensor becomes empty.

        Raises:
            RuntimeError: for other dtypes, and tensors that require grad.
        """
        if self.requires_grad:
            raise RuntimeError("set_: can't change the memory of a tensor that requires grad; call detach() first")  # fmt: skip
        if source is None:
            new = np.empty(0, self._array.dtype)
        else:
            if source._array.dtype != self._array.dtype:
                raise RuntimeError(
                    f"set_: Expected a Tensor of type {self.dtype} but got a type {source.dtype}"
                )
            view: Any = source.detach()
            if size is not None:
                steps = (
                    np.empty(shape_argument((size,)), np.bool_).strides
                    if stride is None
                    else stride
                )
                view = as_strided(view, size, steps, storage_offset)
            new = view._array
        check_inplace(self)
        bump_version(self)
        self._array = new
        return self

    def const_data_ptr(self: Any) -> int:
        """The address of the first element, not to be written to."""
        return int(self.data_ptr())

    def share_memory_(self: Any) -> Tensor:
        """The tensor as it is: processes that are forked read its memory, and get copies when they write."""
        return self

    def dim_order(self: Any, ambiguity_check: bool = False) -> tuple[int, ...]:
        """The dimensions from the widest stride to the narrowest; ties stay in order."""
        strides = self.stride()
        order = sorted(range(len(strides)), key=lambda d: -strides[d])
        if ambiguity_check and (1 in self.shape or len(set(strides)) < len(strides)):
            raise RuntimeError("dim_order: the tensor does not have a unique dim order")
        return tuple(order)

    def new_empty_strided(self: Any, size: Any, stride: Any, **options: Any) -> Tensor:
        """A tensor that is not initialised, with these strides in elements, of this dtype by default."""
        from penlight.tensor.creation import empty_strided

        y: Tensor = empty_strided(size, stride, **{"dtype": self.dtype, **options})
        return y

    def as_subclass(self: Any, cls: type) -> Any:
        """The same values and history as an instance of a subclass of Tensor."""
        if not issubclass(cls, TensorBase):
            raise RuntimeError(f"as_subclass: cls must be a subclass of Tensor, got {cls.__name__}")
        y = self.view_as(self)
        y.__class__ = cls
        return y

    def to_dense(self: Any, dtype: Any = None, *, masked_grad: bool = True) -> Tensor:
        """The tensor as it is, in another dtype if given: all tensors are dense."""
        return self if dtype is None else self.to(dtype)

    def module_load(self: Any, other: Any, assign: bool = False) -> Any:
        """What ``load_state_dict`` puts in this tensor's place: itself with the other's values, or the other."""
        if assign:
            return other.detach()
        with no_grad():
            return self.copy_(other)

    def map2_(self: Any, x: Any, y: Any, callable: Any) -> Tensor:
        """Replace each element a by callable(a, x's, y's), in Python; for tensors without gradient."""
        values = zip(
            self.reshape(-1).tolist(),
            x.expand_as(self).reshape(-1).tolist(),
            y.expand_as(self).reshape(-1).tolist(),
            strict=True,
        )
        new = [callable(*three) for three in values]
        return self.copy_(self.new_tensor(new).reshape(self.shape))
