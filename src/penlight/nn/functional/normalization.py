"""Normalisations; the formulas stand in ``penlight.ops.normalization``."""

from __future__ import annotations

import math
from collections.abc import Sequence

from penlight._core.dtypes import finfo
from penlight.autograd.grad_mode import no_grad
from penlight.ops.normalization import BatchNorm, RowNorm
from penlight.tensor import Tensor

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "normalize", "rms_norm"]


def _check_channels(name: str, channels: int, **tensors: Tensor | None) -> None:
    for argument, t in tensors.items():
        if t is not None and t.numel() != channels:
            raise RuntimeError(
                f"{name}: {argument} should contain {channels} elements (one per channel of the "
                f"input), not {t.numel()}"
            )


def _update(running: Tensor | None, value: Tensor, momentum: float) -> None:
    """running += momentum * (value - running)."""
    if running is not None:
        running.lerp_(value.to(running.dtype), momentum)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """y = (x - m) / sqrt(v + eps) * weight + bias, per channel.

    Args:
        input: x, (N, C, ...).
        running_mean, running_var: (C,). In training they move by ``momentum`` towards the batch's
            mean and (unbiased) variance; otherwise they are m and v.
        weight, bias: (C,). Default: none.
        training: take m and v from the batch. Default: False.
        momentum: share of the new value in the running ones. Default: 0.1.
        eps: added to the variance. Default: 1e-5.

    Raises:
        ValueError: in training, if there is only one value per channel.
        RuntimeError: if a per-channel argument does not have C elements, or if the running
            statistics are missing outside training.

    Source: Ioffe & Szegedy, "Batch Normalization", 2015.
    """
    if input.ndim < 2:
        raise ValueError(
            f"batch_norm: expected input of at least 2 dimensions, got {list(input.shape)}"
        )
    channels = input.shape[1]
    _check_channels(
        "batch_norm", channels,
        running_mean=running_mean, running_var=running_var, weight=weight, bias=bias,
    )  # fmt: skip
    if training:
        n = input.numel() // max(channels, 1)
        if n == 1:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size {input.shape}"
            )
        y, _, _, mean, variance = BatchNorm.apply(input, weight, bias, eps)
        if n and (running_mean is not None or running_var is not None):
            with no_grad():
                _update(running_mean, mean, momentum)
                _update(running_var, variance * (n / (n - 1)), momentum)
        return y  # type: ignore[no-any-return]
    if running_mean is None or running_var is None:
        raise RuntimeError(
            "batch_norm: Expected running_mean and running_var to be defined when training=False"
        )
    scale = (running_var + eps).rsqrt()
    if weight is not None:
        scale = scale * weight
    shift = -running_mean * scale
    if bias is not None:
        shift = shift + bias
    shape = (channels,) + (1,) * (input.ndim - 2)
    return input * scale.reshape(shape) + shift.reshape(shape)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """y = (x - m) / sqrt(v + eps) * weight + bias, over the last dimensions of each sample.

    Args:
        input: x, (..., *normalized_shape).
        normalized_shape: the shape of the dimensions to normalise over.
        weight, bias: of that shape. Default: none.
        eps: added to the variance. Default: 1e-5.

    Raises:
        RuntimeError: if the input does not end in ``normalized_shape``, or weight or bias has
            another shape.

    Source: Ba, Kiros & Hinton, "Layer Normalization", 2016.
    """
    return _last_dims("layer_norm", input, normalized_shape, weight, bias, eps, True)


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """y = x / sqrt(mean(x^2) + eps) * weight, over the last dimensions of each sample.

    Args:
        eps: default: the machine epsilon of the input's dtype.

    Source: Zhang & Sennrich, "Root Mean Square Layer Normalization", 2019.
    """
    if eps is None:
        eps = finfo(input.dtype).eps
    return _last_dims("rms_norm", input, normalized_shape, weight, None, eps, False)


def _last_dims(
    name: str,
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    centre: bool,
) -> Tensor:
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            f"{name}: Expected normalized_shape to be at least 1-dimensional, got {list(shape)}"
        )
    for argument, t in (("weight", weight), ("bias", bias)):
        if t is not None and tuple(t.shape) != shape:
            raise RuntimeError(
                f"{name}: Expected {argument} to be of same shape as normalized_shape, but got "
                f"{argument} of shape {list(t.shape)} and normalized_shape = {list(shape)}"
            )
    if tuple(input.shape[-len(shape) :]) != shape:
        raise RuntimeError(
            f"{name}: Given normalized_shape={list(shape)}, expected input with shape "
            f"[*, {', '.join(map(str, shape))}], but got input of size {list(input.shape)}"
        )
    rows = input.numel() // max(math.prod(shape), 1)
    return RowNorm.apply(input, weight, bias, rows, shape, eps, centre)[0]  # type: ignore[no-any-return]


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """y = (x - m) / sqrt(v + eps) * weight + bias, over the channels of a group in each sample.

    Args:
        input: x, (N, C, ...).
        num_groups: how many groups the C channels fall into.
        weight, bias: (C,). Default: none.
        eps: added to the variance. Default: 1e-5.

    Raises:
        RuntimeError: if C is not divisible by ``num_groups``, or weight or bias is not (C,).

    Source: Wu & He, "Group Normalization", 2018.
    """
    if input.ndim < 2:
        raise RuntimeError(
            f"group_norm: Expected at least 2 dimensions for input tensor but received {input.ndim}"
        )
    channels = input.shape[1]
    if num_groups <= 0 or channels % num_groups:
        raise RuntimeError(
            f"group_norm: Expected number of channels in input (={channels}) to be divisible by "
            f"num_groups (={num_groups})"
        )
    _check_channels("group_norm", channels, weight=weight, bias=bias)
    affine = (channels,) + (1,) * (input.ndim - 2)
    rows = input.shape[0] * num_groups
    return RowNorm.apply(input, weight, bias, rows, affine, eps, True)[0]  # type: ignore[no-any-return]


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """y = (x - m) / sqrt(v + eps) * weight + bias, for each channel of each sample.

    Args:
        input: x, (N, C, L, ...).
        running_mean, running_var: (C,), moved towards the mean over the samples.
        use_input_stats: False normalises with the running statistics.

    Raises:
        ValueError: if there is only one value per channel and sample.

    Source: Ulyanov, Vedaldi & Lempitsky, "Instance Normalization", 2016.
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    samples, channels = input.shape[:2]
    n = math.prod(input.shape[2:])
    if n == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.shape}"
        )
    _check_channels(
        "instance_norm", channels,
        running_mean=running_mean, running_var=running_var, weight=weight, bias=bias,
    )  # fmt: skip
    affine = (channels,) + (1,) * (input.ndim - 2)
    y, _, _, mean, variance = RowNorm.apply(
        input, weight, bias, samples * channels, affine, eps, True
    )
    if running_mean is not None or running_var is not None:
        with no_grad():
            _update(running_mean, mean.reshape(samples, channels).mean(0), momentum)
            unbiased = variance.reshape(samples, channels).mean(0) * (n / (n - 1))
            _update(running_var, unbiased, momentum)
    return y  # type: ignore[no-any-return]


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """x divided by its p-norm along ``dim`` (by at least ``eps``)."""
    return input / input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
