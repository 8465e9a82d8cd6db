"""Special functions, and functions of bits and signs of floats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.kernels import gamma
from penlight.ops.comparison import elementwise
from penlight.ops.promotion import cast, floating, promoted, real_floating

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "copysign", "digamma", "erfinv", "frexp", "isin", "isneginf", "isposinf", "ldexp", "lgamma",
    "logit", "mvlgamma", "nextafter", "polygamma", "signbit", "xlogy",
]  # fmt: skip


class Polygamma(Op):
    """y = the n-th derivative of digamma, psi^(n)(x); dx = dy psi^(n + 1)(x)."""

    @staticmethod
    def forward(ctx: Any, x: Any, n: int) -> Any:
        ctx.save(x)
        ctx.n = n
        return gamma.polygamma(n, x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * Polygamma.apply(x, ctx.n + 1)


class Digamma(Polygamma):
    """:class:`Polygamma` of order 0 under PyTorch's name."""


class Lgamma(Op):
    """y = ln |gamma(x)|; dx = dy digamma(x)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save(x)
        return gamma.lgamma(x)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        return dy * Polygamma.apply(x, 0)


def lgamma(input: Tensor) -> Tensor:
    """The logarithm of the absolute value of the gamma function."""
    return Lgamma.apply(real_floating("lgamma", input))


def digamma(input: Tensor) -> Tensor:
    """The derivative of :func:`lgamma`."""
    return Digamma.apply(real_floating("digamma", input), 0)


def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of :func:`digamma`."""
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, got {n}")
    return Polygamma.apply(real_floating("polygamma", input), int(n))


