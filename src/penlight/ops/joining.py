"""Joining tensors, splitting them, repeating and reversing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axes, normalize_axis, shape_argument
from penlight.autograd.base import TensorBase, View
from penlight.autograd.op import Op
from penlight.ops.indexing import getitem
from penlight.ops.promotion import cast, result_type
from penlight.ops.shape import Permute, expand, unsqueeze

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_tensors", "cat", "chunk", "concat", "concatenate",
    "dstack", "flip", "fliplr", "flipud", "hstack", "meshgrid", "moveaxis", "movedim", "narrow",
    "repeat_interleave", "roll", "rot90", "select", "split", "split_with_sizes", "stack",
    "tensor_split", "tile", "unbind", "unflatten", "vstack",
]  # fmt: skip


class Cat(Op):
    """y = the x_i one after another along ``axis``; dx_i = the part of dy that x_i became."""

    @staticmethod
    def forward(ctx: Any, axis: int, *xs: np.ndarray) -> np.ndarray:
        ctx.axis, ctx.sizes = axis, tuple(x.shape[axis] for x in xs)
        return np.concatenate(xs, axis)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return (None, *Split.apply(dy, ctx.sizes, ctx.axis))


class Split(Op):
    """y_i = consecutive parts of x along ``axis``, as views; dx = the dy_i joined."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, sizes: tuple[int, ...], axis: int) -> Any:
        ctx.axis = axis
        before = (slice(None),) * axis
        ends = list(itertools.accumulate(sizes, initial=0))
        return tuple(x[(*before, slice(a, b))] for a, b in itertools.pairwise(ends))

    @staticmethod
    def backward(ctx: Any, *dys: Any) -> Any:
        return Cat.apply(ctx.axis, *dys)

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        outputs = super().apply(*inputs)
        x = inputs[0]
        if isinstance(x, TensorBase):
            for y in outputs:  # several views of one op: PyTorch forbids changing them in place
                y._counter = x._counter
                y._view = View(x if x._view is None else x._view.base, None, None)
        return outputs


def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: None = None) -> Tensor:
    """Tensors joined along an existing dimension.

    Args:
        tensors: of equal shapes except along ``dim``; 1-d empty ones are passed over.
        dim: the dimension to join along. Default: 0.

    Raises:
        ValueError: if there are none.
        RuntimeError: if the shapes do not fit.
        TypeError: if one is no tensor.
    """
    tensors = list(tensors)
    if not tensors:
        raise ValueError("cat: expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if not isinstance(x, TensorBase):
            raise TypeError(
                f"cat: expected Tensor as element {i} in argument 0, but got {type(x).__name__}"
            )
        if not x._array.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    common = result_type(*tensors)
    shape = next((x._array.shape for x in tensors if x._array.shape != (0,)), (0,))
    axis = normalize_axis(dim, len(shape))
    nothing = (*shape[:axis], 0, *shape[axis + 1 :])
    tensors = [x.reshape(nothing) if x._array.shape == (0,) else x for x in tensors]
    for i, x in enumerate(tensors):
        other = x._array.shape
        if len(other) != len(shape):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(shape)} and {len(other)}"
            )
        for a in range(len(shape)):
            if a != axis and other[a] != shape[a]:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {axis}. Expected size "
                    f"{shape[a]} but got size {other[a]} for tensor number {i} in the list."
                )
    return Cat.apply(axis, *(cast(x, common) for x in tensors))  # type: ignore[no-any-return]


def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: None = None) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    Raises:
        RuntimeError: if there are none, or the shapes differ.
    """
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = tensors[0]._array.shape
    for i, x in enumerate(tensors):
        if x._array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(x._array.shape)} at entry {i}"
            )
    axis = normalize_axis(dim, len(shape) + 1)
    return cat([unsqueeze(x, axis) for x in tensors], axis)


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of the given sizes along ``dim``, as views.

    Raises:
        RuntimeError: if the sizes do not add up to the size of ``dim``.
    """
    axis = normalize_axis(dim, input._array.ndim)
    size = input._array.shape[axis]
    sizes = tuple(split_sizes)
    if sum(sizes) != size or any(n < 0 for n in sizes):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at "
            f"dimension {dim}), but got split_sizes={list(sizes)}"
        )
    return Split.apply(input, sizes, axis)  # type: ignore[no-any-return]


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of one size (the last may be smaller) or of the sizes given, as views."""
    if not isinstance(split_size_or_sections, int):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    n = split_size_or_sections
    size = tensor._array.shape[normalize_axis(dim, tensor._array.ndim)]
    if n <= 0 and not (n == 0 and size == 0):
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={n}")
    sizes = [n] * (size // n) + ([size % n] if size % n else []) if n else [0]
    return split_with_sizes(tensor, sizes or [0], dim)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` parts of equal size (the last may be smaller), as views."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input._array.shape[normalize_axis(dim, input._array.ndim)]
    if size == 0:
        return split_with_sizes(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts as equal as can be, or cut at the given indices, as views."""
    axis = normalize_axis(dim, input._array.ndim)
    size = input._array.shape[axis]
    if isinstance(indices_or_sections, int):
        base, extra = divmod(size, indices_or_sections)
        sizes = [base + (i < extra) for i in range(indices_or_sections)]
        return split_with_sizes(input, sizes, dim)
    bounds = [slice(0, i).indices(size)[1] for i in indices_or_sections]
    cuts = zip([0, *bounds], [*bounds, size], strict=True)
    return tuple(narrow(input, axis, a, max(b - a, 0)) for a, b in cuts)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along ``dim``, which disappears."""
    axis = normalize_axis(dim, input._array.ndim)
    return tuple(select(input, axis, i) for i in range(input._array.shape[axis]))


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at ``index`` along ``dim``, which disappears."""
    if not input._array.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    axis = normalize_axis(dim, input._array.ndim)
    size = input._array.shape[axis]
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input._array.shape)} at "
            f"dimension {dim}"
        )
    return getitem(input, (*(slice(None),) * axis, int(index)))


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """``length`` elements along ``dim`` from ``start`` on, as a view."""
    axis = normalize_axis(dim, input._array.ndim)
    size, start = input._array.shape[axis], int(start)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -size <= start <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return getitem(input, (*(slice(None),) * axis, slice(start, start + length)))


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
    return Flip.apply(
        input, normalize_axes(shape_argument(dims, "dims"), input._array.ndim, "dims")
    )  # type: ignore[no-any-return]


