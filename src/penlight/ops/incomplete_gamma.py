"""The incomplete gamma functions: the gamma distribution's and what it leaves of 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.kernels import implicit
from penlight.ops.implicit import StandardGammaGrad
from penlight.ops.promotion import promoted
from penlight.ops.special import Lgamma, Xlogy

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["gammainc", "gammaincc", "igamma", "igammac"]


class Igamma(Op):
    """y = P(a, x), the integral of p(t) = t^(a - 1) e^-t / gamma(a) from 0 to x; from x on if upper.

    dx = dy p(x). A quantile x(a) keeps P, so dP/da = -p(x) dx/da with the quantile's derivative of
    ``kernels/implicit.py``. For the upper integral both change sign.
    """

    @staticmethod
    def forward(ctx: Any, a: Any, x: Any, upper: bool) -> Any:
        ctx.save(a, x)
        ctx.sign = -1 if upper else 1
        return implicit.incomplete_gamma(a, x, upper)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, x = ctx.saved
        dx = ctx.sign * dy * np.exp(Xlogy.apply(a - 1, x) - x - Lgamma.apply(a))
        return (-dx * StandardGammaGrad.apply(a, x) if ctx.edges[0] else None), dx


class Igammac(Igamma):
    """:class:`Igamma` from x on, under PyTorch's name."""


def _checked(name: str, input: Any, other: Any) -> tuple[Any, Any]:
    for argument, value in (("input", input), ("other", other)):
        if not isinstance(value, TensorBase):
            raise TypeError(f"{name}: {argument} must be a Tensor, got {type(value).__name__}")
    a, x = promoted(input, other, owner=name)
    for tensor in (a, x):
        if tensor._array.dtype.kind != "f":
            raise NotImplementedError(f"{name}: not implemented for {tensor.dtype}")
    return a, x


def gammainc(input: Tensor, other: Tensor) -> Tensor:
    """The lower incomplete gamma function P(input, other), 1 for large ``other``; NaN below 0.

    It has a gradient to ``input``, too.
    """
    return Igamma.apply(*_checked("gammainc", input, other), False)


def gammaincc(input: Tensor, other: Tensor) -> Tensor:
    """The upper incomplete gamma function 1 - P(input, other), without cancellation."""
    return Igammac.apply(*_checked("gammaincc", input, other), True)


igamma, igammac = gammainc, gammaincc
