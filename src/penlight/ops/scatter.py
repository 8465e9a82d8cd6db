"""Reading and writing at index tensors: gather, scatter and their family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.ops.indexing import Gather, add_at, as_index, getitem
from penlight.ops.promotion import as_operand, cast
from penlight.ops.selection import Where

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "argwhere", "gather", "index_add", "index_copy", "index_fill", "index_put", "index_select", "masked_fill",
    "masked_scatter", "masked_select", "nonzero", "scatter", "scatter_add", "take", "take_along_dim",
]  # fmt: skip


def _places(index: np.ndarray, axis: int) -> tuple[Any, ...]:
    """The full index of ``x[i, ..., index[i, ..., k], ..., k]`` for every element of ``index``."""
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    grid[axis] = index
    return tuple(grid)


class ScatterAdd(Op):
    """y = x with v added at ``index``, repeated places more than once; dx = dy, dv = dy[index]."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, v: Any, index: tuple[Any, ...]) -> np.ndarray:
        ctx.index = index
        y = x.copy()
        add_at(y, index, v)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy, (dy[ctx.index] if ctx.edges[1] else None), None


class ScatterPut(Op):
    """y = x with v put at ``index``; dx = dy with those places zeroed, dv = dy[index]."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, v: Any, index: tuple[Any, ...]) -> np.ndarray:
        ctx.index = index
        y = x.copy()
        y[index] = v
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        keep = np.ones(dy.shape, np.bool_)
        keep[ctx.index] = False
        return np.where(keep, dy, 0), (dy[ctx.index] if ctx.edges[1] else None), None


def _corner(src: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The part of ``src`` that an index of this shape reads: src may be larger."""
    return src if src._array.shape == shape else getitem(src, tuple(slice(n) for n in shape))


def _index_array(
    name: str, input: Tensor, dim: int, index: Any, *others: Any
) -> tuple[np.ndarray, int]:
    """Check what gather and scatter share; return the index without negative entries, and the axis."""
    if not isinstance(index, TensorBase):
        raise TypeError(f"{name}(): argument 'index' must be Tensor, not {type(index).__name__}")
    i = index._array
    if i.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}(): Expected dtype int64 for index, got {i.dtype}")
    axis = normalize_axis(dim, input._array.ndim)
    if i.ndim != max(input._array.ndim, 1) and i.size and not (i.ndim == input._array.ndim == 0):
        raise RuntimeError(
            f"{name}(): Index tensor must have the same number of dimensions as input tensor: "
            f"{i.ndim} and {input._array.ndim}"
        )
    if i.size:
        size = input._array.shape[axis] if input._array.ndim else 1
        low, high = int(i.min()), int(i.max())
        if low < 0 or high >= size:
            raise RuntimeError(
                f"{name}(): index {low if low < 0 else high} is out of bounds for dimension {dim} "
                f"with size {size}"
            )
        for a in range(i.ndim):
            limits = [o.shape[a] for o in others if np.ndim(o)]
            if a != axis:
                limits.append(input._array.shape[a])
            if any(i.shape[a] > n for n in limits):
                raise RuntimeError(
                    f"{name}(): Expected index {list(i.shape)} to be no larger than self "
                    f"{list(input._array.shape)} apart from dimension {dim} and than src"
                )
    return i, axis


def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """y[i][j] = input[i][index[i][j]] for dim 1, and so on; y has the shape of ``index``.

    Raises:
        RuntimeError: if an index is out of range or the shapes do not fit.
    """
    i, axis = _index_array("gather", input, dim, index)
    if not input._array.ndim:
        return gather(input.reshape(1), 0, index.reshape(1)).reshape(index.shape)
    return Gather.apply(input, _places(i, axis))  # type: ignore[no-any-return]


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """``input`` with src[i][j] added at [i][index[i][j]] for dim 1, and so on."""
    i, axis = _index_array("scatter_add", input, dim, index, src._array)
    _same_dtype("scatter_add", input, src)
    if not i.size:
        return input.clone()
    return ScatterAdd.apply(input, _corner(src, i.shape), _places(i, axis))  # type: ignore[no-any-return]


def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
) -> Tensor:
    """``input`` with src[i][j] (or one value) put at [i][index[i][j]] for dim 1, and so on.

    Args:
        reduce: ``"add"`` or ``"multiply"`` combines with what is there instead.
    """
    src = value if src is None else src
    raw = src._array if isinstance(src, TensorBase) else src
    i, axis = _index_array("scatter", input, dim, index, raw)
    if isinstance(src, TensorBase):
        _same_dtype("scatter", input, src)
    if not i.size:
        return input.clone()
    part = _corner(src, i.shape) if isinstance(src, TensorBase) else src  # type: ignore[arg-type]
    places = _places(i, axis)
    if reduce == "add":
        return ScatterAdd.apply(input, part, places)  # type: ignore[no-any-return]
    if reduce == "multiply":
        y = input._array.copy()
        np.multiply.at(y, places, getattr(part, "_array", part))
        return wrap(input._result_type, y)  # type: ignore[no-any-return]
    if reduce is not None:
        raise RuntimeError(f"reduce argument must be either add or multiply, got {reduce!r}")
    return ScatterPut.apply(input, part, places)  # type: ignore[no-any-return]


def _same_dtype(name: str, input: Tensor, src: Tensor) -> None:
    if input._array.dtype != src._array.dtype:
        raise RuntimeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, got {input.dtype} and {src.dtype}"
        )