def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension p.

    p (p - 1) / 4 ln pi + sum_j ln gamma(x - j / 2), j = 0 ... p - 1.
    """
    if p < 1:
        raise RuntimeError(f"mvlgamma: p has to be greater than or equal to 1, got {p}")
    x = real_floating("mvlgamma", input)
    total = sum((lgamma(x - j / 2) for j in range(1, p)), lgamma(x))
    return total + p * (p - 1) / 4 * math.log(math.pi)


class Erfinv(Op):
    """y with erf(y) = x; dx = dy sqrt(pi) / 2 e^(y^2)."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = gamma.erfinv(x)
        ctx.save(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (y,) = ctx.saved
        return dy * np.exp(y * y) * (math.sqrt(math.pi) / 2)


def erfinv(input: Tensor) -> Tensor:
    """The inverse of erf: infinite at -1 and 1, NaN beyond."""
    return Erfinv.apply(real_floating("erfinv", input))


class Logit(Op):
    """y = ln(x / (1 - x)), x held in [eps, 1 - eps]; dx = dy / (x (1 - x)) inside, else 0."""

    @staticmethod
    def forward(ctx: Any, x: Any, eps: float | None) -> Any:
        ctx.save(x)
        ctx.eps = eps
        z = x if eps is None else np.clip(x, eps, 1 - eps)
        return np.log(z / (1 - z))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved
        if ctx.eps is None:
            return dy / (x * (1 - x))
        inside = (x >= ctx.eps) & (x <= 1 - ctx.eps)
        return np.where(inside, dy / np.where(inside, x * (1 - x), 1), 0)


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """The inverse of sigmoid.

    Args:
        eps: hold the input in [eps, 1 - eps]. Default: not at all.
    """
    return Logit.apply(real_floating("logit", input), eps if eps is None else float(eps))


class Xlogy(Op):
    """y = a ln b, 0 where a is 0; da = dy ln b (0 where a is 0 and b <= 0), db = dy a / b."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save(a, b)
        y = a * np.log(np.where(a == 0, np.ones_like(b), b))
        return np.where(np.isnan(b), np.asarray(math.nan, y.dtype), y)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        a, b = ctx.saved
        flat = (a == 0) & (b <= 0)
        return np.where(flat, 0, dy * np.log(np.where(flat, 1, b))), dy * a / b


def xlogy(input: Any, other: Any) -> Tensor:
    """input * log(other), 0 where ``input`` is 0 (unless ``other`` is NaN)."""
    return Xlogy.apply(*real_pair("xlogy", input, other))


def floating_pair(name: str, input: Any, other: Any) -> tuple[Any, Any]:
    """Promoted floating operands, numbers as 0-d arrays."""
    a, b = promoted(input, other, owner=name)
    a, b = floating(a), floating(b)
    d = (a if isinstance(a, TensorBase) else b)._array.dtype
    first, second = (x if isinstance(x, TensorBase) else np.asarray(x, d) for x in (a, b))
    return first, second


def real_pair(name: str, input: Any, other: Any, halves: bool = True) -> tuple[Any, Any]:
    """As :func:`floating_pair`, without complex numbers and perhaps without float16.

    Raises:
        TypeError: if neither is a tensor.
        NotImplementedError: for other dtypes.
    """
    if not (isinstance(input, TensorBase) or isinstance(other, TensorBase)):
        raise TypeError(
            f"{name}: expected a Tensor as input or other, got {type(input).__name__} and "
            f"{type(other).__name__}"
        )
    pair = floating_pair(name, input, other)
    tensor: Any = pair[0] if isinstance(pair[0], TensorBase) else pair[1]
    if tensor._array.dtype.char not in ("efd" if halves else "fd"):
        raise NotImplementedError(f"{name}: not implemented for {tensor.dtype}")
    return pair


class Copysign(Op):
    """y = |a| with the sign of b; da = dy where the signs agree, -dy where not, 0 at 0; db = 0."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        y = np.copysign(a, b)
        ctx.save(np.where(a == 0, 0, np.where(y == a, 1, -1)).astype(y.dtype))
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (sign,) = ctx.saved
        return dy * sign, (dy * 0 if ctx.edges[1] else None)


def copysign(input: Tensor, other: Any) -> Tensor:
    """|input| with the sign of ``other``."""
    return Copysign.apply(*floating_pair("copysign", input, other))


class Ldexp(Op):
    """y = a 2^b; da = dy 2^b, db = dy y ln 2."""

    label = "MulBackward0"

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        y = a * np.exp2(b)
        ctx.save(b, y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        b, y = ctx.saved
        return dy * np.exp2(b), (dy * y * math.log(2) if ctx.edges[1] else None)


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """input * 2^other."""
    return Ldexp.apply(*floating_pair("ldexp", input, other))


# -- without gradients -----------------------------------------------------------------------


def frexp(input: Tensor) -> Any:
    """Mantissas in [1/2, 1) and int32 exponents: input = mantissa * 2^exponent."""
    if input._array.dtype.kind != "f":
        raise RuntimeError(f"frexp() only supports floating-point dtypes, got {input.dtype}")
    exponent = np.asarray(np.frexp(input._array)[1], np.int32)
    power = wrap(input._result_type, exponent)
    half = power // 2  # the whole power would overflow for the smallest numbers
    mantissa = ldexp(ldexp(input, cast(-half, input.dtype)), cast(half - power, input.dtype))
    return return_types.frexp(mantissa, power)


def signbit(input: Tensor) -> Tensor:
    """True where the sign is negative, for -0.0 too."""
    if input._array.dtype.kind in "bui":
        return elementwise(lambda x: x < 0, "signbit", input)
    return elementwise(np.signbit, "signbit", input)


def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The floating-point number after ``input`` towards ``other``."""
    return elementwise(np.nextafter, "nextafter", input, other)


def isposinf(input: Tensor) -> Tensor:
    """True where ``input`` is +infinity."""
    return elementwise(lambda x: x == np.inf, "isposinf", input)


def isneginf(input: Tensor) -> Tensor:
    """True where ``input`` is -infinity."""
    return elementwise(lambda x: x == -np.inf, "isneginf", input)


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """True where an element is one of ``test_elements``."""
    a, b = promoted(elements, test_elements, owner="isin")
    first, second = (x._array if isinstance(x, TensorBase) else x for x in (a, b))
    found = np.isin(first, second, invert=invert)
    return wrap(TensorBase._result_type, np.asarray(found))
