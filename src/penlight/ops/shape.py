"""Views: the same elements under another shape or order of dimensions, without copying."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axes, normalize_axis, shape_argument
from penlight.autograd.op import ViewOp
from penlight.autograd.primitives import BroadcastTo

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "expand",
    "flatten",
    "permute",
    "reshape",
    "squeeze",
    "t",
    "transpose",
    "unsqueeze",
    "view",
]


class Reshape(ViewOp):
    """y = x under another shape, a view where the strides allow it; dx = dy under x's."""

    @staticmethod
    def forward(ctx: Any, x: Any, shape: tuple[int, ...]) -> Any:
        ctx.shape = x.shape
        return x.reshape(shape)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy.reshape(ctx.shape)


def infer_shape(input: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Replace the one -1 in ``shape`` by what fits.

    Raises:
        RuntimeError: if nothing fits, or -1 stands there twice.
    """
    size = input._array.size
    known = math.prod(n for n in shape if n != -1)
    invalid = RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")
    if any(n < -1 for n in shape):
        raise invalid
    if -1 not in shape:
        if known != size:
            raise invalid
        return shape
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if known == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified "
            "dimension size -1 can be any value and is ambiguous"
        )
    if size % known:
        raise invalid
    return tuple(size // known if n == -1 else n for n in shape)


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """``input`` under another shape: a view where possible, else a copy. One size may be -1."""
    return Reshape.apply(input, infer_shape(input, shape_argument(shape, "shape")))  # type: ignore[no-any-return]


def view(input: Tensor, *shape: Any) -> Any:
    """Like :func:`reshape`, but never a copy.

    Raises:
        RuntimeError: if the strides do not allow a view.
    """
    sizes = infer_shape(input, shape_argument(shape, "shape"))
    y = Reshape.apply(input, sizes)
    if y._array.size and not np.may_share_memory(y._array, input._array):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return y


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions ``start_dim`` to ``end_dim`` joined into one."""
    shape = input._array.shape
    start = normalize_axis(start_dim, len(shape), "start_dim")
    end = normalize_axis(end_dim, len(shape), "end_dim")
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return Reshape.apply(input, (1,))  # type: ignore[no-any-return]
    if start == end:
        return input
    joined = math.prod(shape[start : end + 1])
    return Reshape.apply(input, (*shape[:start], joined, *shape[end + 1 :]))  # type: ignore[no-any-return]


class Permute(ViewOp):
    """y = x with its dimensions in another order; dx = dy with them put back."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...]) -> Any:
        ctx.axes = axes
        return np.transpose(x, axes)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        back = sorted(range(len(ctx.axes)), key=ctx.axes.__getitem__)
        return np.transpose(dy, tuple(back))


def permute(input: Tensor, *dims: Any) -> Tensor:
    """``input`` with its dimensions in the order ``dims``.

    Raises:
        RuntimeError: if ``dims`` is not a permutation of the dimensions.
    """
    order = shape_argument(dims, "dims")
    ndim = input._array.ndim
    if len(order) != ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {ndim} is not equal "
            f"to len(dims) = {len(order)}"
        )
    return Permute.apply(input, normalize_axes(order, ndim, "dims"))  # type: ignore[no-any-return]


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """``input`` with two dimensions exchanged."""
    ndim = input._array.ndim
    a, b = normalize_axis(dim0, ndim, "dim0"), normalize_axis(dim1, ndim, "dim1")
    axes = list(range(ndim))
    if ndim:
        axes[a], axes[b] = axes[b], axes[a]
    return Permute.apply(input, tuple(axes))  # type: ignore[no-any-return]


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; tensors of fewer dimensions as they are."""
    ndim = input._array.ndim
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return Permute.apply(input, tuple(range(ndim))[::-1])  # type: ignore[no-any-return]


def expand(input: Tensor, *sizes: Any) -> Tensor:
    """``input`` repeated along its dimensions of size one, without copying; -1 keeps a size.

    Raises:
        RuntimeError: if a size differs from one that is not 1.
    """
    wanted = shape_argument(sizes)
    have = input._array.shape
    extra = len(wanted) - len(have)
    if extra < 0:
        raise RuntimeError(
            f"expand: the number of sizes provided ({len(wanted)}) must be greater or equal to the "
            f"number of dimensions in the tensor ({len(have)})"
        )
    shape = tuple(have[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(wanted))
    for i, n in enumerate(shape):
        if n < 0 or (i >= extra and have[i - extra] not in (1, n)):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size "
                f"({have[i - extra] if i >= extra else 'none'}) at non-singleton dimension {i}. "
                f"Target sizes: {list(wanted)}. Tensor sizes: {list(have)}"
            )
    return BroadcastTo.apply(input, shape)  # type: ignore[no-any-return]


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """``input`` with a dimension of size one put in at ``dim``."""
    shape = input._array.shape
    axis = normalize_axis(dim, len(shape) + 1)
    return Reshape.apply(input, (*shape[:axis], 1, *shape[axis:]))  # type: ignore[no-any-return]


def squeeze(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """``input`` without its dimensions of size one (of those in ``dim``, if given)."""
    shape = input._array.shape
    axes = range(len(shape)) if dim is None else normalize_axes(dim, len(shape)) or ()
    kept = tuple(n for a, n in enumerate(shape) if n != 1 or a not in axes)
    return Reshape.apply(input, kept)  # type: ignore[no-any-return]
