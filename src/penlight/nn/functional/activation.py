"""Activation functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from penlight.ops import activation as ops
from penlight.ops import softmax as softmax_ops
from penlight.tensor import Tensor
from penlight.tensor.inplace import inplace as make_inplace

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid", "mish", "prelu", "relu",
    "relu6", "relu_", "selu", "selu_", "sigmoid", "silu", "softmax", "softmin", "softplus",
    "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "threshold_",
]  # fmt: skip

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _maybe_inplace(function: Callable[..., Tensor], inplace: bool, x: Tensor, *args: Any) -> Tensor:
    return make_inplace(function)(x, *args) if inplace else function(x, *args)  # type: ignore[no-any-return]


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise.

    Args:
        input: x, any shape.
        inplace: put the result into x's own memory. Default: False.
    """
    return _maybe_inplace(ops.relu, inplace, input)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """x held between ``min_val`` and ``max_val``.

    Raises:
        ValueError: if ``min_val`` exceeds ``max_val``.
    """
    if min_val > max_val:
        raise ValueError(
            f"hardtanh: min_val (={min_val}) cannot be greater than max_val (={max_val})"
        )
    return _maybe_inplace(ops.hardtanh, inplace, input, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6), elementwise."""
    return hardtanh(input, 0.0, 6.0, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where positive, else ``negative_slope`` * x."""
    return _maybe_inplace(ops.LeakyRelu.apply, inplace, input, negative_slope)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where positive, else w x; one w, or one for each channel (dimension 1).

    Raises:
        RuntimeError: if ``weight`` has neither one element nor one per channel.
    """
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.numel() != 1 and weight.numel() != channels:
        raise RuntimeError(
            f"prelu: Mismatch of parameter numbers and input channel size. Found parameter numbers "
            f"= {weight.numel()} and channel size = {channels}."
        )
    shape = (1, -1) + (1,) * (input.ndim - 2) if input.ndim > 1 else (-1,) * input.ndim
    return ops.Prelu.apply(input, weight.reshape(shape) if input.ndim else weight.reshape(()))  # type: ignore[no-any-return]


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, else alpha (e^x - 1)."""
    return _maybe_inplace(ops.Elu.apply, inplace, input, alpha, 1.0, 1.0)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """ELU with the scale and alpha that keep zero mean and unit variance."""
    return _maybe_inplace(ops.Elu.apply, inplace, input, SELU_ALPHA, SELU_SCALE, 1.0)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, else alpha (e^(x / alpha) - 1)."""
    return _maybe_inplace(ops.Elu.apply, inplace, input, alpha, 1.0, 1.0 / alpha)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x times the normal distribution function of x.

    Args:
        approximate: ``"none"`` uses erf, ``"tanh"`` the tanh approximation.

    Raises:
        RuntimeError: for another ``approximate``.
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh, got {approximate!r}")
    return (ops.Gelu if approximate == "none" else ops.GeluTanh).apply(input)  # type: ignore[no-any-return]


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x times the sigmoid of x."""
    return _maybe_inplace(ops.Silu.apply, inplace, input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x tanh(softplus(x))."""
    return _maybe_inplace(ops.Mish.apply, inplace, input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """ln(1 + e^(beta x)) / beta; x itself where beta x exceeds ``threshold``."""
    return ops.Softplus.apply(input, beta, threshold)  # type: ignore[no-any-return]


def logsigmoid(input: Tensor) -> Tensor:
    """ln of the sigmoid of x."""
    return ops.logsigmoid(input)


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
    return _maybe_inplace(lambda x: ops.hardtanh(x + 3, 0.0, 6.0) / 6, inplace, input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x min(max(x + 3, 0), 6) / 6."""
    return _maybe_inplace(lambda x: x * ops.hardtanh(x + 3, 0.0, 6.0) / 6, inplace, input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it exceeds ``threshold``, else ``value``."""
    return _maybe_inplace(lambda x: x.where(x > threshold, value), inplace, input)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x where |x| exceeds ``lambd``, else 0."""
    return input.where((input > lambd) | (input < -lambd), 0.0)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by ``lambd``, and 0 within.

    Raises:
        RuntimeError: if ``lambd`` is negative.
    """
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return input - ops.hardtanh(input, -lambd, lambd)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a times the sigmoid of b, where a and b are the halves of x along ``dim``.

    Raises:
        RuntimeError: if that size is odd.
    """
    if not input.ndim:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {size}")
    a, b = input.split(size // 2, dim)
    return a * ops.sigmoid(b)


def _default_dim(name: str, ndim: int, dim: int | None, stacklevel: int) -> int:
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=stacklevel + 1,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """e^x scaled to sum to one along ``dim``."""
    return softmax_ops.softmax(input, _default_dim("softmax", input.ndim, dim, _stacklevel), dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """The softmax of -x."""
    return softmax_ops.softmax(-input, _default_dim("softmin", input.ndim, dim, _stacklevel), dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """ln of the softmax of x along ``dim``."""
    dim = _default_dim("log_softmax", input.ndim, dim, _stacklevel)
    return softmax_ops.log_softmax(input, dim, dtype)


relu_ = make_inplace(relu)
hardtanh_ = make_inplace(hardtanh)
leaky_relu_ = make_inplace(leaky_relu)
elu_ = make_inplace(elu)
selu_ = make_inplace(selu)
celu_ = make_inplace(celu)
threshold_ = make_inplace(threshold)
