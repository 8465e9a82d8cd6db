"""``Tensor``: an ndarray that remembers how it was computed, with PyTorch's operators and methods.

The methods stand by family in the files beside this one; most are the functions of ``penlight.ops``
themselves, which take the tensor first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from penlight._core.arguments import normalize_axis
from penlight._core.device import as_device
from penlight._core.dtypes import dtype as Dtype, dtype_of, get_default_dtype
from penlight._core.size import Size, size_of
from penlight.autograd import engine
from penlight.autograd.base import TensorBase, wrap
from penlight.tensor import numpy_protocol, printing
from penlight.tensor.conversion import ConversionMethods
from penlight.tensor.distributions import RandomMethods
from penlight.tensor.indexing import IndexingMethods
from penlight.tensor.linalg import LinearAlgebraMethods
from penlight.tensor.memory import MemoryMethods
from penlight.tensor.new import NewMethods
from penlight.tensor.operators import OperatorMethods
from penlight.tensor.pickling import PicklingMethods
from penlight.tensor.pointwise import PointwiseMethods
from penlight.tensor.queries import QueryMethods
from penlight.tensor.reduction import ReductionMethods
from penlight.tensor.shape import ShapeMethods
from penlight.tensor.spectral import SpectralMethods

__all__ = ["Tensor"]


class Tensor(
    OperatorMethods, PointwiseMethods, ReductionMethods, ShapeMethods, IndexingMethods, ConversionMethods,
    MemoryMethods, NewMethods, QueryMethods, RandomMethods, SpectralMethods, LinearAlgebraMethods, PicklingMethods,
    TensorBase,
):  # fmt: skip
    """A multi-dimensional array with automatic differentiation.

    ``Tensor(2, 3)`` is uninitialised, ``Tensor([1, 2])`` holds those values, both in the default
    dtype; :func:`penlight.tensor` is the constructor that looks at its data's own dtype.
    """

    __slots__ = ()

    def __new__(cls, *data: Any, device: Any = None) -> Any:
        as_device(device)
        dtype = get_default_dtype().numpy
        if len(data) == 1 and isinstance(data[0], Size):
            data = tuple(data[0])
        elif len(data) == 1 and isinstance(data[0], TensorBase):
            return wrap(cls, data[0]._array)
        elif len(data) == 1 and not hasattr(data[0], "__index__"):
            return wrap(cls, np.asarray(data[0], dtype))
        return wrap(cls, np.empty(data or (0,), dtype))

    # -- what it is --------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The number of elements along each dimension."""
        return size_of(self._array.shape)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    @property
    def dtype(self) -> Dtype:
        """The type of the elements."""
        return dtype_of(self._array)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the number of elements along ``dim``."""
        if dim is None:
            return self.shape
        return self._array.shape[normalize_axis(int(dim), self._array.ndim)]

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        if not self._array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value)._array.any())

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return printing.tensor_repr(self, tensor_contents)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self._array.ndim else object.__format__(self, spec)

    # -- autograd ----------------------------------------------------------------------------

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add d(self)/d(leaf), weighted by ``gradient``, to each leaf's ``.grad``.

        See :func:`penlight.autograd.backward`.
        """
        engine.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set ``requires_grad`` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    def detach(self) -> Tensor:
        """The same memory without history; an in-place change of one is seen by the other."""
        y: Tensor = wrap(self._result_type, self._array.view())
        y._counter = self._counter
        return y

    def detach_(self) -> Tensor:
        """Cut this tensor off its history: it becomes a leaf that requires no gradient."""
        if self._view is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._node, self._output_nr, self._requires_grad = None, 0, False
        return self

    @property
    def data(self) -> Tensor:
        """The same memory, unseen by autograd: changes through it are not checked."""
        array = self._array
        if type(array) is not np.ndarray:  # a batch's tensor would bring its history along
            array = array.view()
        return wrap(self._result_type, array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, TensorBase):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        self._array = value._array

    # -- NumPy -------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return numpy_protocol.array_ufunc(ufunc, method, *inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return numpy_protocol.array_function(function, args, kwargs)


Tensor._result_type = Tensor
TensorBase._result_type = Tensor
