"""Reading and writing where a mask is True, and where the nonzero elements are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.errors import broadcast_error
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.ops.indexing import Gather, Place
from penlight.ops.rows import fill_value
from penlight.ops.selection import Where

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "argwhere",
    "masked_fill",
    "masked_scatter",
    "masked_select",
    "nonzero",
    "nonzero_static",
]


class MaskedFill(Where):
    """:class:`Where` under PyTorch's name."""

    label = "MaskedFillBackward0"


class MaskedSelect(Gather):
    """:class:`Gather` under PyTorch's name."""

    label = "MaskedSelectBackward0"


def _common_shape(name: str, input: Tensor, mask: Any) -> tuple[int, ...]:
    if not isinstance(mask, TensorBase):
        raise TypeError(f"{name}(): argument 'mask' must be Tensor, not {type(mask).__name__}")
    if mask._array.dtype != np.bool_:
        raise RuntimeError(
            f"{name}: only boolean masks are supported, got mask with dtype {mask.dtype}"  # type: ignore[attr-defined]
        )
    shapes = input._array.shape, mask._array.shape
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise broadcast_error(name, shapes) from None


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """``input`` with one value where ``mask`` (broadcast) is True."""
    _common_shape("masked_fill", input, mask)
    return MaskedFill.apply(mask, fill_value("masked_fill_", input, value), input)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` (broadcast) is True, as one row."""
    shape = _common_shape("masked_select", input, mask)
    x = input if input._array.shape == shape else input.expand(shape)
    m = mask if mask._array.shape == shape else mask.expand(shape)
    if not shape:
        x, m = x.reshape(1), m.reshape(1)
    return MaskedSelect.apply(x, (0,), m)


class MaskedScatter(Op):
    """y = x with v's elements, in order, where the mask is True; dx = dy elsewhere, dv = dy there."""

    label = "MaskedScatterBackward0"

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, mask: np.ndarray, v: Any) -> np.ndarray:
        ctx.save(mask)
        ctx.size = v.size
        y = x.copy()
        y[mask] = v[: int(mask.sum())]
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (mask,) = ctx.saved
        chosen = Gather.apply(dy, (0,), mask)
        dv = Place.apply(chosen, (ctx.size,), (slice(chosen.shape[0]),))
        return np.where(mask, 0, dy), None, dv


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """``input`` with the elements of ``source``, in order, where ``mask`` is True."""
    shape = _common_shape("masked_scatter", input, mask)
    if input._array.dtype != source._array.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got "
            f"{input.dtype} and {source.dtype}"
        )
    m = mask if mask._array.shape == shape else mask.expand(shape)
    n = int(m._array.sum())
    if n > source._array.size:
        raise RuntimeError(
            f"masked_scatter: Number of elements of source ({source._array.size}) < number of ones "
            f"in mask ({n})"
        )
    x = input if input._array.shape == shape else input.expand(shape)
    return MaskedScatter.apply(x, m, source.reshape(-1))


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of nonzero elements: a matrix with a row each, or a tuple of vectors."""
    array = input._array
    if as_tuple:
        return tuple(wrap(TensorBase._result_type, i) for i in np.nonzero(np.atleast_1d(array)))
    if array.ndim:
        return wrap(TensorBase._result_type, np.stack(np.nonzero(array), -1))
    return wrap(TensorBase._result_type, np.empty((int(bool(array)), 0), np.int64))


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first ``size`` rows of :func:`nonzero`, or as many with rows of ``fill_value`` behind."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, got {size}")
    rows = nonzero(input)._array[:size]
    y = np.full((size, rows.shape[1]), fill_value, np.int64)
    y[: len(rows)] = rows
    return wrap(TensorBase._result_type, y)


def argwhere(input: Tensor) -> Tensor:
    """The indices of nonzero elements, a row each."""
    return nonzero(input)
