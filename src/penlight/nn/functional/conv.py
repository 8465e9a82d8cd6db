"""Convolutions and transposed convolutions."""

from __future__ import annotations

import functools
from typing import Any

from penlight.kernels.windows import Window
from penlight.nn.functional.windows import (
    batched,
    exact,
    not_negative,
    symmetric,
    windows_of,
    with_batch,
)
from penlight.ops.conv import Conv, ConvInputGrad
from penlight.tensor import Tensor

__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d",
]  # fmt: skip

Ints = int | tuple[int, ...]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """y[n, f, o] = b[f] + sum over c, k of w[f, c, k] x[n, c, o s + k d - p]; see :func:`conv2d`.

    Args:
        input: x, (N, C, L) or (C, L).
        weight: w, (F, C / groups, K).

    Returns:
        y, (N, F, L_out) or (F, L_out).
    """
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """y[n, f, o] = b[f] + sum over c, k of w[f, c, k] x[n, c, o s + k d - p], o and k being pairs.

    Args:
        input: x, (N, C, H, W) or (C, H, W).
        weight: w, (F, C / groups, K1, K2).
        bias: b, (F,). Default: none.
        stride: s, from one window to the next. Default: 1.
        padding: p, zeros on each side; ``"valid"`` is 0, ``"same"`` keeps the input's size, with the
            odd zero at the end. Default: 0.
        dilation: d, from one tap of a window to the next. Default: 1.
        groups: parts that the channels are in, each convolved by itself. Default: 1.

    Returns:
        y, (N, F, H_out, W_out) or (F, H_out, W_out), where a size n becomes
        floor((n + 2 p - d (k - 1) - 1) / s) + 1.

    Raises:
        RuntimeError: if shapes, dtypes or options don't fit together.

    The zeros of the padding, and those between strides in the gradient, are multiplied by w: where w
    is infinite, NaN appears at borders where PyTorch may leave them out.

    Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """y[n, f, o] = b[f] + sum over c, k of w[f, c, k] x[n, c, o s + k d - p], o and k being triples.

    Args:
        input: x, (N, C, D, H, W) or (C, D, H, W).
        weight: w, (F, C / groups, K1, K2, K3).
        bias, stride, padding, dilation, groups: as for :func:`conv2d`.

    Returns:
        y, (N, F, D_out, H_out, W_out) or (F, D_out, H_out, W_out).

    Source: Ji, Xu, Yang & Yu, "3D Convolutional Neural Networks for Human Action Recognition", 2013.
    """
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """y[t, n, f] = b[f] + sum over k, c of w[k, c, f] x[t + k - pad, n, c]: time comes first.

    Args:
        input: x, (T, N, C).
        weight: w, (K, C, F).
        bias: b, (F,).
        pad: zeros before and after. Default: 0.

    Returns:
        y, (T + 2 pad - K + 1, N, F).

    Raises:
        TypeError: if there is no bias.
        RuntimeError: if the shapes don't fit together.
    """
    for argument, t, ndim in (("input", input, 3), ("weight", weight, 3), ("bias", bias, 1)):
        if not isinstance(t, Tensor):
            raise TypeError(
                f"conv_tbc(): argument '{argument}' must be Tensor, not {type(t).__name__}"
            )
        if t.ndim != ndim:
            raise RuntimeError(
                f"conv_tbc: {argument} must have {ndim} dimensions, but got {list(t.shape)}"
            )
    x, w = input.permute(1, 2, 0), weight.permute(2, 1, 0)
    return _conv("conv_tbc", 1, x, w, bias, 1, pad, 1, 1).permute(2, 0, 1)


def _conv(
    name: str,
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    window = _window(
        name,
        n,
        input._array.shape,
        weight._array.shape,
        None if bias is None else bias._array.shape,
        exact(stride, n, name, "stride"),
        exact(padding, n, name, "padding"),
        exact(dilation, n, name, "dilation"),
        groups,
    )
    _check_dtypes(name, input, weight, bias)
    if input.ndim == n + 2:
        return Conv.apply(input, weight, bias, window, groups)
    return Conv.apply(input.unsqueeze(0), weight, bias, window, groups).squeeze(0)


@functools.lru_cache(maxsize=1024)
def _window(
    name: str,
    n: int,
    shape: tuple[int, ...],
    weight: tuple[int, ...],
    bias: tuple[int, ...] | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Window:
    """The window, once shapes and options are found to fit."""
    channels, *size = with_batch(name, shape, n)[1:]
    _check_weight(name, weight, groups, n)
    window = windows_of(name, weight[2:], stride, ((0, 0),) * n, dilation, n)
    window = window._replace(padding=_padding(name, padding, window))
    if channels != weight[1] * groups:
        raise RuntimeError(
            f"{name}: Given groups={groups}, weight of size {list(weight)}, expected input"
            f"{list(shape)} to have {weight[1] * groups} channels, but got {channels} channels "
            "instead"
        )
    _check_bias(name, weight, bias, weight[0])
    padded = window.padded_size(tuple(size))
    if any(s < e for s, e in zip(padded, window.extent, strict=True)):
        raise RuntimeError(
            f"{name}: Calculated padded input size per channel: {_by(padded)}. Kernel size: "
            f"{_by(window.extent)}. Kernel size can't be greater than actual input size"
        )
    return window


def _by(size: tuple[int, ...]) -> str:
    return f"({' x '.join(map(str, size))})"


def _padding(name: str, padding: Any, window: Window) -> tuple[tuple[int, int], ...]:
    """The zeros before and after, for an amount or ``"same"`` or ``"valid"``."""
    n = len(window.kernel)
    if not isinstance(padding, str):
        return symmetric(not_negative(name, "padding", padding, n))
    if padding == "valid":
        return ((0, 0),) * n
    if padding != "same":
        raise RuntimeError(
            f"{name}: Invalid padding string: {padding!r}; expected 'same' or 'valid'"
        )
    if any(s != 1 for s in window.stride):
        raise RuntimeError(f"{name}: padding='same' is not supported for strided convolutions")
    return tuple(((e - 1) // 2, e - 1 - (e - 1) // 2) for e in window.extent)


def _check_weight(name: str, weight: tuple[int, ...], groups: int, n: int) -> None:
    if len(weight) != n + 2:
        raise RuntimeError(f"{name}: expected weight of {n + 2} dimensions, but got {list(weight)}")
    if groups < 1:
        raise RuntimeError(f"{name}: non-positive groups is not supported, got groups={groups}")
    if weight[0] % groups or weight[0] < groups:
        raise RuntimeError(
            f"{name}: Given groups={groups}, expected weight to be divisible by {groups} at "
            f"dimension 0, but got weight of size {list(weight)} instead"
        )


def _check_bias(
    name: str, weight: tuple[int, ...], bias: tuple[int, ...] | None, channels: int
) -> None:
    if bias is not None and bias != (channels,):
        raise RuntimeError(
            f"{name}: Given weight of size {list(weight)}, expected bias to be 1-dimensional "
            f"with {channels} elements, but got bias of size {list(bias)} instead"
        )


def _check_dtypes(name: str, input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    dtype = weight._array.dtype
    if input._array.dtype != dtype or (bias is not None and bias._array.dtype != dtype):
        raise RuntimeError(
            f"{name}: input, weight and bias should have the same dtype, but got {input.dtype}, "
            f"{weight.dtype} and {None if bias is None else bias.dtype}"
        )
    if dtype.kind == "b":
        raise NotImplementedError(f"{name}: not implemented for torch.bool; use .float()")


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """x[n, c, o] w[c, f, k] adds to y[n, f, o s + k d - p]; see :func:`conv_transpose2d`.

    Args:
        input: x, (N, C, L) or (C, L).
        weight: w, (C, F / groups, K).

    Returns:
        y, (N, F, L_out) or (F, L_out).
    """
    return _conv_transpose(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """x[n, c, o] w[c, f, k] adds to y[n, f, o s + k d - p], o and k being pairs; then the bias is added.

    It is the gradient of :func:`conv2d` with respect to its input, as a function of its own.

    Args:
        input: x, (N, C, H, W) or (C, H, W).
        weight: w, (C, F / groups, K1, K2).
        bias: b, (F,). Default: none.
        stride: s. Default: 1.
        padding: p, what is cut off on each side. Default: 0.
        output_padding: what is left on at the end, for sizes that a stride can't tell apart.
            Default: 0.
        groups: parts that the channels are in. Default: 1.
        dilation: d. Default: 1.

    Returns:
        y, (N, F, H_out, W_out) or (F, H_out, W_out), where a size n becomes
        (n - 1) s - 2 p + d (k - 1) + output_padding + 1.

    Raises:
        RuntimeError: if shapes, dtypes or options don't fit together.

    Source: Zeiler, Krishnan, Taylor & Fergus, "Deconvolutional Networks", 2010; Dumoulin & Visin, "A
    guide to convolution arithmetic for deep learning", 2016, chapter 4.
    """
    return _conv_transpose(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """x[n, c, o] w[c, f, k] adds to y[n, f, o s + k d - p]; see :func:`conv_transpose2d`.

    Args:
        input: x, (N, C, D, H, W) or (C, D, H, W).
        weight: w, (C, F / groups, K1, K2, K3).

    Returns:
        y, (N, F, D_out, H_out, W_out) or (F, D_out, H_out, W_out).
    """
    return _conv_transpose(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


def _conv_transpose(
    name: str,
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    x, single = batched(name, input, n)
    _check_weight(name, weight.shape, groups, n)
    amounts = not_negative(name, "padding", padding, n)
    extra = not_negative(name, "output_padding", output_padding, n)
    window = windows_of(name, weight.shape[2:], stride, symmetric(amounts), dilation, n)
    if any(e >= max(s, d) for e, s, d in zip(extra, window.stride, window.dilation, strict=True)):
        raise RuntimeError(
            f"{name}: output padding must be smaller than either stride or dilation, but got "
            f"output_padding={extra}, stride={window.stride}, dilation={window.dilation}"
        )
    if x.shape[1] != weight.shape[0]:
        raise RuntimeError(
            f"{name}: Given transposed=1, weight of size {list(weight.shape)}, expected input"
            f"{list(input.shape)} to have {weight.shape[0]} channels, but got {x.shape[1]} "
            "channels instead"
        )
    shape = None if bias is None else bias._array.shape
    _check_bias(name, weight.shape, shape, weight.shape[1] * groups)
    _check_dtypes(name, input, weight, bias)
    size = tuple(
        (o - 1) * s - 2 * p + reach + e
        for o, s, p, reach, e in zip(
            x.shape[2:], window.stride, amounts, window.extent, extra, strict=True
        )
    )
    if min(size) < 1:
        raise RuntimeError(
            f"{name}: Given input size per channel: {_by(x.shape[2:])}. Calculated output size per "
            f"channel: {_by(size)}. Output size is too small"
        )
    # no window of the convolution that this is the gradient of may start in the extra elements
    window = window._replace(padding=tuple((p, p - e) for p, e in zip(amounts, extra, strict=True)))
    y = ConvInputGrad.apply(x, weight, bias, size, window, groups)
    return y.squeeze(0) if single else y
