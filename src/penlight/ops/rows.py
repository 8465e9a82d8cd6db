"""Whole slices at index tensors (``index_select`` and its family), flat elements, and parts replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis, numpy_names
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.primitives import WriteView
from penlight.ops.indexing import WHOLE, Gather, Slice, filled, read_index, same_dtype
from penlight.ops.promotion import as_scalar, cast
from penlight.ops.scatter import AddAt, PutAt, scatter, scatter_reduce
from penlight.ops.splitting import select_index
from penlight.ops.strides import Diagonal, as_strided, two_axes

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "as_strided_scatter", "diagonal_scatter", "index_add", "index_copy", "index_fill", "index_put", "index_reduce",
    "index_select", "put", "select_scatter", "slice_scatter", "take",
]  # fmt: skip


class IndexSelect(Gather):
    """:class:`Gather` under the name that PyTorch gives it for whole slices."""

    label = "IndexSelectBackward0"


def _row_index(
    name: str,
    input: Tensor,
    dim: int,
    index: Any,
    *,
    dtype_error: type[Exception] = RuntimeError,
    range_error: type[Exception] = IndexError,
    only_long: bool = False,
    negative: bool = False,
) -> tuple[Any, int]:
    """A 1-d index along one dimension, checked; exceptions are of the types that PyTorch raises."""
    axis = normalize_axis(dim, input._array.ndim)
    if not isinstance(index, TensorBase):
        raise TypeError(f"{name}(): argument 'index' must be Tensor, not {type(index).__name__}")
    i = index._array
    if i.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, got {i.ndim} dimensions")
    if i.dtype != np.int64 and (only_long or i.dtype != np.int32):
        expected = "int64" if only_long else "int32 or int64"
        raise dtype_error(f"{name}(): Expected dtype {expected} for index, got {i.dtype}")
    size = input._array.shape[axis] if input._array.ndim else 1
    if i.size:
        low, high = int(i.min()), int(i.max())
        if low < (-size if negative else 0) or high >= size:
            raise range_error(
                f"{name}(): index {high if high >= size else low} is out of bounds for dimension "
                f"{dim} with size {size}"
            )
    return (index if i.ndim else index.reshape(1)), axis  # type: ignore[attr-defined]


def _pattern(axis: int) -> tuple[Any, ...]:
    """Whole slices at the first index array along ``axis``."""
    return (*(WHOLE,) * axis, 0)


def _at_rows(op: Any, input: Tensor, value: Any, axis: int, index: Any) -> Tensor:
    x = input if input._array.ndim else input.reshape(1)
    y = op.apply(x, value, _pattern(axis), index)
    return y if input._array.ndim else y.reshape(())


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices at ``index`` (1-d) along ``dim``."""
    i, axis = _row_index("index_select", input, dim, index)
    x = input if input._array.ndim else input.reshape(1)
    y = IndexSelect.apply(x, _pattern(axis), i)
    return y if input._array.ndim else y.reshape(())


@numpy_names
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """``input`` with alpha * source[k] added to its slice index[k] along ``dim``."""
    i, axis = _row_index("index_add", input, dim, index, range_error=RuntimeError)
    source = _checked_source("index_add", input, source, axis, i, RuntimeError)
    return _at_rows(AddAt, input, source if alpha == 1 else source * alpha, axis, i)


@numpy_names
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """``input`` with source[k] in place of its slice index[k] along ``dim``."""
    i, axis = _row_index("index_copy", input, dim, index, only_long=True)
    return _at_rows(
        PutAt, input, _checked_source("index_copy", input, source, axis, i, IndexError), axis, i
    )


def _checked_source(
    name: str, input: Tensor, source: Any, axis: int, index: Any, count_error: type[Exception]
) -> Tensor:
    if input._array.dtype != source._array.dtype:
        raise RuntimeError(
            f"{name}(): self and source expected to have the same dtype, but got (self) {input.dtype} "
            f"and (source) {source.dtype}"
        )
    x = source if source._array.ndim else source.reshape(1)
    have, want = x._array.shape, list(input._array.shape or (1,))
    want[axis] = index._array.size
    if len(have) == len(want) and have[axis] != want[axis]:
        raise count_error(
            f"{name}(): Number of indices ({want[axis]}) should be equal to source.size(dim) "
            f"({have[axis]})"
        )
    if list(have) != want:
        raise RuntimeError(
            f"{name}(): source tensor shape must match self tensor shape, excluding dimension {axis}: "
            f"expected {want}, got {list(have)}"
        )
    return x


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """``input`` with one value in its slices at ``index`` along ``dim``."""
    i, axis = _row_index(
        "index_fill", input, dim, index, dtype_error=IndexError, only_long=True, negative=True
    )
    return _at_rows(PutAt, input, fill_value("index_fill_", input, value), axis, i)


def fill_value(name: str, input: Tensor, value: Any) -> Any:
    """One value to be stored in ``input``: a number or a 0-d tensor.

    Raises:
        RuntimeError: for tensors with dimensions, and numbers that the dtype can't hold.
    """
    if not isinstance(value, TensorBase):
        return np.asarray(as_scalar(value, input.dtype, name), input._array.dtype)
    if value._array.ndim:
        raise RuntimeError(
            f"{name} only supports a 0-dimensional value tensor, but got tensor with "
            f"{value._array.ndim} dimension(s)."
        )
    return cast(value, input.dtype)


