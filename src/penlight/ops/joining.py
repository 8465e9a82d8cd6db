"""Joining tensors, along a dimension that is there or a new one, and bringing them to one shape."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis, numpy_names, shape_argument
from penlight._core.errors import broadcast_error
from penlight._core.size import Size
from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.ops.promotion import cast, result_type
from penlight.ops.shape import expand, unsqueeze
from penlight.ops.splitting import Split, Unbind

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes", "broadcast_tensors",
    "cartesian_prod", "cat", "column_stack", "combinations", "concat", "concatenate", "dstack",
    "hstack", "meshgrid", "row_stack", "stack", "vstack",
]  # fmt: skip


class Cat(Op):
    """y = the x_i one after another along ``axis``; dx_i = the part of dy that x_i became."""

    @staticmethod
    def forward(ctx: Any, axis: int, *xs: np.ndarray) -> np.ndarray:
        ctx.axis, ctx.sizes = axis, tuple([x.shape[axis] for x in xs])
        return np.ascontiguousarray(np.concatenate(xs, axis))  # NumPy keeps the inputs' order

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return (None, *Split.apply(dy, ctx.sizes, ctx.axis))


class Stack(Op):
    """y = the x_i side by side along a new ``axis``; dx_i = the slice of dy that x_i became."""

    @staticmethod
    def forward(ctx: Any, axis: int, *xs: np.ndarray) -> np.ndarray:
        ctx.axis = axis
        return np.ascontiguousarray(np.stack(xs, axis))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return (None, *Unbind.apply(dy, ctx.axis))


def as_tensors(name: str, tensors: Any) -> list[Tensor]:
    """The sequence that a joining function was given.

    Raises:
        TypeError: if it is a tensor, or one of its elements is none.
    """
    if isinstance(tensors, TensorBase):
        raise TypeError(f"{name}(): argument 'tensors' must be tuple of Tensors, not Tensor")
    result = list(tensors)
    for i, x in enumerate(result):
        if not isinstance(x, TensorBase):
            raise TypeError(
                f"{name}(): expected Tensor as element {i} in argument 0, but got {type(x).__name__}"
            )
    return result


def _in_one_dtype(tensors: list[Tensor]) -> list[Tensor]:
    first = tensors[0]._array.dtype
    for x in tensors:
        if x._array.dtype != first:
            common = result_type(*tensors)
            return [cast(x, common) for x in tensors]
    return tensors


@numpy_names
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors joined along an existing dimension.

    Args:
        tensors: of equal shapes except along ``dim``; 1-d empty ones are passed over.
        dim: the dimension to join along. Default: 0.

    Raises:
        ValueError: if there are none.
        RuntimeError: if the shapes do not fit.
        TypeError: if one is no tensor.
    """
    xs = as_tensors("cat", tensors)
    if not xs:
        raise ValueError("cat: expected a non-empty list of Tensors")
    shape = xs[0]._array.shape
    if shape and shape != (0,):
        axis = normalize_axis(dim, len(shape))
        if _fit(xs, shape, axis):  # by far the most frequent case
            return Cat.apply(axis, *_in_one_dtype(xs))
    shape = next((x._array.shape for x in xs if x._array.shape != (0,)), (0,))
    for i, x in enumerate(xs):
        if not x._array.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    axis = normalize_axis(dim, len(shape))
    xs = [_as_nothing(x, shape, axis) if x._array.shape == (0,) else x for x in xs]
    for i, x in enumerate(xs):
        _check_fit(i, x._array.shape, shape, axis)
    return Cat.apply(axis, *_in_one_dtype(xs))


def _fit(tensors: list[Tensor], shape: tuple[int, ...], axis: int) -> bool:
    """Whether all have this shape except along ``axis``."""
    before, after = shape[:axis], shape[axis + 1 :]
    for x in tensors:
        other = x._array.shape
        if other[:axis] != before or other[axis + 1 :] != after:
            return False
    return True


def _as_nothing(x: Tensor, shape: tuple[int, ...], axis: int) -> Tensor:
    return x.reshape((*shape[:axis], 0, *shape[axis + 1 :]))


def _check_fit(i: int, other: tuple[int, ...], shape: tuple[int, ...], axis: int) -> None:
    if len(other) != len(shape):
        raise RuntimeError(
            f"cat: Tensors must have same number of dimensions: got {len(shape)} and {len(other)}"
        )
    for a in range(len(shape)):
        if a != axis and other[a] != shape[a]:
            raise RuntimeError(
                f"cat: Sizes of tensors must match except in dimension {axis}. Expected size "
                f"{shape[a]} but got size {other[a]} for tensor number {i} in the list."
            )


