"""Normalisations; the formulas stand in ``penlight.ops.normalization``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penlight._core.arguments import ntuple
from penlight._core.dtypes import finfo, float16, float32
from penlight.autograd import batching
from penlight.autograd.inplace import bump_version, refuse_wider
from penlight.nn.functional.checks import require_same_dtype
from penlight.ops import normalization as ops
from penlight.ops.local_response import LocalResponseNorm, channel_window
from penlight.ops.promotion import require_floating
from penlight.tensor import Tensor

__all__ = [
    "batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "normalize",
    "rms_norm",
]  # fmt: skip


def _with_float32(
    name: str,
    run: Callable[..., tuple[Tensor, ...]],
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """``run(input, weight, bias)``, halves being computed in float32, where their squares don't overflow.

    The first result, y, has the input's dtype. With halves, weight and bias may be float32.

    Raises:
        NotImplementedError: if the input has integers.
        RuntimeError: if the dtypes differ otherwise.
    """
    require_floating(name, input)
    if input.dtype is not float16:
        require_same_dtype(name, input, weight=weight, bias=bias)
        return run(input, weight, bias)
    wide = (None if t is None else t.to(float32) for t in (weight, bias))
    y, *others = run(input.to(float32), *wide)
    return y.to(float16), *others


def _check_channels(name: str, channels: int, **tensors: Tensor | None) -> None:
    for argument, t in tensors.items():
        if t is not None and t._array.shape != (channels,):
            raise RuntimeError(
                f"{name}: {argument} should contain {channels} elements (one per channel of the "
                f"input), but has shape {list(t.shape)}"
            )


def _are_ordinary(input: Tensor, shape: Any, *tensors: Tensor | None) -> bool:
    """Whether all are given, in that shape, and in the input's dtype, float32 or float64.

    Then there is nothing to check, and the checks take longer than a small array's work.
    """
    dtype = input._array.dtype
    if dtype.char not in "fd" or not shape:
        return False
    for t in tensors:
        if t is None or t._array.dtype is not dtype or t._array.shape != shape:
            return False
    return True


def _move(running: Tensor | None, value: np.ndarray, momentum: float) -> None:
    """running = (1 - momentum) running + momentum value, in place and unrecorded."""
    if running is not None:
        if batching.running:
            level = batching.innermost((value,))
            if level is not None:
                refuse_wider(level, running)
        bump_version(running)
        running._array *= 1 - momentum
        running._array += momentum * value


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
        ValueError: in training, if there is only one value per channel, or ``eps`` is not positive.
        IndexError: if the input has fewer than 2 dimensions.
        RuntimeError: if a per-channel argument does not have C elements, if the running statistics
            are missing outside training, or if the dtypes don't fit.

    Source: Ioffe & Szegedy, "Batch Normalization", 2015.
    """
    channel = input._array.shape[1:2]
    if not training and _are_ordinary(input, channel, running_mean, running_var, weight, bias):
        return ops.FixedNorm.apply(input, running_mean, running_var, weight, bias, eps)
    if input.ndim < 2:
        raise IndexError(f"batch_norm: expected input (N, C, ...), got {list(input.shape)}")
    require_floating("batch_norm", input)
    channels = input._array.shape[1]
    n = input._array.size // max(channels, 1)
    if training and n == 1:
        raise ValueError(
            "batch_norm: Expected more than 1 value per channel when training, got input size "
            f"{input.shape}"
        )
    _check_channels(
        "batch_norm", channels,
        running_mean=running_mean, running_var=running_var, weight=weight, bias=bias,
    )  # fmt: skip
    if input.dtype is not float16:
        require_same_dtype("batch_norm", input, running_mean=running_mean, running_var=running_var)
    if not training:
        if running_mean is None or running_var is None:
            missing = "running_mean" if running_mean is None else "running_var"
            raise RuntimeError(f"batch_norm: {missing} must be defined in evaluation mode")
        return _with_float32(
            "batch_norm",
            lambda x, w, b: (ops.FixedNorm.apply(x, running_mean, running_var, w, b, eps),),
            input, weight, bias,
        )[0]  # fmt: skip
    if eps <= 0:
        raise ValueError(f"batch_norm: eps must be positive during training, but got {eps}")
    y, m, v = _with_float32(
        "batch_norm", lambda x, w, b: ops.BatchNorm.apply(x, w, b, eps), input, weight, bias
    )
    if n:
        _move(running_mean, m._array, momentum)
        _move(running_var, v._array * (n / (n - 1)), momentum)
    return y


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
        RuntimeError: if the input does not end in ``normalized_shape``, weight or bias has another
            shape, or the dtypes don't fit.

    Source: Ba, Kiros & Hinton, "Layer Normalization", 2016.
    """
    shape = normalized_shape
    if _are_ordinary(input, shape, weight, bias) and input._array.shape[-len(shape) :] == shape:
        return ops.LayerNorm.apply(input, len(shape), weight, bias, eps)
    dims = _normalized_dims("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return _with_float32(
        "layer_norm",
        lambda x, w, b: (ops.LayerNorm.apply(x, dims, w, b, eps),),
        input,
        weight,
        bias,
    )[0]


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """y = x / sqrt(mean(x^2) + eps) * weight, over the last dimensions of each sample.

    Args:
        input: x, (..., *normalized_shape).
        normalized_shape: the shape of the dimensions to take the mean over.
        weight: of that shape. Default: none.
        eps: default: the machine epsilon of the input's dtype.

    Raises:
        RuntimeError: if the input does not end in ``normalized_shape``, the weight has another
            shape, or the dtypes don't fit.

    Source: Zhang & Sennrich, "Root Mean Square Layer Normalization", 2019.
    """
    dims = _normalized_dims("rms_norm", input, normalized_shape, weight=weight)
    require_floating("rms_norm", input)
    added = finfo(input.dtype).eps if eps is None else eps
    return _with_float32(
        "rms_norm", lambda x, w, _: (ops.RMSNorm.apply(x, dims, w, added),), input, weight
    )[0]


def _normalized_dims(
    name: str, input: Tensor, normalized_shape: Sequence[int], **affine: Tensor | None
) -> int:
    """How many dimensions to normalise over, all shapes having been checked."""
    if isinstance(normalized_shape, int):
        raise TypeError(f"{name}: normalized_shape must be a tuple of ints, not int")
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            f"{name}: Expected normalized_shape to be at least 1-dimensional, got {list(shape)}"
        )
    for argument, t in affine.items():
        if t is not None and t._array.shape != shape:
            raise RuntimeError(
                f"{name}: Expected {argument} to be of same shape as normalized_shape, but got "
                f"{argument} of shape {list(t.shape)} and normalized_shape = {list(shape)}"
            )
    if input._array.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"{name}: Given normalized_shape={list(shape)}, expected input with shape "
            f"[*, {', '.join(map(str, shape))}], but got input of size {list(input.shape)}"
        )
    return len(shape)


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
        RuntimeError: if the input has fewer than 2 dimensions, C is not divisible by ``num_groups``,
            weight or bias is not (C,), or the dtypes don't fit.
        ValueError: if there is only one value to normalise.

    Source: Wu & He, "Group Normalization", 2018.
    """
    if input.ndim < 2:
        raise RuntimeError(
            f"group_norm: Expected at least 2 dimensions for input tensor but received {input.ndim}"
        )
    channels = input._array.shape[1]
    if num_groups <= 0 or channels % num_groups:
        raise RuntimeError(
            f"group_norm: Expected number of channels in input (={channels}) to be divisible by "
            f"num_groups (={num_groups})"
        )
    if input._array.size == num_groups:
        raise ValueError(
            "group_norm: Expected more than 1 value per channel when training, got input size "
            f"{input.shape}"
        )
    _check_channels("group_norm", channels, weight=weight, bias=bias)
    return _with_float32(
        "group_norm",
        lambda x, w, b: ops.GroupNorm.apply(x, num_groups, w, b, eps),
        input, weight, bias,
    )[0]  # fmt: skip


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
        weight, bias: (C,). Default: none.
        use_input_stats: False normalises with the running statistics.
        momentum: share of the new value in the running ones. Default: 0.1.
        eps: added to the variance. Default: 1e-5.

    Raises:
        ValueError: if there is only one value per channel and sample, or only one of the running
            statistics.
        RuntimeError: if a per-channel argument does not have C elements, if the running statistics
            are needed and missing, or if the dtypes don't fit.

    Source: Ulyanov, Vedaldi & Lempitsky, "Instance Normalization", 2016.
    """
    if (running_mean is None) != (running_var is None):
        raise ValueError(
            "instance_norm: running_mean and running_var must either both be None or neither be None"
        )
    if not use_input_stats:
        if running_mean is None:
            raise RuntimeError(
                "instance_norm: Expected running_mean and running_var to be defined when "
                "use_input_stats is false"
            )
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    n = math.prod(input._array.shape[2:])
    if n == 1:
        raise ValueError(
            "instance_norm: Expected more than 1 spatial element when training, got input size "
            f"{input.shape}"
        )
    channels = input._array.shape[1]
    _check_channels(
        "instance_norm", channels,
        running_mean=running_mean, running_var=running_var, weight=weight, bias=bias,
    )  # fmt: skip

    def run(x: Tensor, w: Tensor | None, b: Tensor | None) -> Any:
        return ops.GroupNorm.apply(x, max(channels, 1), w, b, eps)

    y, m, v = _with_float32("instance_norm", run, input, weight, bias)
    if running_mean is not None and input._array.size:
        _move(running_mean, m._array.mean(0), momentum)
        _move(running_var, v._array.mean(0) * (n / (n - 1)), momentum)
    return y


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """y = x (k + alpha / size * sum of x^2 over the neighbouring channels)^-beta.

    Args:
        input: x, (N, C, ...), of at least 3 dimensions.
        size: how many channels a sum is over: size // 2 before each, the rest from it on. Beyond the
            first and last there are zeros.
        alpha, beta, k: default: 1e-4, 0.75, 1.

    Raises:
        ValueError: if there are fewer than 3 dimensions.
        RuntimeError: if ``size`` is not positive.
        NotImplementedError: if the input has integers.

    Source: Krizhevsky, Sutskever & Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", 2012, section 3.3.
    """
    if input.ndim < 3:
        raise ValueError(
            f"local_response_norm: Expected 3D or higher dimensionality input (got {input.ndim} "
            "dimensions)"
        )
    require_floating("local_response_norm", input)
    (size,) = ntuple(size, 1, "local_response_norm: size")
    if not input.numel():
        return input
    if size < 1:
        raise RuntimeError(f"local_response_norm: size should be greater than zero, but got {size}")
    window = channel_window(size // 2, (size - 1) // 2)
    return LocalResponseNorm.apply(input, window, alpha / size, beta, k)


def normalize(
    input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """x divided by its p-norm along ``dim``, or by ``eps`` where the norm is smaller.

    Args:
        input: x, any shape.
        p: of the norm (sum |x|^p)^(1/p). Default: 2.
        dim: a dimension, or a tuple of them. Default: 1.
        eps: the smallest divisor. Default: 1e-12.
        out: a tensor to put the result into.
    """
    y = input / input.norm(p, dim, keepdim=True).clamp_min(eps)
    return y if out is None else out.copy_(y)
