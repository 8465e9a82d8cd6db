"""Indexing and its family as methods, and what writes to a tensor's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.autograd.inplace import apply_inplace
from penlight.ops import indexing, masking, rows, scatter as scattering, selection
from penlight.ops.promotion import as_operand
from penlight.tensor.inplace import inplace

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["IndexingMethods"]


class IndexingMethods:
    """Reading and writing parts."""

    __slots__ = ()

    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem
    gather, scatter, scatter_add = scattering.gather, scattering.scatter, scattering.scatter_add
    scatter_reduce, take_along_dim = scattering.scatter_reduce, scattering.take_along_dim
    index_select, index_add, index_copy = rows.index_select, rows.index_add, rows.index_copy
    index_fill, index_put, index_reduce = rows.index_fill, rows.index_put, rows.index_reduce
    take, put = rows.take, rows.put
    select_scatter, slice_scatter = rows.select_scatter, rows.slice_scatter
    as_strided_scatter, diagonal_scatter = rows.as_strided_scatter, rows.diagonal_scatter
    masked_fill, masked_select = masking.masked_fill, masking.masked_select
    masked_scatter = masking.masked_scatter
    nonzero, argwhere = masking.nonzero, masking.argwhere
    nonzero_static = masking.nonzero_static

    scatter_, scatter_add_ = inplace(scatter), inplace(scatter_add)
    scatter_reduce_ = inplace(scatter_reduce)
    index_add_, index_copy_ = inplace(index_add), inplace(index_copy)
    index_fill_, index_put_ = inplace(index_fill), inplace(index_put)
    index_reduce_, put_ = inplace(index_reduce), inplace(put)
    masked_fill_, masked_scatter_ = inplace(masked_fill), inplace(masked_scatter)

    def where(self: Any, condition: Tensor, other: Any) -> Tensor:
        """The tensor where ``condition`` holds, ``other`` elsewhere."""
        return selection.where(condition, self, other)

    def copy_(self: Any, src: Any, non_blocking: bool = False) -> Tensor:
        """Take over the elements of ``src``, cast and broadcast.

        Raises:
            RuntimeError: if ``src`` can't be broadcast to this shape.
        """
        if isinstance(src, (np.ndarray, list, tuple)):
            raise TypeError(f"copy_(): argument 'other' must be Tensor, not {type(src).__name__}")
        indexing.write(self, as_operand(src, "copy_"), (...,))
        return self

    def fill_(self: Any, value: Any) -> Tensor:
        """Put one value, a number or a 0-d tensor, everywhere."""
        if isinstance(value, TensorBase) and value._array.ndim:
            raise RuntimeError(
                "fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value._array.ndim} dimensions."
            )
        indexing.write(self, as_operand(value, "fill_"), (...,))
        return self

    def zero_(self: Any) -> Tensor:
        """Put zeros everywhere."""
        indexing.write(self, 0, (...,))
        return self

    def fill_diagonal_(self: Any, fill_value: Any, wrap: bool = False) -> Tensor:
        """Put one value on the main diagonal.

        Args:
            wrap: start the diagonal anew below the square part of a tall matrix.
        """
        shape = self._array.shape
        if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
            raise RuntimeError(
                "fill_diagonal_: expected a matrix, or more dimensions all of equal length, got "
                f"{list(shape)}"
            )
        i = np.arange(min(shape))
        if wrap and len(shape) == 2 and shape[0] > shape[1] + 1:
            flat = np.arange(0, self._array.size, shape[1] + 1)
            places: tuple[Any, ...] = np.unravel_index(flat, shape)
        else:
            places = (i,) * len(shape)
        value = rows.fill_value("fill_diagonal_", self, fill_value)
        return apply_inplace(self, scattering.PutAt.apply, value, tuple(range(len(shape))), *places)
