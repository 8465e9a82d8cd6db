"""Parts of a tensor along one dimension, as views."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis, numpy_names
from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op, mark_view
from penlight.kernels.memory import rejoined
from penlight.ops.indexing import WHOLE, Slice

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "chunk", "dsplit", "hsplit", "narrow", "narrow_copy", "select", "split", "split_with_sizes",
    "tensor_split", "unbind", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes", "vsplit",
]  # fmt: skip


class ViewsOp(Op):
    """An op with several outputs that share its first input's memory.

    PyTorch forbids changing such outputs in place where gradients are recorded: so their views
    have no path to be replayed on.
    """

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        outputs = super().apply(*inputs)
        x = inputs[0]
        if isinstance(x, TensorBase):
            for nr, y in enumerate(outputs):
                mark_view(y, x, None, f"is output {nr} of a function that returns multiple views")
        return outputs


class Split(ViewsOp):
    """y_i = consecutive parts of x along ``axis``; dx = the dy_i joined."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, sizes: tuple[int, ...], axis: int) -> Any:
        ctx.axis = axis
        before = (WHOLE,) * axis
        ends = itertools.accumulate(sizes, initial=0)
        return tuple(x[(*before, slice(a, b))] for a, b in itertools.pairwise(ends))

    @staticmethod
    def backward(ctx: Any, *dys: Any) -> Any:
        joined = rejoined(dys, ctx.axis) if type(dys[0]) is np.ndarray else None
        return np.concatenate(dys, ctx.axis) if joined is None else joined


class Unbind(ViewsOp):
    """y_i = the slice of x at i along ``axis``; dx = the dy_i stacked."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, axis: int) -> Any:
        ctx.axis = axis
        if x.ndim == 1:
            return tuple(x[i, ...] for i in range(len(x)))
        return tuple(np.moveaxis(x, axis, 0) if axis else x)

    @staticmethod
    def backward(ctx: Any, *dys: Any) -> Any:
        return np.stack(dys, ctx.axis)


def _axis(name: str, input: Tensor, dim: int) -> int:
    if not input._array.ndim:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor")
    return normalize_axis(dim, input._array.ndim)


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of the given sizes along ``dim``, as views.

    Raises:
        RuntimeError: if the sizes do not add up to the size of ``dim``.
    """
    axis = _axis("split_with_sizes", input, dim)
    size = input._array.shape[axis]
    sizes = tuple(int(n) for n in split_sizes)
    if sum(sizes) != size or any(n < 0 for n in sizes):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at "
            f"dimension {dim}), but got split_sizes={list(sizes)}"
        )
    return Split.apply(input, sizes, axis)


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of one size (the last may be smaller) or of the sizes given, as views."""
    if isinstance(split_size_or_sections, (list, tuple)):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    n = int(split_size_or_sections)
    axis = _axis("split", tensor, dim)
    size = tensor._array.shape[axis]
    if n < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={n}")
    if n == 0 and size:
        raise RuntimeError(
            f"split: split_size can only be 0 if dimension size is 0, but got dimension size of {size}"
        )
    sizes = [n] * (size // n) + ([size % n] if size % n else []) if n else [0]
    return Split.apply(tensor, tuple(sizes) or (0,), axis)


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` parts of equal size (the last may be smaller), as views."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input._array.shape[_axis("chunk", input, dim)]
    if size == 0:
        return split_with_sizes(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


@numpy_names
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts as equal as can be, or cut at the given indices, as views."""
    axis = _axis("tensor_split", input, dim)
    size = input._array.shape[axis]
    if isinstance(indices_or_sections, TensorBase):
        indices_or_sections = indices_or_sections._array.tolist()
    if isinstance(indices_or_sections, int):
        n = indices_or_sections
        if n <= 0:
            raise RuntimeError(
                f"tensor_split: number of sections must be larger than 0, got {indices_or_sections}"
            )
        base, extra = divmod(size, n)
        cuts = list(itertools.accumulate([base + (i < extra) for i in range(n)], initial=0))
    else:
        cuts = [0, *(slice(0, i).indices(size)[1] for i in indices_or_sections), size]
    return tuple(narrow(input, axis, a, max(b - a, 0)) for a, b in itertools.pairwise(cuts))


def _equal_split(name: str, input: Tensor, at: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    ndim = input._array.ndim
    if ndim < least:
        raise RuntimeError(
            f"{name} requires a tensor with at least {least} dimension, but got a tensor with {ndim} "
            "dimensions!"
        )
    size = input._array.shape[dim]
    if isinstance(at, int) and (at <= 0 or size % at):
        raise RuntimeError(
            f"{name} attempted to split along dimension {dim}, but the size of the dimension {size} "
            f"is not divisible by the split_size {at}!"
        )
    return tensor_split(input, at, dim)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along dimension 1 (0 of vectors)."""
    return _equal_split("hsplit", input, indices_or_sections, min(input._array.ndim - 1, 1), 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along dimension 0."""
    return _equal_split("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along dimension 2."""
    return _equal_split("dsplit", input, indices_or_sections, 2, 3)


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along ``dim``, which disappears."""
    if not input._array.ndim:
        raise IndexError(f"unbind: Dimension specified as {dim} but tensor has no dimensions")
    axis = normalize_axis(dim, input._array.ndim)
    if not input._array.shape[axis]:
        return ()
    return Unbind.apply(input, axis)


@numpy_names
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at ``index`` along ``dim``, which disappears."""
    return Slice.apply(input, select_index(input, dim, index))


def select_index(input: Tensor, dim: int, index: int) -> tuple[Any, ...]:
    """The index of the slice at ``index`` along ``dim``.

    Raises:
        IndexError: if there is none.
    """
    if not input._array.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    axis = normalize_axis(dim, input._array.ndim)
    size, index = input._array.shape[axis], int(index)
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input._array.shape)} at "
            f"dimension {dim}"
        )
    return (*(WHOLE,) * axis, index)


@numpy_names
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """``length`` elements along ``dim`` from ``start`` on, as a view."""
    if not input._array.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    axis = normalize_axis(dim, input._array.ndim)
    size, start, length = input._array.shape[axis], int(start), int(length)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -size <= start <= size:
        raise IndexError(
            f"narrow(): start out of range (expected to be in range of [{-size}, {size}], but got "
            f"{start})"
        )
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(
            f"narrow(): start ({start}) + length ({length}) exceeds dimension size ({size})."
        )
    return Slice.apply(input, (*(WHOLE,) * axis, slice(start, start + length)))


def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A copy of :func:`narrow`."""
    return narrow(input, dim, start, length).clone()


def unsafe_split(tensor: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """As :func:`split`, but copies, which may be changed in place."""
    return tuple(part.clone() for part in split(tensor, split_size, dim))


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """As :func:`chunk`, but copies, which may be changed in place."""
    return tuple(part.clone() for part in chunk(input, chunks, dim))


def unsafe_split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """As :func:`split_with_sizes`, but copies, which may be changed in place."""
    return tuple(part.clone() for part in split_with_sizes(input, split_sizes, dim))
