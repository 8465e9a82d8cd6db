"""Transforms onto the simplex, and of shapes."""

from __future__ import annotations

import math
from typing import Any

import penlight
from penlight import Size, Tensor
from penlight.distributions import constraints
from penlight.distributions.transforms.transform import Transform
from penlight.nn import functional as F

__all__ = ["ReshapeTransform", "SoftmaxTransform", "StickBreakingTransform"]


class SoftmaxTransform(Transform):
    """y = e^x / sum e^x; the inverse gives ln y. Not a bijection: x and x + c have one y."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SoftmaxTransform)

    def _call(self, x: Tensor) -> Tensor:
        return F.softmax(x, dim=-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: Any) -> Any:
        return _with_dims(shape, 1)

    inverse_shape = forward_shape


def _with_dims(shape: Any, n: int) -> Any:
    if len(shape) < n:
        raise ValueError("Too few dimensions on input")
    return shape


class StickBreakingTransform(Transform):
    """K numbers to K + 1 that sum to 1: number k breaks off the share z_k of what is left of a stick.

    z_k = sigmoid(x_k - ln(K - k)), k = 0 ... K - 1, so that x = 0 gives equal parts;
    y_k = z_k prod_{j<k} (1 - z_j). As dy_k/dx_k = y_k (1 - z_k) and dy/dx is triangular,
    ln |det dy/dx| = sum_k ln y_k + ln(1 - z_k).
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StickBreakingTransform)

    def _call(self, x: Tensor) -> Tensor:
        info = penlight.finfo(x.dtype)
        z = penlight.sigmoid(x - _log_parts_left(x)).clamp(min=info.tiny, max=1 - info.eps)
        left = (1 - z).cumprod(-1)
        return F.pad(z, [0, 1], value=1) * F.pad(left, [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        head = y[..., :-1]
        left = (1 - head.cumsum(-1)).clamp(min=penlight.finfo(y.dtype).tiny)
        return head.log() - left.log() + _log_parts_left(head)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return (y[..., :-1].log() - F.softplus(x - _log_parts_left(x))).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        _with_dims(shape, 1)
        return Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Any) -> Any:
        _with_dims(shape, 1)
        return Size((*shape[:-1], shape[-1] - 1))


def _log_parts_left(x: Tensor) -> Tensor:
    """ln of K, K - 1, ..., 1."""
    return penlight.arange(x.shape[-1], 0, -1, dtype=x.dtype).log()


class ReshapeTransform(Transform):
    """The last dimensions in another shape of as many elements: ln |det| = 0."""

    bijective = True

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        self.in_shape = Size(in_shape)
        self.out_shape = Size(out_shape)
        if math.prod(self.in_shape) != math.prod(self.out_shape):
            raise ValueError("in_shape, out_shape have different numbers of elements")
        super().__init__(cache_size)

    @constraints.dependent_property
    def domain(self) -> Any:
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property
    def codomain(self) -> Any:
        return constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.dim() - len(self.in_shape)])

    def forward_shape(self, shape: Any) -> Any:
        return _replaced(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Any) -> Any:
        return _replaced(shape, self.out_shape, self.in_shape)


def _replaced(shape: Any, old: Size, new: Size) -> Size:
    """``shape`` with ``new`` for ``old`` at its end."""
    _with_dims(shape, len(old))
    lead = len(shape) - len(old)
    if tuple(shape[lead:]) != old:
        raise ValueError(f"Shape mismatch: expected {Size(shape[lead:])} but got {old}")
    return Size(shape[:lead]) + new
