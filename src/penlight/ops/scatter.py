"""Reading and writing at index tensors along one dimension: gather, scatter and their reductions.

All stand on three ops over a full index: ``Gather`` reads, ``AddAt`` adds, ``PutAt`` replaces; each is
made of the others' derivatives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis, numpy_names
from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.kernels.scatter import add_at, grid
from penlight.ops.indexing import Gather, filled, getitem, of_last_writes
from penlight.ops.promotion import as_scalar
from penlight.ops.scatter_reduction import ReduceAt, identity_of

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["gather", "scatter", "scatter_add", "scatter_reduce", "take_along_dim"]


class AddAt(Op):
    """y = x with v added at ``pattern``, repeated places more than once; dx = dy, dv = dy there."""

    label = "ScatterAddBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, v: Any, pattern: Any, *indices: np.ndarray) -> np.ndarray:
        ctx.save(*indices)
        ctx.pattern = pattern
        y = np.array(x, order="C")
        add_at(y, filled(pattern, indices), v)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy, (Gather.apply(dy, ctx.pattern, *ctx.saved) if ctx.edges[1] else None)


class PutAt(Op):
    """y = x with v put at ``pattern``; dx = dy with those places zeroed, dv = dy there."""

    label = "ScatterBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, v: Any, pattern: Any, *indices: np.ndarray) -> np.ndarray:
        ctx.save(*indices)
        ctx.pattern = pattern
        y = x.copy()
        y[filled(pattern, indices)] = v
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        dv = None
        if ctx.edges[1]:
            index = filled(ctx.pattern, ctx.saved)
            dv = of_last_writes(Gather.apply(dy, ctx.pattern, *ctx.saved), dy.shape, index)
        return PutAt.apply(dy, 0, ctx.pattern, *ctx.saved), dv


class GatherAlong(Gather):
    """:class:`Gather` under the name that PyTorch gives it along one dimension."""

    label = "GatherBackward0"


# -- arguments -------------------------------------------------------------------------------


_min_reduce: Any = np.minimum.reduce
_max_reduce: Any = np.maximum.reduce


def places(index: Any, axis: int) -> tuple[tuple[int, ...], list[Any]]:
    """The full index ``x[i, ..., index[i, ..., k], ..., k]``: a pattern and its index arrays."""
    shape = index._array.shape
    where = grid(shape, axis)
    where[axis] = index
    return tuple(range(len(shape))), where


def _as_vector(x: Any) -> Any:
    return x if x._array.ndim else x.reshape(1)


def check_index(
    name: str, input: Tensor, dim: int, index: Any, src: Any = None
) -> tuple[Tensor, Any, int]:
    """What gather and scatter demand of their index; 0-d tensors become vectors of one element.

    Returns:
        input, index and the axis.

    Raises:
        TypeError: if the index is no tensor.
        RuntimeError: if it is not of integers, has other dimensions, or leaves the bounds.
        IndexError: if there is no such dimension.
    """
    if not isinstance(index, TensorBase):
        raise TypeError(f"{name}(): argument 'index' must be Tensor, not {type(index).__name__}")
    axis = normalize_axis(dim, input._array.ndim)
    x, i = _as_vector(input), _as_vector(index)
    d: Any = index
    array, shape = i._array, x._array.shape
    if not array.size:
        return x, i, axis
    if array.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index, got {d.dtype}")
    if array.ndim != len(shape):
        raise RuntimeError(
            f"{name}(): Index tensor must have the same number of dimensions as input tensor, got "
            f"index {list(array.shape)} for input {list(shape)}"
        )
    _check_sizes(name, shape, axis, array.shape, src)
    low, high = _min_reduce(array, axis=None), _max_reduce(array, axis=None)
    if low < 0 or high >= shape[axis]:
        raise RuntimeError(
            f"{name}(): index {low if low < 0 else high} is out of bounds for dimension {dim} with "
            f"size {shape[axis]}"
        )
    return x, i, axis


def _check_sizes(
    name: str, shape: tuple[int, ...], axis: int, index: tuple[int, ...], src: Any
) -> None:
    for a, n in enumerate(index):
        if a != axis and n > shape[a]:
            raise RuntimeError(
                f"{name}(): Size does not match at dimension {a} expected index {list(index)} to be "
                f"no larger than self {list(shape)} apart from dimension {axis}"
            )
    if not isinstance(src, TensorBase):
        return
    other = src._array.shape or (1,)
    if len(other) != len(index):
        raise RuntimeError(
            f"{name}(): src must have the same number of dimensions as index, got src "
            f"{list(other)} for index {list(index)}"
        )
    if any(n > m for n, m in zip(index, other, strict=True)):
        raise RuntimeError(
            f"{name}(): Expected index {list(index)} to be no larger size than src {list(other)}"
        )


def _check_dtypes(name: str, input: Tensor, src: Any) -> None:
    if input._array.dtype != src._array.dtype:
        raise RuntimeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, got {input.dtype} and {src.dtype}"
        )


def _corner(src: Any, shape: tuple[int, ...]) -> Any:
    """The part of ``src`` that an index of this shape reads: src may be larger."""
    src = _as_vector(src)
    return src if src._array.shape == shape else getitem(src, tuple(slice(n) for n in shape))


# -- the functions ---------------------------------------------------------------------------


@numpy_names
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """y[i][j] = input[i][index[i][j]] for dim 1, and so on; y has the shape of ``index``.

    Raises:
        RuntimeError: if an index is out of range or the shapes do not fit.
    """
    x, i, axis = check_index("gather", input, dim, index)
    if i._array.ndim != x._array.ndim:  # an empty index of any shape reads nothing
        return x.new_empty(i._array.shape)
    pattern, indices = places(i, axis)
    y = GatherAlong.apply(x, pattern, *indices)
    return y if index._array.ndim else y.reshape(())


@numpy_names
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """``input`` with src[i][j] added at [i][index[i][j]] for dim 1, and so on."""
    return _scatter("scatter_add", AddAt, input, dim, index, src)


@numpy_names
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
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError(f"reduce argument must be either add or multiply, got {reduce!r}")
    if reduce == "multiply":
        return _scatter("scatter", ReduceAt, input, dim, index, src, "prod")
    return _scatter("scatter", AddAt if reduce else PutAt, input, dim, index, src)


def _scatter(
    name: str, op: type[Op], input: Tensor, dim: int, index: Any, src: Any, *options: Any
) -> Tensor:
    if name != "scatter" and not isinstance(src, TensorBase):
        raise TypeError(f"{name}(): argument 'src' must be Tensor, not {type(src).__name__}")
    x, i, axis = check_index(name, input, dim, index, src)
    if isinstance(src, TensorBase):
        _check_dtypes(name, input, src)
        src = _corner(src, i._array.shape) if i._array.size else src
    else:
        src = np.asarray(as_scalar(src, input.dtype, name), input._array.dtype)
        src = np.broadcast_to(src, i._array.shape)
    if not i._array.size:
        return input.clone()
    pattern, indices = places(i, axis)
    y = op.apply(x, src, *options, pattern, *indices)
    return y if input._array.ndim else y.reshape(())


def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """``input`` with all src[i][j] that go to one place [i][index[i][j]] reduced with what is there.

    Args:
        reduce: ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether the element of ``input`` takes part.
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    start = input
    if not include_self:
        start = scatter(input, dim, index, identity_of(reduce, input._array.dtype))
    if reduce in ("sum", "mean"):
        total = _scatter("scatter_reduce", AddAt, start, dim, index, src)
        if reduce == "sum":
            return total
        ones = input.new_ones(index._array.shape)
        count = scatter_add(input.new_full(input._array.shape, int(include_self)), dim, index, ones)
        count = count.clamp(min=1)
        whole = input._array.dtype.kind in "iu"
        return total.div(count, rounding_mode="floor") if whole else total / count
    return _scatter("scatter_reduce", ReduceAt, start, dim, index, src, reduce)


@numpy_names
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """:func:`gather` with broadcasting between ``input`` and ``indices``."""
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    axis = normalize_axis(dim, input._array.ndim)
    if input._array.ndim != indices._array.ndim:
        raise RuntimeError(
            "take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input._array.ndim} dimensions for input, and {indices._array.ndim} for indices"
        )
    mine, other = list(input._array.shape), list(indices._array.shape)
    mine[axis] = other[axis] = 1
    try:
        common = list(np.broadcast_shapes(tuple(mine), tuple(other)))
    except ValueError:
        raise RuntimeError(
            "take_along_dim(): input and indices must broadcast in all other dimensions, but got "
            f"{list(input.shape)} and {list(indices.shape)}"
        ) from None
    x_shape, i_shape = common.copy(), common.copy()
    x_shape[axis], i_shape[axis] = input._array.shape[axis], indices._array.shape[axis]
    return gather(input.expand(x_shape), axis, indices.expand(i_shape))