def fliplr(input: Tensor) -> Tensor:
    """A copy with dimension 1 reversed."""
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """A copy with dimension 0 reversed."""
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
    steps = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    if dims is None or dims == ():
        return Roll.apply(input.reshape(-1), steps, (0,)).reshape(input.shape)  # type: ignore[no-any-return]
    axes = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(axes) != len(steps):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(steps)}, dims:{len(axes)}"
        )
    return Roll.apply(input, steps, tuple(normalize_axis(a, input._array.ndim) for a in axes))  # type: ignore[no-any-return]


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """``input`` turned by k quarter turns from the first of ``dims`` towards the second."""
    a, b = dims
    if k % 4 == 0:
        return input.clone()
    if k % 4 == 2:
        return flip(input, a, b)
    turned = input.transpose(a, b)
    return flip(turned, a) if k % 4 == 1 else flip(turned, b)


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
    return Permute.apply(input, tuple(order))  # type: ignore[no-any-return]


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
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            f"tensor: got {len(times)} repeats for {input._array.ndim} dimensions"
        )
    if any(n < 0 for n in times):
        raise RuntimeError(
            f"Trying to create tensor with negative dimension: repeats {list(times)}"
        )
    shape = (1,) * extra + input._array.shape
    pairs = [n for pair in zip((1,) * len(shape), shape, strict=True) for n in pair]
    spread = [n for pair in zip(times, shape, strict=True) for n in pair]
    y = expand(input.reshape(pairs), spread)
    return y.reshape([t * n for t, n in zip(times, shape, strict=True)])


def repeat_interleave(
    input: Tensor, repeats: Any, dim: int | None = None, *, output_size: Any = None
) -> Tensor:
    """Each element (slice along ``dim``) repeated in place; as one flat row without ``dim``."""
    x = input.reshape(-1) if dim is None else input
    axis = 0 if dim is None else normalize_axis(dim, x._array.ndim)
    counts = np.asarray(repeats._array if isinstance(repeats, TensorBase) else repeats)
    if counts.ndim == 1 and counts.size not in (1, x._array.shape[axis]):
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{counts.size} and input.size({axis}) = {x._array.shape[axis]}"
        )
    if (counts < 0).any():
        raise RuntimeError("repeats can not be negative")
    index = np.repeat(np.arange(x._array.shape[axis]), counts)
    return getitem(x, (*(slice(None),) * axis, index))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Dimension ``dim`` cut into several; one of ``sizes`` may be -1."""
    shape = input._array.shape
    axis = normalize_axis(dim, len(shape))
    known = int(np.prod([n for n in sizes if n != -1]))
    filled = [shape[axis] // max(known, 1) if n == -1 else n for n in sizes]
    if int(np.prod(filled)) != shape[axis]:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({shape[axis]}) in the input tensor"
        )
    return input.reshape(*shape[:axis], *filled, *shape[axis + 1 :])


def _atleast(n: int, tensors: tuple[Any, ...]) -> Any:
    if len(tensors) == 1 and not isinstance(tensors[0], TensorBase):
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
    return results[0] if len(results) == 1 else results


def atleast_1d(*tensors: Any) -> Any:
    """Tensors with at least one dimension."""
    return _atleast(1, tensors)


def atleast_2d(*tensors: Any) -> Any:
    """Tensors with at least two dimensions."""
    return _atleast(2, tensors)


def atleast_3d(*tensors: Any) -> Any:
    """Tensors with at least three dimensions."""
    return _atleast(3, tensors)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined side by side: along dimension 1, or 0 for vectors."""
    lifted = [atleast_1d(x) for x in tensors]
    return cat(lifted, 0 if lifted and lifted[0]._array.ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined as rows, along dimension 0."""
    return cat([atleast_2d(x) for x in tensors], 0)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined in depth, along dimension 2."""
    return cat([atleast_3d(x) for x in tensors], 2)


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape."""
    try:
        shape = np.broadcast_shapes(*(x._array.shape for x in tensors))
    except ValueError:
        shapes = " and ".join(str(list(x._array.shape)) for x in tensors)
        raise RuntimeError(
            f"broadcast_tensors: shapes {shapes} can't be broadcast together"
        ) from None
    return tuple(expand(x, shape) for x in tensors)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Grids of coordinates: each 1-d tensor along a dimension of its own.

    Args:
        indexing: ``"ij"`` puts the first along dimension 0, ``"xy"`` along dimension 1.
    """
    if len(tensors) == 1 and not isinstance(tensors[0], TensorBase):
        tensors = tuple(tensors[0])
    if indexing not in ("ij", "xy"):
        raise RuntimeError(
            f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    n = len(tensors)
    shape = [x._array.size for x in tensors]
    grids = [
        expand(x.reshape([-1 if a == i else 1 for a in range(n)]), shape)
        for i, x in enumerate(tensors)
    ]
    if indexing == "xy" and n > 1:
        grids = [g.transpose(0, 1) for g in grids]
    return tuple(grids)


concat = concatenate = cat
moveaxis = movedim
