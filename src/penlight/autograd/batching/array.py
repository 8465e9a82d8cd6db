"""``BatchedArray``: looks like an ndarray of one sample's shape, and holds a tensor of all samples.

Functions that ask for shape and dtype, or call NumPy, do so on one sample and mean all: NumPy's dispatch
protocols (NEP 13, NEP 18) hand such calls over to here. There is no graph at this place; what is
differentiated goes through ops. What NumPy can't do for all samples at once raises ``Unbatchable``.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from penlight._core.arrays import ArrayLike
from penlight.autograd.batching.level import Level, unbatchable

if TYPE_CHECKING:
    from penlight.autograd.base import TensorBase

__all__ = ["BatchedArray", "innermost", "is_at"]

_METHODS = {
    "argmax",
    "argmin",
    "clip",
    "cumprod",
    "cumsum",
    "mean",
    "prod",
    "swapaxes",
    "take",
    "transpose",
}
_FLAGS = SimpleNamespace(c_contiguous=True, f_contiguous=False, writeable=True)


class BatchedArray(NDArrayOperatorsMixin, ArrayLike):
    """An ndarray of shape S for each of B samples.

    Attributes:
        level: the vmap that it belongs to.
        value: the Tensor of shape (B, *S).
    """

    __slots__ = ("level", "value")

    flags = _FLAGS
    base = None

    def __init__(self, level: Level, value: TensorBase) -> None:
        self.level, self.value = level, value

    # -- what it looks like ------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value._array.shape[1:]

    @property
    def ndim(self) -> int:
        return self.value._array.ndim - 1

    @property
    def size(self) -> int:
        return self.value._array.size // (self.level.size or 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value._array.dtype

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are wanted for the tensor of all samples: its graph is there."""
        return self.value.requires_grad

    @property
    def itemsize(self) -> int:
        return self.value._array.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        return self.value._array.strides[1:]

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"BatchedArray({self.level}, {self.value!r})"

    # -- single values ------------------------------------------------------------------------

    def item(self) -> Any:
        raise RuntimeError(
            "vmap: It looks like you're calling .item() on a Tensor, or using a Tensor in data-dependent "
            "control flow (`if x > 0:`). Inside vmap a Tensor stands for many samples, which may differ: "
            "use torch.where, or take the value outside of vmap."
        )

    def tolist(self) -> Any:
        self.item()

    def _one_value(self, *args: Any, **kwargs: Any) -> Any:
        unbatchable(self.level, "A NumPy function on the values of single samples")

    __array__ = __bool__ = __int__ = __float__ = __complex__ = __index__ = __iter__ = _one_value
    __dlpack__ = _one_value
    __array_interface__ = property(_one_value)

    # -- NumPy -------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from penlight.autograd.batching.numpy_functions import array_ufunc

        return array_ufunc(self, ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from penlight.autograd.batching.numpy_functions import array_function

        return array_function(self, function, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"'BatchedArray' object has no attribute '{name}'")
        if name in _METHODS:
            return functools.partial(getattr(np, name), self)
        unbatchable(self.level, f"ndarray.{name}")

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        return self._with(self.value._array.astype(dtype))

    def view(self, dtype: Any = None) -> Any:
        """The same memory without history, or its bytes as another dtype."""
        array = self.value._array
        return self._with(array.view() if dtype is None else array.view(dtype))

    def copy(self, order: str = "C") -> Any:
        return self._with(self.value._array.copy())

    def reshape(self, *shape: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def ravel(self) -> Any:
        return np.reshape(self, -1)

    def squeeze(self, axis: Any = None) -> Any:
        return np.squeeze(self, axis)

    def argsort(self, axis: int = -1, kind: Any = None) -> Any:
        return np.argsort(self, axis, kind=kind)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.sum(self, axis=axis, keepdims=keepdims)

    # Methods without an axis serve checks of arguments in this package (is any index out of range?):
    # they answer for all samples together. Those that users see have an axis, or are ops.

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self._of_all_samples("any", np.any, axis, keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self._of_all_samples("all", np.all, axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False, **options: Any) -> Any:
        return self._of_all_samples("max", np.amax, axis, keepdims, **options)

    def min(self, axis: Any = None, keepdims: bool = False, **options: Any) -> Any:
        return self._of_all_samples("min", np.amin, axis, keepdims, **options)

    def _of_all_samples(
        self, name: str, function: Any, axis: Any, keepdims: bool, **options: Any
    ) -> Any:
        if axis is None and not keepdims:
            return getattr(self.value._array, name)(**options)
        return function(self, axis=axis, keepdims=keepdims, **options)

    @property
    def T(self) -> Any:
        return np.transpose(self)

    @property
    def real(self) -> Any:
        return self._with(self.value._array.real)

    @property
    def imag(self) -> Any:
        return self._with(self.value._array.imag)

    def __getitem__(self, index: Any) -> Any:
        full = self._basic(index)
        if full is None:
            unbatchable(self.level, "Indexing an array by arrays")
        return self._with(self.value._array[full])

    def __setitem__(self, index: Any, value: Any) -> None:
        full = self._basic(index)
        if full is None:
            unbatchable(self.level, "Writing into an array at index arrays")
        if getattr(value, "level", None) is self.level:
            part = self.value._array[full]
            source = value.value._array
            extra = max(part.ndim - source.ndim, 0)
            value = source.reshape((source.shape[0], *(1,) * extra, *source.shape[1:]))
        self.value._array[full] = value

    def _basic(self, index: Any) -> tuple[Any, ...] | None:
        """An index of slices and integers for all samples; None for others."""
        items = index if isinstance(index, tuple) else (index,)
        if all(i is None or i is ... or isinstance(i, (int, slice)) for i in items):
            return (slice(None), *items)
        return None

    def _with(self, array: Any) -> BatchedArray:
        """An array of the same level."""
        from penlight.autograd.base import TensorBase, wrap

        return BatchedArray(self.level, wrap(TensorBase._result_type, array))


def innermost(values: Any) -> Level | None:
    """The innermost level of Tensors and arrays among ``values``; None if none is batched."""
    found: Level | None = None
    for x in values:
        if type(x) is tuple:
            level = innermost(x)
        else:
            array = getattr(x, "_array", x)
            level = array.level if type(array) is BatchedArray else None
        if level is not None and (found is None or level.number > found.number):
            found = level
    return found


def is_at(x: Any, level: Level) -> bool:
    """Whether a Tensor, an array, or one in a tuple of them is batched at ``level``."""
    if type(x) is tuple:
        return any(is_at(part, level) for part in x)
    array = getattr(x, "_array", x)
    return type(array) is BatchedArray and array.level is level
