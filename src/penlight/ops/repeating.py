"""Repeating a tensor's elements, and reversing, shifting and turning their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axes, normalize_axis, numpy_names, shape_argument
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.autograd.primitives import BroadcastTo
from penlight.ops.indexing import WHOLE, Gather

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile",
]  # fmt: skip


class Flip(Op):
    """y = x reversed along ``axes``; dx = dy reversed likewise."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        ctx.axes = axes
        return np.flip(x, axes).copy()

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Flip.apply(dy, ctx.axes)


def flip(input: Tensor, *dims: Any) -> Tensor:
    """A copy with the given dimensions reversed."""
    axes = normalize_axes(shape_argument(dims, "dims"), input._array.ndim, "dims")
    return Flip.apply(input, axes)


def fliplr(input: Tensor) -> Tensor:
    """A copy with dimension 1 reversed."""
    if input._array.ndim < 2:
        raise RuntimeError(f"fliplr: Input must be >= 2-d, got {input._array.ndim}-d")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """A copy with dimension 0 reversed."""
    if input._array.ndim < 1:
        raise RuntimeError("flipud: Input must be >= 1-d, got 0-d")
    return flip(input, 0)


class Roll(Op):
    """y = x shifted cyclically along ``axes``; dx = dy shifted back."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, shifts: tuple[int, ...], axes: tuple[int, ...]) -> Any:
        ctx.shifts, ctx.axes = shifts, axes
        return np.roll(x, shifts, axes)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Roll.apply(dy, tuple(-s for s in ctx.shifts), ctx.axes)


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """``input`` shifted cyclically; as one flat row without ``dims``."""
    steps = tuple(shifts) if isinstance(shifts, (list, tuple)) else (int(shifts),)
    axes = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not axes and len(steps) == 1:
        return Roll.apply(input.reshape(-1), steps, (0,)).reshape(input._array.shape)
    if len(axes) != len(steps):
        raise RuntimeError(
            f"roll: shifts and dimensions must align. shifts: {len(steps)}, dims:{len(axes)}"
        )
    return Roll.apply(input, steps, tuple(normalize_axis(a, input._array.ndim) for a in axes))


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """``input`` turned by k quarter turns from the first of ``dims`` towards the second."""
    if len(dims) != 2:
        raise RuntimeError(f"rot90: expected total rotation dims == 2, but got dims = {len(dims)}")
    if input._array.ndim < 2:
        raise RuntimeError(f"rot90: expected total dims >= 2, but got {input._array.ndim}")
    a, b = (normalize_axis(d, input._array.ndim, "dims") for d in dims)
    if a == b:
        raise RuntimeError(
            f"rot90: expected rotation dims to be different, but got dim0 = {a} and dim1 = {b}"
        )
    if k % 4 == 0:
        return input.clone()
    if k % 4 == 2:
        return flip(input, a, b)
    turned = input.transpose(a, b)
    return flip(turned, a) if k % 4 == 1 else flip(turned, b)


def tile(input: Tensor, *dims: Any) -> Tensor:
    """``input`` laid side by side ``dims`` times; leading dimensions are added on either side."""
    times = shape_argument(dims, "dims")
    times = (1,) * (input._array.ndim - len(times)) + times
    return repeat(input, times)


def repeat(input: Tensor, *sizes: Any) -> Tensor:
    """``input`` laid side by side ``sizes`` times along each dimension; leading ones may be new.

    Raises:
        RuntimeError: if there are fewer sizes than dimensions.
    """
    times = shape_argument(sizes, "repeats")
    extra = len(times) - input._array.ndim
    if extra < 0:
        raise RuntimeError(
            "repeat: Number of dimensions of repeat dims can not be smaller than number of "
            f"dimensions of tensor: got {len(times)} repeats for {input._array.ndim} dimensions"
        )
    if any(n < 0 for n in times):
        raise RuntimeError(
            f"Trying to create tensor with negative dimension: repeats {list(times)}"
        )
    shape = (1,) * extra + input._array.shape
    pairs = [n for pair in zip((1,) * len(shape), shape, strict=True) for n in pair]
    spread = tuple(n for pair in zip(times, shape, strict=True) for n in pair)
    y: Tensor = BroadcastTo.apply(input.reshape(pairs), spread)
    joined = y.reshape([t * n for t, n in zip(times, shape, strict=True)])
    return joined.clone() if joined._view is not None else joined


class RepeatInterleave(Gather):
    """:class:`Gather` under PyTorch's name."""

    label = "IndexSelectBackward0"


@numpy_names
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element (slice along ``dim``) repeated in place; as one flat row without ``dim``.

    Called with ``repeats`` alone it gives 0 repeats[0] times, 1 repeats[1] times, and so on.
    """
    if repeats is None:
        return wrap(TensorBase._result_type, np.repeat(np.arange(len(input)), input._array))
    x = input.reshape(-1) if dim is None or not input._array.ndim else input
    axis = 0 if dim is None else normalize_axis(dim, x._array.ndim)
    counts = np.asarray(repeats._array if isinstance(repeats, TensorBase) else repeats)
    if counts.dtype.kind not in "iu":
        raise RuntimeError(f"repeat_interleave: repeats has to be Long or Int, got {counts.dtype}")
    if counts.ndim > 1:
        raise RuntimeError(
            f"repeat_interleave: repeats must be 0-dim or 1-dim tensor, got {counts.ndim}-dim"
        )
    if counts.ndim == 1 and counts.size not in (1, x._array.shape[axis]):
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{counts.size} and input.size({axis}) = {x._array.shape[axis]}"
        )
    if (counts < 0).any():
        raise RuntimeError("repeat_interleave: Repeats must be non-negative")
    index = np.repeat(np.arange(x._array.shape[axis]), counts)
    if output_size is not None and output_size != index.size:
        raise RuntimeError(
            f"repeat_interleave: output_size ({output_size}) differs from the sum of repeats "
            f"({index.size})"
        )
    return RepeatInterleave.apply(x, (*(WHOLE,) * axis, 0), index)
