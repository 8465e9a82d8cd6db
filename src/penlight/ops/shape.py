"""Views: the same elements under another shape or order of dimensions, without copying."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axes, normalize_axis, numpy_names, shape_argument
from penlight._core.arrays import ArrayLike
from penlight.autograd.op import ViewOp
from penlight.autograd.primitives import BroadcastTo
from penlight.ops.complex import conj

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "adjoint", "broadcast_to", "flatten", "moveaxis", "movedim", "permute", "ravel", "reshape",
    "squeeze", "swapaxes", "swapdims", "t", "transpose", "unflatten", "unsqueeze",
]  # fmt: skip


class Reshape(ViewOp):
    """y = x under another shape, a view where the strides allow it; dx = dy under x's."""

    label = "ViewBackward0"

    @staticmethod
    def forward(ctx: Any, x: Any, shape: tuple[int, ...]) -> Any:
        ctx.shape = x.shape
        return x.reshape(shape)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy.reshape(ctx.shape)


class Squeeze(Reshape):
    """:class:`Reshape` under PyTorch's name for dropping dimensions of size one."""

    label = "SqueezeBackward0"


class Unsqueeze(Reshape):
    """:class:`Reshape` under PyTorch's name for a new dimension of size one."""

    label = "UnsqueezeBackward0"


def infer_shape(size: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Replace the one -1 in ``shape`` by what fits ``size`` elements.

    Raises:
        RuntimeError: if nothing fits, or -1 stands there twice.
    """
    if -1 not in shape:
        if math.prod(shape) != size or min(shape, default=0) < 0:
            raise _invalid_shape(size, shape)
        return shape
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = -math.prod(shape)
    if known == 0:
        raise RuntimeError(
            f"cannot reshape tensor of {size} elements into shape {list(shape)} because the "
            "unspecified dimension size -1 can be any value and is ambiguous"
        )
    if known < 0 or size % known:
        raise _invalid_shape(size, shape)
    return tuple([size // known if n == -1 else n for n in shape])


def _invalid_shape(size: int, shape: tuple[int, ...]) -> RuntimeError:
    return RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """``input`` under another shape: a view where possible, else a copy. One size may be -1."""
    return Reshape.apply(input, infer_shape(input._array.size, shape_argument(shape, "shape")))


def view(input: Tensor, *shape: Any) -> Tensor:
    """Like :func:`reshape`, but never a copy.

    Raises:
        RuntimeError: if the strides do not allow a view.
    """
    sizes = infer_shape(input._array.size, shape_argument(shape, "shape"))
    y: Tensor = Reshape.apply(input, sizes)
    if y._view is None and y._array.size and not isinstance(y._array, ArrayLike):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return y


def ravel(input: Tensor) -> Tensor:
    """All elements as one row."""
    return Reshape.apply(input, (input._array.size,))


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions ``start_dim`` to ``end_dim`` joined into one."""
    shape = input._array.shape
    start = normalize_axis(start_dim, len(shape), "start_dim")
    end = normalize_axis(end_dim, len(shape), "end_dim")
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return Reshape.apply(input, (1,))
    if start == end:
        return input
    joined = math.prod(shape[start : end + 1])
    return Reshape.apply(input, (*shape[:start], joined, *shape[end + 1 :]))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Dimension ``dim`` cut into several; one of ``sizes`` may be -1."""
    shape = input._array.shape
    axis = normalize_axis(dim, len(shape))
    wanted = shape_argument((sizes,), "sizes")
    if not wanted:
        raise RuntimeError("unflatten: sizes must be non-empty")
    size = shape[axis] if shape else 1
    try:
        filled = infer_shape(size, wanted)
    except RuntimeError:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(wanted)} don't multiply up to the size of dim {dim} "
            f"({size}) in the input tensor"
        ) from None
    return Reshape.apply(input, (*shape[:axis], *filled, *shape[axis + 1 :]))


@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """``input`` with a dimension of size one put in at ``dim``."""
    shape = input._array.shape
    axis = normalize_axis(dim, len(shape) + 1)
    return Unsqueeze.apply(input, (*shape[:axis], 1, *shape[axis:]))


@numpy_names
def squeeze(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """``input`` without its dimensions of size one (of those in ``dim``, if given)."""
    shape = input._array.shape
    axes = range(len(shape)) if dim is None else normalize_axes(dim, len(shape)) or ()
    kept = tuple(n for a, n in enumerate(shape) if n != 1 or a not in axes)
    return Squeeze.apply(input, kept)


# -- the order of dimensions -----------------------------------------------------------------


class Permute(ViewOp):
    """y = x with its dimensions in another order; dx = dy with them put back."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...]) -> Any:
        ctx.axes = axes
        return x.transpose(axes)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        back = sorted(range(len(ctx.axes)), key=ctx.axes.__getitem__)
        return np.transpose(dy, tuple(back))


class Transpose(Permute):
    """:class:`Permute` under PyTorch's name for two dimensions exchanged."""


class T(Permute):
    """:class:`Permute` under PyTorch's name for the transpose of a matrix."""


def permute(input: Tensor, *dims: Any) -> Tensor:
    """``input`` with its dimensions in the order ``dims``.

    Raises:
        RuntimeError: if ``dims`` is not a permutation of the dimensions.
    """
    order = shape_argument(dims, "dims")
    ndim = input._array.ndim
    if len(order) != ndim:
        raise RuntimeError(
            "permute: number of dimensions in the tensor input does not match the length of the "
            f"desired ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = "
            f"{len(order)}"
        )
    return Permute.apply(input, normalize_axes(order, ndim, "dims"))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """``input`` with two dimensions exchanged."""
    ndim = input._array.ndim
    a, b = normalize_axis(dim0, ndim, "dim0"), normalize_axis(dim1, ndim, "dim1")
    axes = list(range(ndim))
    if ndim:
        axes[a], axes[b] = axes[b], axes[a]
    return Transpose.apply(input, tuple(axes))


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; tensors of fewer dimensions as they are."""
    ndim = input._array.ndim
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return T.apply(input, (1, 0) if ndim == 2 else (0,) * ndim)


def adjoint(input: Tensor) -> Tensor:
    """The conjugate with its last two dimensions exchanged.

    Raises:
        RuntimeError: for vectors.
    """
    if input._array.ndim == 1:
        raise RuntimeError("adjoint: tensor must have at least 2 dimensions, got 1")
    return conj(input if not input._array.ndim else transpose(input, -2, -1))


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other positions; the rest keep their order."""
    ndim = input._array.ndim
    src = normalize_axes(source, ndim, "source") or ()
    dst = normalize_axes(destination, ndim, "destination") or ()
    if len(src) != len(dst):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(src)} dims) should contain "
            f"the same number of dims as destination ({list(dst)} dims)"
        )
    order = [a for a in range(ndim) if a not in src]
    for to, a in sorted(zip(dst, src, strict=True)):
        order.insert(to, a)
    return Permute.apply(input, tuple(order))


# -- stretching ------------------------------------------------------------------------------


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
    return BroadcastTo.apply(input, shape)


def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """``input`` expanded to the shape ``size``."""
    return expand(input, size)


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """``input`` with two dimensions exchanged."""
    return transpose(input, axis0, axis1)


moveaxis, swapdims = movedim, transpose