@numpy_names
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    Raises:
        RuntimeError: if there are none, or the shapes differ.
    """
    xs = as_tensors("stack", tensors)
    if not xs:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = xs[0]._array.shape
    axis = normalize_axis(dim, len(shape) + 1)
    for i, x in enumerate(xs):
        if x._array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(x._array.shape)} at entry {i}"
            )
    return Stack.apply(axis, *_in_one_dtype(xs))


# -- lifting to some dimensions --------------------------------------------------------------


def _atleast(n: int, tensors: tuple[Any, ...]) -> Any:
    many = not (len(tensors) == 1 and isinstance(tensors[0], TensorBase))
    if len(tensors) == 1 and many:
        tensors = tuple(tensors[0])

    def lifted(x: Tensor) -> Tensor:
        ndim = x._array.ndim
        if ndim >= n:
            return x
        if ndim == 0:
            return x.reshape((1,) * n)
        if n == 2:
            return unsqueeze(x, 0)
        return unsqueeze(unsqueeze(x, 0), -1) if ndim == 1 else unsqueeze(x, -1)

    results = tuple(lifted(x) for x in tensors)
    return results if many else results[0]


def atleast_1d(*tensors: Any) -> Any:
    """Tensors with at least one dimension."""
    return _atleast(1, tensors)


def atleast_2d(*tensors: Any) -> Any:
    """Tensors with at least two dimensions."""
    return _atleast(2, tensors)


def atleast_3d(*tensors: Any) -> Any:
    """Tensors with at least three dimensions."""
    return _atleast(3, tensors)


def _lifted(name: str, n: int, tensors: Any) -> list[Tensor]:
    xs = as_tensors(name, tensors)
    if not xs:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return [_atleast(n, (x,)) for x in xs]


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined side by side: along dimension 1, or 0 for vectors."""
    lifted = _lifted("hstack", 1, tensors)
    return cat(lifted, 0 if lifted[0]._array.ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined as rows, along dimension 0."""
    return cat(_lifted("vstack", 2, tensors), 0)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined in depth, along dimension 2."""
    return cat(_lifted("dstack", 3, tensors), 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined as columns, along dimension 1."""
    xs = as_tensors("column_stack", tensors)
    return hstack([x if x._array.ndim > 1 else x.reshape(x._array.size, 1) for x in xs])


def block_diag(*tensors: Any) -> Tensor:
    """The matrix with the given matrices (vectors as rows) along its diagonal, zeros elsewhere."""
    for i, x in enumerate(tensors):
        if not isinstance(x, TensorBase):
            raise TypeError(f"block_diag(): expected Tensor as element {i}, got {type(x).__name__}")
        if x._array.ndim > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input "
                f"{i} has {x._array.ndim} dimensions"
            )
    blocks: list[Any] = [_atleast(2, (x,)) for x in tensors]
    widths = [b._array.shape[1] for b in blocks]
    rows = []
    for i, block in enumerate(blocks):
        n, left, right = block._array.shape[0], sum(widths[:i]), sum(widths[i + 1 :])
        rows.append(cat([block.new_zeros(n, left), block, block.new_zeros(n, right)], 1))
    return cat(rows, 0)


# -- bringing to one shape -------------------------------------------------------------------


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that tensors of these shapes (tuples or ints) broadcast to.

    Raises:
        RuntimeError: if they do not.
    """
    sizes = [shape_argument((s,), "shape") for s in shapes]
    try:
        return Size(np.broadcast_shapes(*sizes))
    except ValueError:
        raise broadcast_error("broadcast_shapes", sizes) from None


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape."""
    if len(tensors) == 1 and not isinstance(tensors[0], TensorBase):
        tensors = tuple(tensors[0])
    shapes = [x._array.shape for x in tensors]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise broadcast_error("broadcast_tensors", shapes) from None
    return tuple(expand(x, shape) for x in tensors)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Grids of coordinates: each 1-d tensor along a dimension of its own.

    Args:
        indexing: ``"ij"`` (the default) puts the first along dimension 0, ``"xy"`` along dimension 1.
    """
    if len(tensors) == 1 and not isinstance(tensors[0], TensorBase):
        tensors = tuple(tensors[0])
    if indexing not in ("ij", "xy", None):
        raise RuntimeError(
            f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    for x in tensors:
        if x._array.ndim > 1:
            raise RuntimeError(
                f"meshgrid: Expected 0D or 1D tensor in the tensor list but got {list(x.shape)}"
            )
        if x._array.dtype != tensors[0]._array.dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    n = len(tensors)
    shape = [x._array.size for x in tensors]
    grids = [
        expand(x.reshape([-1 if a == i else 1 for a in range(n)]), shape)
        for i, x in enumerate(tensors)
    ]
    if indexing == "xy" and n > 1:
        grids = [g.transpose(0, 1) for g in grids]
    return tuple(grids)


def _vector(x: Any) -> Tensor:
    if x._array.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(x._array.shape)}")
    return x


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of one element of each vector, a row each."""
    vectors = [_vector(x) for x in tensors]
    if len(vectors) == 1:
        return vectors[0]
    return stack([g.reshape(-1) for g in meshgrid(*vectors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All subsets of r elements of a vector, in order, a row each."""
    if r < 0:
        raise RuntimeError(f"combinations: Expect a non-negative number, but got {r}")
    x = _vector(input)
    if r == 0:
        return x.new_empty(0)
    choose: Any = itertools.combinations
    if with_replacement:
        choose = itertools.combinations_with_replacement
    chosen = list(choose(range(x._array.size), r))
    return x[np.asarray(chosen, np.int64).reshape(-1, r)]


concat = concatenate = cat
row_stack = vstack
