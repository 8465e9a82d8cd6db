"""Shapes, views, indexing and joining as methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import dtypes
from penlight._core.dtypes import as_dtype
from penlight.autograd.base import wrap
from penlight.autograd.inplace import apply_inplace, bump_version, check_inplace
from penlight.ops import indexing, joining, selection, shape
from penlight.ops import scatter as scattering
from penlight.tensor.inplace import inplace

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["ShapeMethods"]


class ShapeMethods:
    """The same elements under another shape, and parts of them."""

    __slots__ = ()

    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem
    reshape, flatten = shape.reshape, shape.flatten
    permute, t, expand = shape.permute, shape.t, shape.expand
    transpose = swapaxes = swapdims = shape.transpose
    unsqueeze, squeeze = shape.unsqueeze, shape.squeeze
    unflatten = joining.unflatten
    movedim = moveaxis = joining.movedim
    broadcast_to = shape.expand

    split, split_with_sizes = joining.split, joining.split_with_sizes
    chunk, tensor_split, unbind = joining.chunk, joining.tensor_split, joining.unbind
    select, narrow = joining.select, joining.narrow
    repeat, tile, repeat_interleave = joining.repeat, joining.tile, joining.repeat_interleave
    flip, fliplr, flipud = joining.flip, joining.fliplr, joining.flipud
    roll, rot90 = joining.roll, joining.rot90

    gather, scatter, scatter_add = scattering.gather, scattering.scatter, scattering.scatter_add
    index_select, index_add = scattering.index_select, scattering.index_add
    index_copy, index_fill, index_put = (
        scattering.index_copy,
        scattering.index_fill,
        scattering.index_put,
    )
    masked_fill, masked_select = scattering.masked_fill, scattering.masked_select
    masked_scatter, take = scattering.masked_scatter, scattering.take
    take_along_dim = scattering.take_along_dim
    nonzero, argwhere = scattering.nonzero, scattering.argwhere
    scatter_, scatter_add_ = inplace(scatter), inplace(scatter_add)
    index_add_, index_copy_ = inplace(index_add), inplace(index_copy)
    index_fill_, index_put_ = inplace(index_fill), inplace(index_put)
    masked_fill_, masked_scatter_ = inplace(masked_fill), inplace(masked_scatter)

    def where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
        """The tensor where ``condition`` holds, ``other`` elsewhere."""
        return selection.where(condition, self, other)  # type: ignore[no-any-return]

    def view(self: Tensor, *shape_or_dtype: Any) -> Tensor:
        """The same memory under another shape, or its bytes under another dtype."""
        if len(shape_or_dtype) == 1 and isinstance(shape_or_dtype[0], dtypes.dtype):
            return wrap(
                type(self)._result_type, self._array.view(as_dtype(shape_or_dtype[0]).numpy)
            )  # type: ignore[no-any-return]
        return shape.view(self, *shape_or_dtype)  # type: ignore[no-any-return]

    def reshape_as(self: Tensor, other: Tensor) -> Tensor:
        """Under ``other``'s shape."""
        return shape.reshape(self, other.shape)

    def view_as(self: Tensor, other: Tensor) -> Tensor:
        """A view under ``other``'s shape."""
        return shape.view(self, other.shape)  # type: ignore[no-any-return]

    def expand_as(self: Tensor, other: Tensor) -> Tensor:
        """Expanded to ``other``'s shape."""
        return shape.expand(self, other.shape)

    def ravel(self: Tensor) -> Tensor:
        """All elements as one row."""
        return shape.reshape(self, -1)

    @property
    def T(self: Tensor) -> Tensor:
        """The dimensions in reverse order."""
        return shape.permute(self, tuple(range(self.ndim))[::-1])

    @property
    def mT(self: Tensor) -> Tensor:
        """The last two dimensions exchanged."""
        return shape.transpose(self, -2, -1)

    # -- in place ----------------------------------------------------------------------------

    def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
        """Take over the elements of ``src``, cast and broadcast."""
        self[...] = src
        return self

    def fill_(self: Tensor, value: Any) -> Tensor:
        """Put one value everywhere."""
        self[...] = value
        return self

    def zero_(self: Tensor) -> Tensor:
        """Put zeros everywhere."""
        return self.fill_(0)

    def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
        """Put one value on the main diagonal."""
        check_inplace(self)
        i = np.arange(min(self._array.shape))
        return apply_inplace(
            self, lambda x: scattering.ScatterPut.apply(x, fill_value, (i,) * x._array.ndim)
        )  # type: ignore[no-any-return]

    def _change_view(self: Tensor, view: Tensor) -> Tensor:
        """Become a view of oneself: what ``t_``, ``squeeze_`` and their like do."""
        check_inplace(self)
        bump_version(self)
        self._array, self._node = view._array, view._node
        self._output_nr, self._requires_grad = view._output_nr, view._requires_grad
        return self

    def t_(self: Tensor) -> Tensor:
        """Transpose in place."""
        return self._change_view(self.t())

    def transpose_(self: Tensor, dim0: int, dim1: int) -> Tensor:
        """Exchange two dimensions in place."""
        return self._change_view(self.transpose(dim0, dim1))

    def squeeze_(self: Tensor, dim: Any = None) -> Tensor:
        """Drop dimensions of size one in place."""
        return self._change_view(self.squeeze(dim))

    def unsqueeze_(self: Tensor, dim: int) -> Tensor:
        """Put in a dimension of size one in place."""
        return self._change_view(self.unsqueeze(dim))

    # -- memory ------------------------------------------------------------------------------

    def stride(self: Tensor, dim: int | None = None) -> Any:
        """How many elements lie between neighbours along each dimension."""
        strides = tuple(s // self._array.itemsize for s in self._array.strides)
        return strides if dim is None else strides[dim]

    def storage_offset(self: Tensor) -> int:
        """How many elements into its memory the tensor begins."""
        base = self._array
        while isinstance(base.base, np.ndarray):
            base = base.base
        start = self._array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        return int(start // self._array.itemsize)

    def data_ptr(self: Tensor) -> int:
        """The address of the first element."""
        return int(self._array.__array_interface__["data"][0])

    def element_size(self: Tensor) -> int:
        """Bytes per element."""
        return self._array.itemsize

    @property
    def itemsize(self: Tensor) -> int:
        """Bytes per element."""
        return self._array.itemsize

    @property
    def nbytes(self: Tensor) -> int:
        """Bytes of all elements."""
        return self._array.nbytes
