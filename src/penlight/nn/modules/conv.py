"""Convolutions and transposed convolutions."""

from __future__ import annotations

import math
from typing import Any

from penlight._core.arguments import ntuple
from penlight.nn import functional as F, init
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter
from penlight.tensor import Tensor
from penlight.tensor.creation import empty

__all__ = [
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d",
]  # fmt: skip

Ints = int | tuple[int, ...]


class _ConvNd(Module):
    """Base of all: options, parameters and their initial values, text.

    The initial values are uniform in (-1/sqrt(k), 1/sqrt(k)), where k = C / groups * product of
    ``kernel_size`` is the number of inputs that one output sees.
    """

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...] | str
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int
    padding_mode: str
    weight: Tensor
    bias: Tensor | None

    _dimensions: int  # of the space that the subclass's windows slide over
    _function: Any  # of ``F``, a static method

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        transposed: bool,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name, n = type(self).__name__, self._dimensions
        if groups <= 0:
            raise ValueError(f"{name}: groups must be a positive integer, got {groups}")
        for argument, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(
                    f"{name}: {argument} (={channels}) must be divisible by groups (={groups})"
                )
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(
                f"{name}: Invalid padding string {padding!r}, should be one of 'same', 'valid'"
            )
        if padding_mode not in _MODES:
            raise ValueError(
                f"{name}: padding_mode must be one of {', '.join(_MODES)}, but got "
                f"padding_mode={padding_mode!r}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = ntuple(kernel_size, n, f"{name}: kernel_size")
        self.stride = ntuple(stride, n, f"{name}: stride")
        self.padding = (
            padding if isinstance(padding, str) else ntuple(padding, n, f"{name}: padding")
        )
        self.dilation = ntuple(dilation, n, f"{name}: dilation")
        self.transposed = transposed
        self.output_padding = ntuple(output_padding, n, f"{name}: output_padding")
        self.groups = groups
        self.padding_mode = padding_mode
        if padding == "same" and any(s != 1 for s in self.stride):
            raise ValueError(
                f"{name}: padding='same' is not supported for strided convolutions, got stride="
                f"{self.stride}"
            )
        first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        shape = (first, second // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        if self.weight.numel():
            init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = math.prod(self.weight.shape[1:])
        if self.bias is not None and fan_in:
            bound = 1 / math.sqrt(fan_in)
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        zeros, ones = (0,) * self._dimensions, (1,) * self._dimensions
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        text += f", padding={self.padding}" if self.padding != zeros else ""
        text += f", dilation={self.dilation}" if self.dilation != ones else ""
        text += f", output_padding={self.output_padding}" if self.output_padding != zeros else ""
        text += f", groups={self.groups}" if self.groups != 1 else ""
        text += ", bias=False" if self.bias is None else ""
        text += f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else ""
        return text


_MODES = ("zeros", "reflect", "replicate", "circular")


class _Conv(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints | str = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, False, 0, groups,
            bias, padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._amounts(), self.padding_mode)
            padding = 0
        return self._function(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def _amounts(self) -> list[int]:
        """The padding as ``F.pad`` takes it: before and after, the last dimension first."""
        if self.padding == "valid":
            return [0, 0] * self._dimensions
        if self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            pairs = [(total // 2, total - total // 2) for total in totals]
        else:
            pairs = [(int(p), int(p)) for p in self.padding]
        return [p for pair in reversed(pairs) for p in pair]


class Conv1d(_Conv):
    """y[n, f, o] = b[f] + sum over c, k of w[f, c, k] x[n, c, o s + k d - p]; see :class:`Conv2d`.

    Shape:
        input (N, C, L) or (C, L), output (N, F, L_out) or (F, L_out).
    """

    _dimensions = 1
    _function = staticmethod(F.conv1d)


class Conv2d(_Conv):
    """y[n, f, o] = b[f] + sum over c, k of w[f, c, k] x[n, c, o s + k d - p], o and k being pairs.

    Args:
        in_channels: C.
        out_channels: F.
        kernel_size: K, of the window.
        stride: s, from one window to the next. Default: 1.
        padding: p on each side, ``"valid"`` for none, or ``"same"`` to keep the size. Default: 0.
        dilation: d, from one tap of a window to the next. Default: 1.
        groups: parts that the channels are in, each convolved by itself. Default: 1.
        bias: whether to add b. Default: True.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.

    Shape:
        input (N, C, H, W) or (C, H, W), output (N, F, H_out, W_out) or (F, H_out, W_out), where a
        size n becomes floor((n + 2 p - d (k - 1) - 1) / s) + 1.

    Parameters:
        weight: (F, C / groups, K1, K2), and bias: (F,), both uniform in (-1/sqrt(k), 1/sqrt(k)) at
        the start, k being the number of inputs that an output sees.

    Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """

    _dimensions = 2
    _function = staticmethod(F.conv2d)


class Conv3d(_Conv):
    """y[n, f, o] = b[f] + sum over c, k of w[f, c, k] x[n, c, o s + k d - p]; see :class:`Conv2d`.

    Shape:
        input (N, C, D, H, W) or (C, D, H, W), output (N, F, D_out, H_out, W_out) or
        (F, D_out, H_out, W_out).

    Source: Ji, Xu, Yang & Yu, "3D Convolutional Neural Networks for Human Action Recognition", 2013.
    """

    _dimensions = 3
    _function = staticmethod(F.conv3d)


class _ConvTranspose(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Ints = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {type(self).__name__}, got '
                f"padding_mode={padding_mode!r}"
            )
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, True,
            output_padding, groups, bias, padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        return self._function(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups,
            self.dilation,
        )  # fmt: skip

    def _extra(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output_padding that gives ``output_size``.

        Raises:
            ValueError: if none does.
        """
        name, n = type(self).__name__, self._dimensions
        wanted = tuple(output_size)
        if len(wanted) == input.ndim > n:
            wanted = wanted[-n:]
        if len(wanted) != n:
            raise ValueError(
                f"{name}: for {input.ndim}D input, output_size must have {n} or {input.ndim} "
                f"elements (got {len(wanted)})"
            )
        least = tuple(
            (o - 1) * s - 2 * int(p) + d * (k - 1) + 1
            for o, k, s, p, d in zip(
                input.shape[-n:],
                self.kernel_size,
                self.stride,
                map(int, self.padding),
                self.dilation,
                strict=True,
            )
        )
        most = tuple(m + s - 1 for m, s in zip(least, self.stride, strict=True))
        if not all(a <= m <= b for a, m, b in zip(least, wanted, most, strict=True)):
            raise ValueError(
                f"{name}: requested an output size of {wanted}, but valid sizes range from "
                f"{least} to {most} (for an input of {input.shape[-n:]})"
            )
        return tuple(m - a for m, a in zip(wanted, least, strict=True))


class ConvTranspose1d(_ConvTranspose):
    """x[n, c, o] w[c, f, k] adds to y[n, f, o s + k d - p]; see :class:`ConvTranspose2d`.

    Shape:
        input (N, C, L) or (C, L), output (N, F, L_out) or (F, L_out).
    """

    _dimensions = 1
    _function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """x[n, c, o] w[c, f, k] adds to y[n, f, o s + k d - p]: the gradient of a convolution, as a layer.

    Args:
        in_channels: C.
        out_channels: F.
        kernel_size, stride, dilation, groups, bias: as for :class:`Conv2d`.
        padding: p, what is cut off on each side. Default: 0.
        output_padding: what is left on at the end. Default: 0.
        padding_mode: ``"zeros"``, the only one.

    Shape:
        input (N, C, H, W) or (C, H, W), output (N, F, H_out, W_out) or (F, H_out, W_out), where a
        size n becomes (n - 1) s - 2 p + d (k - 1) + output_padding + 1; ``forward`` also takes an
        ``output_size`` to choose output_padding by.

    Parameters:
        weight: (C, F / groups, K1, K2), and bias: (F,), as for :class:`Conv2d`.

    Source: Zeiler, Krishnan, Taylor & Fergus, "Deconvolutional Networks", 2010.
    """

    _dimensions = 2
    _function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """x[n, c, o] w[c, f, k] adds to y[n, f, o s + k d - p]; see :class:`ConvTranspose2d`.

    Shape:
        input (N, C, D, H, W) or (C, D, H, W), output (N, F, D_out, H_out, W_out) or
        (F, D_out, H_out, W_out).
    """

    _dimensions = 3
    _function = staticmethod(F.conv_transpose3d)
