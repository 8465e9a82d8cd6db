"""Bessel functions and Airy's function. PyTorch, and so Penlight, has derivatives of I alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import wrap
from penlight.autograd.op import Op
from penlight.kernels import bessel
from penlight.ops.promotion import floating, real_floating

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "i0", "i0e", "i1", "i1e",
    "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1",
    "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
]  # fmt: skip


# -- with gradients ----------------------------------------------------------------------------


class BesselI(Op):
    """y = I_n(x), a solution of x^2 y'' + x y' = (x^2 + n^2) y; dx = dy (I_(n - 1) + I_(n + 1)) / 2.

    For n = 0 that is dy I_1. Source: DLMF 10.29.1, 10.29.3.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, n: int) -> Any:
        ctx.save(x)
        ctx.n = n
        return bessel.wide(bessel.i, x, n)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * _slope(BesselI, x, ctx.n)


class ScaledBesselI(Op):
    """y = e^-|x| I_n(x); dx = dy e^-|x| (I_n'(x) - sign(x) I_n(x))."""

    @staticmethod
    def forward(ctx: Any, x: Any, n: int) -> Any:
        ctx.save(x)
        ctx.n = n
        return bessel.wide(bessel.i_scaled, x, n)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        slope = _slope(ScaledBesselI, x, ctx.n)
        return dy * (slope - np.sign(x) * ScaledBesselI.apply(x, ctx.n))


def _slope(function: Any, x: Any, n: int) -> Any:
    """(I_(n - 1) + I_(n + 1)) / 2, in which I_-1 is I_1."""
    if n == 0:
        return function.apply(x, 1)
    return (function.apply(x, n - 1) + function.apply(x, n + 1)) * 0.5


class I0(BesselI):
    """:class:`BesselI` of order 0 under PyTorch's name."""


class SpecialI1(BesselI):
    """:class:`BesselI` of order 1 under PyTorch's name."""


class SpecialI0E(ScaledBesselI):
    """:class:`ScaledBesselI` of order 0 under PyTorch's name."""


class SpecialI1E(ScaledBesselI):
    """:class:`ScaledBesselI` of order 1 under PyTorch's name."""


def i0(input: Tensor) -> Tensor:
    """The modified Bessel function I_0; NaN at infinity."""
    return I0.apply(real_floating("i0", input), 0)


def i0e(input: Tensor) -> Tensor:
    """e^-|input| I_0(input), which does not overflow."""
    return SpecialI0E.apply(real_floating("i0e", input), 0)


def i1(input: Tensor) -> Tensor:
    """The modified Bessel function I_1; NaN at infinity."""
    return SpecialI1.apply(real_floating("i1", input), 1)


def i1e(input: Tensor) -> Tensor:
    """e^-|input| I_1(input), which does not overflow."""
    return SpecialI1E.apply(real_floating("i1e", input), 1)


# -- without gradients -------------------------------------------------------------------------


def _plain(name: str, x: Tensor, kernel: Any, *options: Any) -> Tensor:
    """A function without a derivative, in float32 and float64."""
    if x._array.dtype.char not in "fd" and x._array.dtype.kind not in "biu":
        raise NotImplementedError(
            f"{name}: not implemented for {x.dtype}, only float32 and float64"
        )
    return wrap(x._result_type, bessel.wide(kernel, floating(x.detach())._array, *options))


def airy_ai(x: Tensor) -> Tensor:
    """Airy's function Ai, the solution of y'' = x y that falls to 0 at infinity. No gradient."""
    return _plain("airy_ai", x, bessel.airy)


def bessel_j0(input: Tensor) -> Tensor:
    """The Bessel function J_0. No gradient."""
    return _plain("bessel_j0", input, bessel.j, 0)


def bessel_j1(input: Tensor) -> Tensor:
    """The Bessel function J_1. No gradient."""
    return _plain("bessel_j1", input, bessel.j, 1)


def bessel_y0(input: Tensor) -> Tensor:
    """The Bessel function of the second kind Y_0: -inf at 0, NaN below. No gradient."""
    return _plain("bessel_y0", input, bessel.y, 0)


def bessel_y1(input: Tensor) -> Tensor:
    """The Bessel function of the second kind Y_1: -inf at 0, NaN below. No gradient."""
    return _plain("bessel_y1", input, bessel.y, 1)


def modified_bessel_i0(input: Tensor) -> Tensor:
    """The modified Bessel function I_0. No gradient: see :func:`i0`."""
    return _plain("modified_bessel_i0", input, bessel.i, 0)


def modified_bessel_i1(input: Tensor) -> Tensor:
    """The modified Bessel function I_1. No gradient: see :func:`i1`."""
    return _plain("modified_bessel_i1", input, bessel.i, 1)


def modified_bessel_k0(input: Tensor) -> Tensor:
    """The modified Bessel function K_0: inf at 0, NaN below. No gradient."""
    return _plain("modified_bessel_k0", input, bessel.k, 0)


def modified_bessel_k1(input: Tensor) -> Tensor:
    """The modified Bessel function K_1: inf at 0, NaN below. No gradient."""
    return _plain("modified_bessel_k1", input, bessel.k, 1)


def scaled_modified_bessel_k0(x: Tensor) -> Tensor:
    """e^x K_0(x), which does not underflow. No gradient."""
    return _plain("scaled_modified_bessel_k0", x, bessel.k_scaled, 0)


def scaled_modified_bessel_k1(x: Tensor) -> Tensor:
    """e^x K_1(x), which does not underflow. No gradient."""
    return _plain("scaled_modified_bessel_k1", x, bessel.k_scaled, 1)


def spherical_bessel_j0(x: Tensor) -> Tensor:
    """The spherical Bessel function sin(x) / x, 1 at 0. No gradient."""
    return _plain("spherical_bessel_j0", x, bessel.spherical_j0)