def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """``input`` with ``values`` put (or added) at a tuple of index tensors."""
    if not isinstance(values, TensorBase):
        raise TypeError(
            f"index_put(): argument 'values' must be Tensor, not {type(values).__name__}"
        )
    for i, index in enumerate(indices):
        if not isinstance(index, TensorBase):
            raise TypeError(
                f"expected Tensor as element {i} of indices, but got {type(index).__name__}"
            )
    same_dtype(input, values)
    pattern, arrays = _as_choosers(input, indices)
    _check_broadcast(input, values, pattern, arrays)
    return (AddAt if accumulate else PutAt).apply(input, values, pattern, *arrays)


def _as_choosers(input: Tensor, indices: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Index tensors alone, 0-d integers too (which in ``x[i]`` would make a view)."""
    raised = tuple(i.reshape(1) if not i._array.ndim else i for i in indices)
    read = read_index(raised)
    if all(not i._array.ndim for i in indices):
        return read.pattern, tuple(i.reshape(()) for i in read.indices)
    return read.pattern, read.indices


def _check_broadcast(input: Tensor, values: Any, pattern: Any, indices: Any) -> None:
    index = filled(pattern, tuple(getattr(i, "_array", i) for i in indices))
    shape = np.empty(input._array.shape, np.bool_)[index].shape
    try:
        fits = np.broadcast_shapes(values._array.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values._array.shape)} cannot be broadcast "
            f"to indexing result of shape {list(shape)}"
        )


def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """``input`` with all source[k] that go to one slice index[k] along ``dim`` reduced with it.

    Args:
        reduce: ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether the slice of ``input`` takes part.
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}"
        )
    i, axis = _row_index("index_reduce", input, dim, index)
    x = _checked_source("index_reduce", input, source, axis, i, IndexError)
    along = i.reshape([-1 if a == axis else 1 for a in range(x._array.ndim)]).expand(x._array.shape)
    return scatter_reduce(input, axis, along, x, reduce, include_self=include_self)


# -- flat elements ---------------------------------------------------------------------------


def _check_flat(name: str, input: Tensor, index: Any) -> None:
    i, n = index._array, input._array.size
    if i.dtype != np.int64:
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {index.dtype}")
    if i.size and (int(i.max()) >= n or int(i.min()) < -n):
        wrong = int(i.max()) if int(i.max()) >= n else int(i.min())
        raise IndexError(
            f"{name}(): out of range: tried to access index {wrong} on a tensor of {n} elements."
        )


class Take(Gather):
    """:class:`Gather` under the name that PyTorch gives it for flat elements."""

    label = "TakeBackward0"


def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at ``index`` of ``input`` seen as one flat row."""
    _check_flat("take", input, index)
    return Take.apply(input.reshape(-1), (0,), index)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """``input`` with ``source`` put (or added) at ``index`` of it seen as one flat row."""
    _check_flat("put", input, index)
    if input._array.dtype != source._array.dtype:
        raise RuntimeError(
            f"put(): self and source expected to have the same dtype, but got {input.dtype} and "
            f"{source.dtype}"
        )
    if index._array.size != source._array.size:
        raise IndexError(
            "put(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source._array.size}, index.numel() = {index._array.size}"
        )
    op = AddAt if accumulate else PutAt
    y = op.apply(input.reshape(-1), source.reshape(-1), (0,), index.reshape(-1))
    return y.reshape(input._array.shape)


# -- a part replaced -------------------------------------------------------------------------


def _replaced(input: Tensor, src: Tensor, op: Any, *arguments: Any) -> Tensor:
    """``input`` with ``src`` in place of what a view op shows of it."""
    shape = op.apply(input._array, *arguments).shape
    if shape != src._array.shape:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src._array.shape)}, slice size = {list(shape)}"
        )
    return WriteView.apply(input, cast(src, input.dtype), ((op, arguments),))


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """``input`` with ``src`` in place of ``input.select(dim, index)``."""
    return _replaced(input, src, Slice, select_index(input, dim, index))


def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Tensor:
    """``input`` with ``src`` in place of ``input[start:end:step]`` along ``dim``."""
    axis = normalize_axis(dim, input._array.ndim)
    return _replaced(input, src, Slice, (*(WHOLE,) * axis, slice(start, end, step)))


def as_strided_scatter(
    input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None
) -> Tensor:
    """``input`` with ``src`` in place of ``input.as_strided(size, stride, storage_offset)``.

    The offset counts from ``input``'s first element.
    """
    numbers = wrap(TensorBase._result_type, np.arange(input._array.size))
    places = as_strided(numbers, size, stride, storage_offset)
    if places._array.shape != src._array.shape:
        raise RuntimeError(
            f"as_strided_scatter: expected src to have size {list(places._array.shape)}, got "
            f"{list(src._array.shape)}"
        )
    values = cast(src, input.dtype).reshape(-1)
    return scatter(input.reshape(-1), 0, places.reshape(-1), values).reshape(input._array.shape)


def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """``input`` with ``src`` in place of ``input.diagonal(offset, dim1, dim2)``."""
    return _replaced(input, src, Diagonal, offset, *two_axes(dim1, dim2, input._array.ndim))
