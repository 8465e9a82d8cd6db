"""Activation functions; the formulas stand in ``penlight.ops``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight._core.arguments import normalize_axis
from penlight._core.random import numpy_generator
from penlight.autograd.inplace import apply_inplace
from penlight.ops import activation as ops, piecewise
from penlight.ops.promotion import require_floating
from penlight.tensor import Tensor
from penlight.tensor.inplace import inplace as make_inplace

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "logsigmoid", "mish", "prelu", "relu",
    "relu6", "relu_", "rrelu", "rrelu_", "selu", "selu_", "sigmoid", "silu", "softplus",
    "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "threshold_",
]  # fmt: skip

hardshrink, prelu = piecewise.hardshrink, piecewise.prelu
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def _applied(
    name: str, function: Callable[..., Tensor], inplace: bool, x: Tensor, *args: Any
) -> Tensor:
    """``function(x, *args)`` for floating-point x, put into x's own memory if so wanted."""
    require_floating(name, x)
    return apply_inplace(x, function, *args) if inplace else function(x, *args)


# -- rectifiers ------------------------------------------------------------------------------


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise.

    Args:
        input: x, any shape.
        inplace: put the result into x's own memory. Default: False.

    Raises:
        RuntimeError: for booleans.
    """
    if input._array.dtype.kind == "b":
        raise RuntimeError("relu: Boolean inputs are not supported; convert input with .float()")
    return apply_inplace(input, ops.relu) if inplace else ops.relu(input)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """x held between ``min_val`` and ``max_val``.

    Raises:
        ValueError: if ``min_val`` exceeds ``max_val``.
        RuntimeError: for booleans, and for unsigned integers with a negative bound.
    """
    if min_val > max_val:
        raise ValueError(
            f"hardtanh: min_val (={min_val}) cannot be greater than max_val (={max_val})"
        )
    kind = input._array.dtype.kind
    if kind == "b":
        raise RuntimeError("hardtanh: Boolean inputs are not supported; convert with .float()")
    if kind == "u" and min_val < 0:
        raise RuntimeError(
            f"hardtanh: min_val (={min_val}) can't be negative for input of dtype {input.dtype}"
        )
    if inplace:
        return apply_inplace(input, piecewise.hardtanh, min_val, max_val)
    return piecewise.hardtanh(input, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6), elementwise."""
    return hardtanh(input, 0.0, 6.0, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where positive, else ``negative_slope`` * x."""
    return _applied("leaky_relu", piecewise.LeakyRelu.apply, inplace, input, negative_slope)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """x where positive, else s x, with s drawn from U(lower, upper) for each element.

    Args:
        input: x, any shape.
        lower, upper: bounds of the slope s.
        training: False takes s = (lower + upper) / 2 everywhere. Default: False.
        inplace: put the result into x's own memory. Default: False.

    Raises:
        RuntimeError: if ``lower`` exceeds ``upper``.

    Source: Xu, Wang, Chen & Li, "Empirical Evaluation of Rectified Activations in Convolutional
    Network", 2015.
    """
    if lower > upper:
        raise RuntimeError(
            f"rrelu: lower (={lower}) should be less than or equal to upper (={upper})"
        )
    slope: Any = (lower + upper) / 2
    if training:
        array = input._array
        slope = numpy_generator(None).uniform(lower, upper, array.shape).astype(array.dtype)
    return _applied("rrelu", piecewise.LeakyRelu.apply, inplace, input, slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, else alpha (e^x - 1)."""
    return _applied("elu", piecewise.Elu.apply, inplace, input, alpha, 1.0, 1.0)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """ELU with the scale and alpha that keep zero mean and unit variance."""
    return _applied("selu", piecewise.Elu.apply, inplace, input, SELU_ALPHA, SELU_SCALE, 1.0)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, else alpha (e^(x / alpha) - 1).

    Raises:
        RuntimeError: if ``alpha`` is 0.

    Source: Barron, "Continuously Differentiable Exponential Linear Units", 2017.
    """
    if alpha == 0:
        raise RuntimeError("celu: alpha cannot be 0, by which x is divided")
    return _applied("celu", piecewise.Elu.apply, inplace, input, alpha, 1.0, 1.0 / alpha)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it exceeds ``threshold``, else ``value``."""
    if inplace:
        return apply_inplace(input, piecewise.Threshold.apply, threshold, value)
    return piecewise.Threshold.apply(input, threshold, value)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by ``lambd``, and 0 within.

    Raises:
        RuntimeError: if ``lambd`` is negative.
    """
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambd must be at least 0, but found to be {lambd}")
    return _applied("softshrink", piecewise.Softshrink.apply, False, input, lambd)


# -- smooth functions ------------------------------------------------------------------------


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x times the normal distribution function of x.

    Args:
        input: x, any shape.
        approximate: ``"none"`` uses erf, ``"tanh"`` the tanh approximation.

    Raises:
        RuntimeError: for another ``approximate``.
    """
    require_floating("gelu", input)
    if approximate == "none":
        return ops.Gelu.apply(input)
    if approximate == "tanh":
        return ops.GeluTanh.apply(input)
    raise RuntimeError(
        f"gelu: approximate argument must be either none or tanh, got {approximate!r}"
    )


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x times the sigmoid of x."""
    return _applied("silu", ops.Silu.apply, inplace, input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x tanh(softplus(x))."""
    return _applied("mish", ops.Mish.apply, inplace, input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """ln(1 + e^(beta x)) / beta; x itself where beta x exceeds ``threshold``."""
    return _applied("softplus", ops.Softplus.apply, False, input, beta, threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """ln of the sigmoid of x."""
    return _applied("logsigmoid", ops.LogSigmoid.apply, False, input)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e^-x)."""
    return ops.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return ops.tanh(input)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return input / (abs(input) + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    return input - ops.tanh(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6."""
    return _applied("hardsigmoid", piecewise.Hardsigmoid.apply, inplace, input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x min(max(x + 3, 0), 6) / 6."""
    return _applied("hardswish", piecewise.Hardswish.apply, inplace, input)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a times the sigmoid of b, where a and b are the halves of x along ``dim``.

    Raises:
        RuntimeError: if that size is odd, or the input has no dimensions.

    Source: Dauphin, Fan, Auli & Grangier, "Language Modeling with Gated Convolutional Networks",
    2016.
    """
    require_floating("glu", input)
    if not input.ndim:
        raise RuntimeError("glu: input must have at least one dimension to halve, got 0")
    axis = normalize_axis(dim, input.ndim)
    size = input._array.shape[axis]
    if size % 2:
        raise RuntimeError(
            f"glu: Halving dimension must be even, but dimension {dim} is size {size}"
        )
    a, b = (input.narrow(axis, i * (size // 2), size // 2) for i in range(2))
    return a * ops.sigmoid(b)


relu_ = make_inplace(relu)
hardtanh_ = make_inplace(hardtanh)
leaky_relu_ = make_inplace(leaky_relu)
rrelu_ = make_inplace(rrelu)
elu_ = make_inplace(elu)
selu_ = make_inplace(selu)
celu_ = make_inplace(celu)
threshold_ = make_inplace(threshold)
