"""Shapes, views and indexing as methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penlight.ops import indexing, shape

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["ShapeMethods"]


class ShapeMethods:
    """The same elements under another shape, and parts of them."""

    __slots__ = ()

    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem
    reshape = shape.reshape
    flatten = shape.flatten
    permute = shape.permute
    transpose = swapaxes = swapdims = shape.transpose
    t = shape.t
    expand = shape.expand
    unsqueeze = shape.unsqueeze
    squeeze = shape.squeeze

    def view(self: Tensor, *shape_or_dtype: Any) -> Tensor:
        return shape.view(self, *shape_or_dtype)  # type: ignore[no-any-return]

    def reshape_as(self: Tensor, other: Tensor) -> Tensor:
        return shape.reshape(self, other.shape)

    def view_as(self: Tensor, other: Tensor) -> Tensor:
        return shape.view(self, other.shape)  # type: ignore[no-any-return]

    def expand_as(self: Tensor, other: Tensor) -> Tensor:
        return shape.expand(self, other.shape)

    @property
    def T(self: Tensor) -> Tensor:
        """The dimensions in reverse order."""
        return shape.permute(self, tuple(range(self.ndim))[::-1])

    @property
    def mT(self: Tensor) -> Tensor:
        """The last two dimensions exchanged."""
        return shape.transpose(self, -2, -1)
