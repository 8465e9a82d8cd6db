"""Padding."""

from __future__ import annotations

from typing import Any

from penlight.nn import functional as F
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d",
    "ConstantPad3d", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d",
    "ReplicationPad2d", "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip

Ints = int | tuple[int, ...]


class _Pad(Module):
    """Base: y = x with more elements around its last dimensions.

    Args:
        padding: one number for all sides, or (left, right) in 1d, (left, right, top, bottom) in 2d,
            (left, right, top, bottom, front, back) in 3d. Negative numbers take elements away.
    """

    _dimensions: int
    _mode = "constant"
    value: Any = None

    def __init__(self, padding: Ints) -> None:
        super().__init__()
        if isinstance(padding, int):
            padding = (padding,) * (2 * self._dimensions)
        self.padding = tuple(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """Base: surrounded by ``value``."""

    def __init__(self, padding: Ints, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """(..., L) surrounded by ``value``.

    Args:
        padding: (left, right), or one number for both.
        value: what to surround it with.
    """

    _dimensions = 1


class ConstantPad2d(_ConstantPad):
    """(..., H, W) surrounded by ``value``.

    Args:
        padding: (left, right, top, bottom), or one number for all.
        value: what to surround it with.
    """

    _dimensions = 2


class ConstantPad3d(_ConstantPad):
    """(..., D, H, W) surrounded by ``value``.

    Args:
        padding: (left, right, top, bottom, front, back), or one number for all.
        value: what to surround it with.
    """

    _dimensions = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Ints) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """(..., L) surrounded by zeros: (left, right), or one number for both."""

    _dimensions = 1


class ZeroPad2d(_ZeroPad):
    """(..., H, W) surrounded by zeros: (left, right, top, bottom), or one number for all."""

    _dimensions = 2


class ZeroPad3d(_ZeroPad):
    """(..., D, H, W) surrounded by zeros: (left, right, top, bottom, front, back), or one number."""

    _dimensions = 3


class ReflectionPad1d(_Pad):
    """(N, C, L) or (C, L) mirrored at its edges: ... 2 1 | 0 1 2 ..."""

    _dimensions = 1
    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """(N, C, H, W) or (C, H, W) mirrored at its edges: ... 2 1 | 0 1 2 ..."""

    _dimensions = 2
    _mode = "reflect"


class ReflectionPad3d(_Pad):
    """(N, C, D, H, W) or (C, D, H, W) mirrored at its edges: ... 2 1 | 0 1 2 ..."""

    _dimensions = 3
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """(N, C, L) or (C, L) with its edges repeated: ... 0 0 | 0 1 2 ..."""

    _dimensions = 1
    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """(N, C, H, W) or (C, H, W) with its edges repeated: ... 0 0 | 0 1 2 ..."""

    _dimensions = 2
    _mode = "replicate"


class ReplicationPad3d(_Pad):
    """(N, C, D, H, W) or (C, D, H, W) with its edges repeated: ... 0 0 | 0 1 2 ..."""

    _dimensions = 3
    _mode = "replicate"


class _CircularPad(_Pad):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        n = self._dimensions
        if input.ndim not in (n + 1, n + 2):
            raise ValueError(
                f"{type(self).__name__}: expected {n + 1}D or {n + 2}D input (got {input.ndim}D input)"
            )
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """(N, C, L) or (C, L) going on at its other side: ... n-2 n-1 | 0 1 2 ..."""

    _dimensions = 1


class CircularPad2d(_CircularPad):
    """(N, C, H, W) or (C, H, W) going on at its other side: ... n-2 n-1 | 0 1 2 ..."""

    _dimensions = 2


class CircularPad3d(_CircularPad):
    """(N, C, D, H, W) or (C, D, H, W) going on at its other side: ... n-2 n-1 | 0 1 2 ..."""

    _dimensions = 3
