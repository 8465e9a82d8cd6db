"""Shapes, views and joining as methods."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import dtypes
from penlight._core.dtypes import as_dtype
from penlight.autograd.base import wrap
from penlight.autograd.inplace import bump_version, check_inplace
from penlight.kernels.memory import memory_of
from penlight.ops import repeating, shape, splitting, strides

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["ShapeMethods"]


class ShapeMethods:
    """The same elements under another shape, and parts of them."""

    __slots__ = ()

    reshape, flatten, ravel = shape.reshape, shape.flatten, shape.ravel
    permute, t, expand, adjoint = shape.permute, shape.t, shape.expand, shape.adjoint
    transpose = swapdims = shape.transpose
    swapaxes = shape.swapaxes
    unsqueeze, unflatten = shape.unsqueeze, shape.unflatten
    movedim = moveaxis = shape.movedim
    broadcast_to = shape.broadcast_to
    as_strided, unfold, diagonal = strides.as_strided, strides.unfold, strides.diagonal
    diag, diag_embed, diagflat = strides.diag, strides.diag_embed, strides.diagflat

    split_with_sizes = splitting.split_with_sizes
    chunk, tensor_split, unbind = splitting.chunk, splitting.tensor_split, splitting.unbind
    hsplit, vsplit, dsplit = splitting.hsplit, splitting.vsplit, splitting.dsplit
    select, narrow, narrow_copy = splitting.select, splitting.narrow, splitting.narrow_copy
    unsafe_split, unsafe_chunk = splitting.unsafe_split, splitting.unsafe_chunk
    unsafe_split_with_sizes = splitting.unsafe_split_with_sizes
    repeat, tile, repeat_interleave = repeating.repeat, repeating.tile, repeating.repeat_interleave
    flip, fliplr, flipud = repeating.flip, repeating.fliplr, repeating.flipud
    roll, rot90 = repeating.roll, repeating.rot90

    def squeeze(self: Any, *dims: Any, **dim: Any) -> Tensor:
        """Without its dimensions of size one: of those given, or all."""
        return shape.squeeze(self, *(dims if len(dims) < 2 else (dims,)), **dim)

    def view(self: Any, *shape_or_dtype: Any, dtype: Any = None) -> Tensor:
        """The same memory under another shape, or its bytes under another dtype.

        Raises:
            RuntimeError: if the strides, or the sizes of the dtypes, do not allow it.
        """
        if len(shape_or_dtype) == 1 and isinstance(shape_or_dtype[0], (dtypes.dtype, type)):
            dtype = shape_or_dtype[0]
        if dtype is None:
            return shape.view(self, *shape_or_dtype)
        y: Tensor = wrap(self._result_type, _bytes_as(self._array, as_dtype(dtype, "view")))
        y._counter = self._counter
        return y

    def reshape_as(self: Any, other: Tensor) -> Tensor:
        """Under ``other``'s shape."""
        return shape.reshape(self, other.shape)

    def view_as(self: Any, other: Tensor) -> Tensor:
        """A view under ``other``'s shape."""
        return shape.view(self, other.shape)

    def expand_as(self: Any, other: Tensor) -> Tensor:
        """Expanded to ``other``'s shape."""
        return shape.expand(self, other.shape)

    @property
    def T(self: Any) -> Tensor:
        """The dimensions in reverse order."""
        ndim = self._array.ndim
        if ndim != 2:
            warnings.warn(
                f"The use of `x.T` on tensors of dimension other than 2 (here {ndim}) is deprecated; "
                "use x.mT for batches of matrices or x.permute(...) to reverse the dimensions.",
                stacklevel=2,
            )
        return shape.permute(self, tuple(range(ndim))[::-1])

    @property
    def mT(self: Any) -> Tensor:
        """The last two dimensions exchanged."""
        _refuse_vectors("mT", self)
        return shape.transpose(self, -2, -1) if self._array.ndim else self

    @property
    def H(self: Any) -> Tensor:
        """The conjugate transpose of a matrix."""
        if self._array.ndim not in (0, 2):
            raise RuntimeError(
                f"tensor.H is only supported on matrices (2-D tensors). Got {self._array.ndim}-D "
                "tensor; for batches of matrices use tensor.mH"
            )
        return shape.adjoint(self)

    @property
    def mH(self: Any) -> Tensor:
        """The conjugate with its last two dimensions exchanged."""
        _refuse_vectors("mH", self)
        return shape.adjoint(self)

    def split(self: Any, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """See :func:`penlight.split`."""
        return splitting.split(self, split_size, dim)

    # -- in place ----------------------------------------------------------------------------

    def t_(self: Any) -> Tensor:
        """Transpose in place."""
        return _become(self, self.t())

    def transpose_(self: Any, dim0: int, dim1: int) -> Tensor:
        """Exchange two dimensions in place."""
        return _become(self, self.transpose(dim0, dim1))

    def swapaxes_(self: Any, axis0: int, axis1: int) -> Tensor:
        """Exchange two dimensions in place."""
        return _become(self, self.transpose(axis0, axis1))

    swapdims_ = transpose_

    def squeeze_(self: Any, *dim: Any) -> Tensor:
        """Drop dimensions of size one in place."""
        return _become(self, self.squeeze(*dim))

    def unsqueeze_(self: Any, dim: int) -> Tensor:
        """Put in a dimension of size one in place."""
        return _become(self, self.unsqueeze(dim))

    def as_strided_(self: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
        """Take on other sizes and strides over the same memory."""
        return _become(self, strides.as_strided(self, size, stride, storage_offset))

    # -- memory ------------------------------------------------------------------------------

    def stride(self: Any, dim: int | None = None) -> Any:
        """How many elements lie between neighbours along each dimension."""
        strides = tuple(s // self._array.itemsize for s in self._array.strides)
        if dim is None:
            return strides
        if not -len(strides) <= dim < len(strides):
            raise IndexError(f"stride(): dim {dim} out of range for {len(strides)} dimensions")
        return strides[dim]

    def storage_offset(self: Any) -> int:
        """How many elements into its memory the tensor begins."""
        return memory_of(self._array)[1] // int(self._array.itemsize)

    def data_ptr(self: Any) -> int:
        """The address of the first element."""
        return int(self._array.__array_interface__["data"][0]) if self._array.size else 0

    def element_size(self: Any) -> int:
        """Bytes per element."""
        return int(self._array.itemsize)

    @property
    def itemsize(self: Any) -> int:
        """Bytes per element."""
        return int(self._array.itemsize)

    @property
    def nbytes(self: Any) -> int:
        """Bytes of all elements."""
        return int(self._array.nbytes)


def _become(x: Any, view: Any) -> Tensor:
    """Make ``x`` the view of itself that was just computed: the memory stays where it is."""
    check_inplace(x)
    bump_version(x)
    x._array, x._node = view._array, view._node
    x._output_nr, x._requires_grad = view._output_nr, view._requires_grad
    if x._view is not None:
        x._view = view._view
    return x


def _refuse_vectors(name: str, x: Any) -> None:
    if x._array.ndim == 1:
        raise RuntimeError(
            f"tensor.{name} is only supported on matrices or batches of matrices. Got 1-D tensor."
        )


def _bytes_as(array: np.ndarray, d: dtypes.dtype) -> np.ndarray:
    """The same bytes as elements of another dtype; the last dimension shrinks or grows."""
    have, want = array.itemsize, d.itemsize
    name = f"to view {array.dtype} as {d.name} (different element sizes)"
    if have != want:
        if not array.ndim:
            raise RuntimeError(f"self.dim() cannot be 0 {name}")
        if array.strides[-1] != have and array.shape[-1] != 1:
            raise RuntimeError(
                f"self.stride(-1) must be 1 {name}, but got {array.strides[-1] // have}"
            )
        if (array.shape[-1] * have) % want:
            raise RuntimeError(
                f"self.size(-1) must be divisible by {want // have} {name}, but got {array.shape[-1]}"
            )
    return array.view(d.numpy)
