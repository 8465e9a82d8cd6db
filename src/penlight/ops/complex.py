"""Complex numbers: parts, conjugates, polar form, and their view as pairs of real numbers.

The gradient of a real loss L with respect to z = x + iy is dL/dx + i dL/dy. For a holomorphic f that
gives dz = dy conj(f'(z)), so every ``backward`` that multiplies by a derivative conjugates it; a real
input gets the real part, which the engine takes when it casts.

Source: Kreutz-Delgado, "The Complex Gradient Operator and the CR-Calculus", 2009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op, ViewOp
from penlight.kernels.memory import strided
from penlight.ops.promotion import floating

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "angle", "complex", "conj", "conj_physical", "imag", "isreal", "polar", "real",
    "resolve_conj", "resolve_neg", "view_as_complex", "view_as_real",
]  # fmt: skip


class Conj(Op):
    """y = Re x - i Im x; dx = conj dy."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        return np.conjugate(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Conj.apply(dy)


def conjugate(x: Any) -> Any:
    """The conjugate of an array, Tensor or number for use in ``backward``; real ones as they are."""
    if type(x) is np.ndarray:
        return np.conjugate(x) if x.dtype.kind == "c" else x
    if isinstance(x, TensorBase):
        return Conj.apply(x) if x._array.dtype.kind == "c" else x
    return x if x is None else x.conjugate()


def conj(input: Tensor) -> Tensor:
    """The complex conjugate; real tensors as they are."""
    return Conj.apply(input) if input._array.dtype.kind == "c" else input


def conj_physical(input: Tensor) -> Tensor:
    """The complex conjugate in memory of its own."""
    return Conj.apply(input)


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: conjugates are never lazy here."""
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: negatives are never lazy here."""
    return input


class Real(ViewOp):
    """y = Re x, a view; dx = dy + 0i."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        return x.real

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy


class Imag(ViewOp):
    """y = Im x, a view; dx = i dy."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        return x.imag

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy * 1j


def real(input: Tensor) -> Tensor:
    """The real part, a view; real tensors as they are."""
    return Real.apply(input) if input._array.dtype.kind == "c" else input


def imag(input: Tensor) -> Tensor:
    """The imaginary part, a view.

    Raises:
        RuntimeError: for real tensors.
    """
    _refuse_real("imag", input)
    return Imag.apply(input)


def _refuse_real(name: str, input: Tensor) -> None:
    if input._array.dtype.kind != "c":
        raise RuntimeError(
            f"{name} is not implemented for tensors with non-complex dtypes, got {input.dtype}"
        )


class Angle(Op):
    """y = arg x; dx = dy i x / |x|^2, and 0 at 0. Real x: y is 0 or pi, and dx = 0."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> Any:
        ctx.save(x)
        if x.dtype.kind == "c":
            return np.angle(x)
        return np.where(np.isnan(x), x, np.where(x < 0, np.asarray(np.pi, x.dtype), 0))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        if x.dtype.kind != "c":
            return dy * 0
        zero = x == 0
        return np.where(zero, 0, dy * 1j / conjugate(np.where(zero, 1, x)))


def angle(input: Tensor) -> Tensor:
    """The argument in (-pi, pi]; of real numbers 0 or pi."""
    return Angle.apply(floating(input))


def isreal(input: Tensor) -> Tensor:
    """True where the imaginary part is zero."""
    if input._array.dtype.kind == "c":
        return imag(input) == 0
    return input == input.detach() if input._array.dtype.kind != "f" else _all_true(input)


def _all_true(input: Tensor) -> Tensor:
    return (input != input) | (input == input)


def is_complex(input: Tensor) -> bool:
    """Whether the dtype is a complex one."""
    return input._array.dtype.kind == "c"


class Complex(Op):
    """y = a + ib; da = Re dy, db = Im dy."""

    @staticmethod
    def forward(ctx: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        d = np.complex128 if a.dtype == np.float64 else np.complex64
        y = np.empty(np.broadcast_shapes(a.shape, b.shape), d)
        y.real, y.imag = a, b
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Real.apply(dy), Imag.apply(dy)


def _check_parts(name: str, one: str, other: str, a: Tensor, b: Tensor) -> None:
    if a._array.dtype.kind != "f" or b._array.dtype.kind != "f":
        raise RuntimeError(
            f"{name}: expected {one} and {other} to be float32 or float64, got {a.dtype} and {b.dtype}"
        )
    if a._array.dtype != b._array.dtype:
        raise RuntimeError(
            f"{name}: expected {one} and {other} to have the same dtype, got {a.dtype} and {b.dtype}"
        )


def complex(real: Tensor, imag: Tensor) -> Tensor:
    """real + i imag.

    Raises:
        RuntimeError: if the two are not of one floating dtype.
    """
    _check_parts("complex", "real", "imag", real, imag)
    return Complex.apply(real, imag)


class Polar(Op):
    """y = r e^(i t); dr = Re(conj(e^(i t)) dy), dt = Re(conj(i y) dy)."""

    @staticmethod
    def forward(ctx: Any, r: np.ndarray, t: np.ndarray) -> np.ndarray:
        ctx.save(r, t)
        return Complex.apply(r * np.cos(t), r * np.sin(t))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        r, t = ctx.saved
        dx, dz = Real.apply(dy), Imag.apply(dy)
        cos, sin = np.cos(t), np.sin(t)
        return dx * cos + dz * sin, r * (dz * cos - dx * sin)


def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """The complex numbers of these absolute values and angles.

    Raises:
        RuntimeError: if the two are not of one floating dtype.
    """
    _check_parts("polar", "abs", "angle", abs, angle)
    return Polar.apply(abs, angle)


class ViewAsReal(ViewOp):
    """y = x with real and imaginary parts along a new last dimension; dx = dy put together."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        part = x.real  # its strides are x's
        return strided(part, (*x.shape, 2), (*x.strides, part.dtype.itemsize))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return Complex.apply(dy[..., 0], dy[..., 1])


class ViewAsComplex(ViewOp):
    """y = pairs along the last dimension of x as complex numbers; dx = dy taken apart."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray) -> np.ndarray:
        d = np.complex128 if x.dtype == np.float64 else np.complex64
        return x.view(d)[..., 0]

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return ViewAsReal.apply(dy)


def view_as_real(input: Tensor) -> Tensor:
    """Complex numbers as pairs of real ones along a new last dimension, a view."""
    _refuse_real("view_as_real", input)
    return ViewAsReal.apply(input)


def view_as_complex(input: Tensor) -> Tensor:
    """Pairs of real numbers along the last dimension as complex ones, a view.

    Raises:
        RuntimeError: if the last dimension is not two neighbouring floats.
    """
    x = input._array
    if x.dtype not in (np.float32, np.float64):
        raise RuntimeError(
            f"view_as_complex is only supported for float32 and float64 tensors, got {input.dtype}"
        )
    if not x.ndim or x.shape[-1] != 2:
        raise RuntimeError(f"Tensor must have a last dimension of size 2, got {list(x.shape)}")
    if x.size and (
        x.strides[-1] != x.itemsize or any(s % (2 * x.itemsize) for s in x.strides[:-1])
    ):
        raise RuntimeError(
            "view_as_complex: Tensor must have a last dimension with stride 1 and even other "
            "strides; use contiguous() first"
        )
    return ViewAsComplex.apply(input)