def _row_index(name: str, input: Tensor, dim: int, index: Tensor) -> tuple[np.ndarray, int]:
    """Check a 1-d index along one dimension."""
    axis = normalize_axis(dim, input._array.ndim)
    i = index._array
    if i.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, got {i.ndim} dimensions")
    if i.dtype.kind not in "iu":
        raise RuntimeError(f"{name}(): Expected dtype int32 or int64 for index, got {i.dtype}")
    i = np.atleast_1d(i)
    size = input._array.shape[axis] if input._array.ndim else 1
    if i.size and (i.min() < -size or i.max() >= size):
        raise IndexError(f"{name}(): index out of range: {i.min()}..{i.max()} for size {size}")
    return i, axis


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices at ``index`` (1-d) along ``dim``."""
    i, axis = _row_index("index_select", input, dim, index)
    if not input._array.ndim:
        return input.clone()
    return Gather.apply(input, _slices(i, axis))  # type: ignore[no-any-return]


def _slices(index: np.ndarray, axis: int) -> tuple[Any, ...]:
    """The full index of whole slices at ``index`` along ``axis``."""
    return (*(slice(None),) * axis, index)


def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """``input`` with alpha * source[k] added to its slice index[k] along ``dim``."""
    i, axis = _row_index("index_add", input, dim, index)
    _same_dtype("index_add", input, source)
    _check_source("index_add", source, axis, i)
    if alpha != 1:
        source = source * alpha
    return ScatterAdd.apply(input, source, _slices(i, axis))  # type: ignore[no-any-return]


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """``input`` with source[k] in place of its slice index[k] along ``dim``."""
    i, axis = _row_index("index_copy", input, dim, index)
    _same_dtype("index_copy", input, source)
    _check_source("index_copy", source, axis, i)
    return ScatterPut.apply(input, source, _slices(i, axis))  # type: ignore[no-any-return]


def _check_source(name: str, source: Tensor, axis: int, index: np.ndarray) -> None:
    if source._array.shape[axis] != index.size:
        raise IndexError(
            f"{name}(): Number of indices ({index.size}) should be equal to source.size(dim) "
            f"({source._array.shape[axis]})"
        )


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """``input`` with one value in its slices at ``index`` along ``dim``."""
    i, axis = _row_index("index_fill", input, dim, index)
    value = cast(value, input.dtype) if isinstance(value, TensorBase) else value  # type: ignore[arg-type]
    return ScatterPut.apply(input, value, _slices(i, axis))  # type: ignore[no-any-return]


def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """``input`` with ``values`` put (or added) at a tuple of index tensors."""
    index, _ = as_index(tuple(indices))
    op = ScatterAdd if accumulate else ScatterPut
    _same_dtype("index_put", input, values)
    return op.apply(input, values, index)  # type: ignore[no-any-return]


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """``input`` with one value where ``mask`` (broadcast) is True."""
    if mask._array.dtype != np.bool_:
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype}"
        )
    value = as_operand(value, "masked_fill")
    if isinstance(value, TensorBase):
        if value._array.ndim:
            raise RuntimeError(
                "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value._array.ndim} dimension(s)."
            )
        value = cast(value, input.dtype)  # type: ignore[arg-type]
    else:
        value = np.asarray(value).astype(input._array.dtype)
    return Where.apply(mask, value, input)  # type: ignore[no-any-return]


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` (broadcast) is True, as one row."""
    if mask._array.dtype != np.bool_:
        raise RuntimeError(f"masked_select: expected BoolTensor for mask, got {mask.dtype}")
    shape = np.broadcast_shapes(input._array.shape, mask._array.shape)
    return getitem(input.expand(shape), np.broadcast_to(mask._array, shape))


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """``input`` with the elements of ``source``, in order, where ``mask`` is True."""
    shape = np.broadcast_shapes(input._array.shape, mask._array.shape)
    where = np.broadcast_to(mask._array, shape)
    n = int(where.sum())
    if n > source._array.size:
        raise RuntimeError(
            f"masked_scatter: expected at least {n} source elements, got {source._array.size}"
        )
    y = input.expand(shape).clone()
    y[wrap(TensorBase._result_type, np.asarray(where))] = source.reshape(-1)[:n]
    return y


def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at ``index`` of ``input`` seen as one flat row."""
    return getitem(input.reshape(-1), index)


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """:func:`gather` with broadcasting between ``input`` and ``indices``."""
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    axis = normalize_axis(dim, input._array.ndim)
    mine, other = list(input._array.shape), list(indices._array.shape)
    mine[axis] = other[axis] = 1
    common = list(np.broadcast_shapes(mine, other))
    x_shape, i_shape = common.copy(), common.copy()
    x_shape[axis], i_shape[axis] = input._array.shape[axis], indices._array.shape[axis]
    return gather(input.expand(x_shape), axis, indices.expand(i_shape))


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of nonzero elements: a matrix with a row each, or a tuple of vectors."""
    array = input._array
    if as_tuple:
        return tuple(wrap(TensorBase._result_type, i) for i in np.nonzero(np.atleast_1d(array)))
    if array.ndim:
        return wrap(TensorBase._result_type, np.stack(np.nonzero(array), -1))
    return wrap(TensorBase._result_type, np.empty((int(bool(array)), 0), np.int64))


def argwhere(input: Tensor) -> Tensor:
    """The indices of nonzero elements, a row each."""
    return nonzero(input)  # type: ignore[no-any-return]
