"""Folding batch normalisation in evaluation mode into the layer before it.

Evaluation mode normalises by constants, an affine map per channel: with s = gamma / sqrt(var + eps),
s (W x + b - mean) + beta = (s W) x + (s (b - mean) + beta).

Source: Jacob et al., "Quantization and Training of Neural Networks", 2018, section 3.2.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

from penlight.nn.parameter import Parameter
from penlight.tensor import Tensor

if TYPE_CHECKING:
    from penlight.nn.modules.module import Module

__all__ = [
    "fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights",
]  # fmt: skip

M = TypeVar("M", bound="Module")


def _in_evaluation_mode(owner: str, *modules: Any) -> None:
    if any(module.training for module in modules):
        raise AssertionError(f"{owner}: both modules must be in evaluation mode: call eval() first")


def _fused(
    weight: Tensor, bias: Any, mean: Any, var: Any, eps: float, gamma: Any, beta: Any, axis: int
) -> tuple[Parameter, Parameter]:
    """s W with s along ``axis``, and s (b - mean) + beta."""
    scale = (var + eps).rsqrt()
    if gamma is not None:
        scale = gamma * scale
    shift = (-mean if bias is None else bias - mean) * scale
    if beta is not None:
        shift = shift + beta
    sizes = [1] * weight.ndim
    sizes[axis] = -1
    fused = (weight * scale.reshape(sizes)).detach().to(weight.dtype)
    shift = shift.detach().to(weight.dtype if bias is None else bias.dtype)
    return (
        Parameter(fused, weight.requires_grad),
        Parameter(shift, bias is not None and bias.requires_grad),
    )


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution that does what a convolution and a batch norm do.

    Args:
        conv_w, conv_b: of the convolution; (F, C, ...) or, with ``transpose``, (C, F, ...), and (F,).
        bn_rm, bn_rv: running mean and variance, (F,).
        bn_eps: what the batch norm adds to the variance.
        bn_w, bn_b: its weight and bias, (F,), or None.
        transpose: the convolution is a transposed one. Default: False.
    """
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, int(transpose))


def fuse_conv_bn_eval(conv: M, bn: Any, transpose: bool = False) -> M:
    """A copy of ``conv`` that does what ``conv`` and ``bn`` do one after the other.

    Raises:
        AssertionError: if one of them is in training mode.
    """
    _in_evaluation_mode("fuse_conv_bn_eval", conv, bn)
    fused: Any = copy.deepcopy(conv)
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("fuse_conv_bn_eval: bn must track running statistics")
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )  # fmt: skip
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the linear layer that does what a linear layer and a batch norm do.

    The arguments are as for :func:`fuse_conv_bn_weights`; ``linear_w`` is (F, C).
    """
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def fuse_linear_bn_eval(linear: M, bn: Any) -> M:
    """A copy of ``linear`` that does what ``linear`` and ``bn`` do one after the other.

    Raises:
        AssertionError: if one of them is in training mode, or ``bn`` has neither one feature nor as many
            as ``linear`` gives.
    """
    _in_evaluation_mode("fuse_linear_bn_eval", linear, bn)
    fused: Any = copy.deepcopy(linear)
    if bn.num_features not in (fused.out_features, 1):
        raise AssertionError(
            f"fuse_linear_bn_eval: bn.num_features (={bn.num_features}) must equal "
            f"linear.out_features (={fused.out_features}) or be 1"
        )
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("fuse_linear_bn_eval: bn must track running statistics")
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused
