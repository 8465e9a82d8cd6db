"""Absolute values, signs, bounds, rounding and remainders: functions with kinks or steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.kernels.pointwise import signs
from penlight.ops.arithmetic import DivRounded, check_divisor, divide_rounded
from penlight.ops.complex import conjugate
from penlight.ops.promotion import as_scalar, promoted

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "abs", "absolute", "ceil", "clamp", "clamp_max", "clamp_min", "clip", "fix", "floor", "floor_divide",
    "fmod", "frac", "nan_to_num", "remainder", "round", "sgn", "sign", "trunc",
]  # fmt: skip


class Abs(Op):
    """y = |x|; dx = dy sign x (for complex x, x / |x|), and 0 at 0 and for NaN."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return np.abs(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * signs(x)


def abs(input: Tensor) -> Tensor:
    """|input|, elementwise."""
    if input._array.dtype.kind == "b":
        raise NotImplementedError("abs: not implemented for bool")
    return Abs.apply(input)


class Step(Op):
    """y = f(x) for a function that is flat between its steps; dx = 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, function: Any, label: str) -> Any:
        ctx.label = label
        return np.asarray(function(x)).astype(x.dtype, copy=False)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return np.where(np.zeros((), np.bool_), dy, 0)  # also where dy is infinite


class Sgn(Op):
    """y = x / |x| for complex x, 0 at 0; dx = (dy - y Re(conj(y) dy)) / |x|."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = np.sign(x)
        ctx.save(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, y = ctx.saved
        along = y * np.real(conjugate(y) * dy)
        return np.where(x == 0, 0, (dy - along) / np.abs(np.where(x == 0, 1, x)))


def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1 by the sign of ``input``; 0 for NaN.

    Raises:
        NotImplementedError: for complex numbers, which have none: see :func:`sgn`.
    """
    if input._array.dtype.kind == "c":
        raise NotImplementedError("sign: not implemented for complex tensors; use sgn()")
    if input._array.dtype.kind == "b":
        return input.clone()
    return Step.apply(input, signs, "SignBackward0")


def sgn(input: Tensor) -> Tensor:
    """-1, 0 or 1 by the sign of ``input``; for complex numbers input / |input|."""
    return Sgn.apply(input) if input._array.dtype.kind == "c" else sign(input)


def _whole(name: str, input: Tensor, function: Any) -> Tensor:
    """Integers are whole already."""
    kind = input._array.dtype.kind
    if kind in "cb":
        raise NotImplementedError(f"{name}: not implemented for {input.dtype}")
    if kind in "iu":
        return input.clone()
    return Step.apply(input, function, f"{name.capitalize()}Backward0")


def floor(input: Tensor) -> Tensor:
    """The largest integer not above ``input``."""
    return _whole("floor", input, np.floor)


def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below ``input``."""
    return _whole("ceil", input, np.ceil)


def trunc(input: Tensor) -> Tensor:
    """The integer part of ``input``."""
    return _whole("trunc", input, np.trunc)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest integer (or decimal), halves to the even one."""
    if decimals and input._array.dtype.kind in "iu":
        raise NotImplementedError(f"round with decimals: not implemented for {input.dtype}")
    return _whole("round", input, lambda x: np.round(x, decimals))


def frac(input: Tensor) -> Tensor:
    """``input`` without its integer part, with its sign."""
    if input._array.dtype.kind in "biu":
        raise NotImplementedError(f"frac: not implemented for {input.dtype}")
    return input - trunc(input)


class Remainder(Op):
    """y = a - q b with q = a / b rounded down ("floor") or to zero ("trunc"); da = dy, db = -q dy."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any, rounding_mode: str) -> Any:
        ctx.save(DivRounded.apply(a, b, rounding_mode))
        return (np.mod if rounding_mode == "floor" else np.fmod)(a, b)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (q,) = ctx.saved
        return dy, -(dy * q), None


def remainder(input: Any, other: Any) -> Tensor:
    """input modulo other, with the sign of ``other``, as Python's ``%``."""
    return _remainder("remainder", input, other, "floor")


def fmod(input: Any, other: Any) -> Tensor:
    """input modulo other, with the sign of ``input``, as C's ``fmod``."""
    return _remainder("fmod", input, other, "trunc")


def _remainder(name: str, input: Any, other: Any, mode: str) -> Tensor:
    a, b = promoted(input, other, owner=name)
    check_divisor(name, a, b)
    return Remainder.apply(a, b, mode)


def floor_divide(input: Any, other: Any) -> Tensor:
    """input / other rounded down."""
    a, b = promoted(input, other, owner="floor_divide")
    return divide_rounded("floor_divide", a, b, "floor")


class Clamp(Op):
    """y = min(max(x, low), high); dx = dy where low <= x <= high, else 0, also for NaN.

    Bounds that are tensors get dy where they are what y is.
    """

    label = "ClampBackward1"

    @staticmethod
    def forward(ctx: Any, x: Any, low: Any, high: Any) -> Any:
        y = x if low is None else np.maximum(x, low)
        y = y if high is None else np.minimum(y, high)
        if not any(ctx.edges):
            return y
        below = np.zeros((), np.bool_) if low is None else x < low
        above = np.zeros((), np.bool_) if high is None else x > high
        if low is not None and high is not None:
            above = above | (np.asarray(low) > high)  # the upper bound wins
            below = below & ~above
        outside = below | above
        if x.dtype.kind == "f":
            outside = outside | np.isnan(y)
        ctx.save(below, above, outside)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        below, above, outside = ctx.saved
        _, need_low, need_high = ctx.edges
        return (
            np.where(outside, 0, dy),
            np.where(below, dy, 0) if need_low else None,
            np.where(above, dy, 0) if need_high else None,
        )


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """``input`` held between ``min`` and ``max``, either of which may be missing or a tensor.

    Raises:
        RuntimeError: if both are missing.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    given = [b for b in (min, max) if b is not None]
    x, *bounds = promoted(input, *given, owner="clamp")
    if x._array.dtype.kind in "cb":
        raise NotImplementedError(f"clamp: not implemented for {x.dtype}")
    if x._array.dtype.kind in "iu":
        for b in given:
            if not isinstance(b, TensorBase):
                as_scalar(b, x.dtype, "clamp")
    low = bounds.pop(0) if min is not None else None
    return Clamp.apply(x, low, bounds[0] if bounds else None)


def clamp_min(input: Tensor, min: Any) -> Tensor:
    """``input`` held above ``min``."""
    return clamp(input, min=min)


def clamp_max(input: Tensor, max: Any) -> Tensor:
    """``input`` held below ``max``."""
    return clamp(input, max=max)


class NanToNum(Op):
    """y = x with NaN and infinities replaced; dx = dy where x was finite, else 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, nan: float, posinf: float | None, neginf: float | None) -> Any:
        ctx.save(np.isfinite(x))
        return np.nan_to_num(x, copy=True, nan=nan, posinf=posinf, neginf=neginf)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (finite,) = ctx.saved
        return np.where(finite, dy, 0)


def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    """NaN as ``nan`` (0), infinities as ``posinf``, ``neginf`` (the largest finite numbers)."""
    if input._array.dtype.kind in "bui":
        return input.clone()
    return NanToNum.apply(input, nan or 0.0, posinf, neginf)


absolute, clip, fix = abs, clamp, trunc
