"""Hurwitz's zeta function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.op import Op
from penlight.kernels.zeta import zeta as _zeta
from penlight.ops.special import real_pair

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["zeta"]


class SpecialZeta(Op):
    """y = sum of (q + k)^-s over k = 0, 1 ...; dq = -dy s zeta(s + 1, q). None for s, as in PyTorch."""

    @staticmethod
    def forward(ctx: Any, s: Any, q: Any) -> Any:
        ctx.save(s, q)
        return _zeta(s, q).astype(np.result_type(s, q))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        if ctx.edges[0]:
            raise NotImplementedError(
                "zeta: the derivative for 'input' is not implemented; detach it"
            )
        s, q = ctx.saved
        return None, -dy * s * SpecialZeta.apply(s + 1, q)


def zeta(input: Any, other: Any) -> Tensor:
    """The sum of (other + k)^-input over k = 0, 1 ...

    Infinite at input = 1 and at other = 0, -1 ...; NaN for smaller inputs, and for other negative numbers
    unless ``input`` is an integer. Where one of them is infinite it is the limit (PyTorch: NaN).
    The gradient is that of ``other``.
    """
    return SpecialZeta.apply(*real_pair("zeta", input, other, halves=False))
