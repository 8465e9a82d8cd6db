"""Normalisation within each sample: layer, group and root mean square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penlight.nn import functional as F, init
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter
from penlight.ops.local_response import cross_map_norm
from penlight.tensor import Tensor
from penlight.tensor.creation import empty

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


class Affine(Module):
    """Shared by all normalisations: a weight that starts at one and a bias that starts at zero."""

    weight: Tensor | None
    bias: Tensor | None

    def _make_affine(
        self, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: Any
    ) -> None:
        """Register ``weight`` and ``bias``, as None where they are not wanted."""
        for name, wanted in (("weight", weight), ("bias", bias)):
            made = Parameter(empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, made)

    def reset_parameters(self) -> None:
        """Set weight to one and bias to zero."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


def _shape_of(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class LayerNorm(Affine):
    """y = (x - m) / sqrt(v + eps) * weight + bias, mean and variance over the last dimensions.

    Args:
        normalized_shape: the shape of those dimensions; an int is one dimension.
        eps: added to the variance. Default: 1e-5.
        elementwise_affine: learn weight and bias. Default: True.
        bias: learn a bias too. Default: True.

    Shape:
        input and output (..., *normalized_shape).

    Parameters:
        weight, one at the start, and bias, zero at the start: normalized_shape.

    Source: Ba, Kiros & Hinton, "Layer Normalization", 2016.
    """

    normalized_shape: tuple[int, ...]
    eps: float
    elementwise_affine: bool

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape_of(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._make_affine(
            self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype
        )
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """y = x / sqrt(mean(x^2) + eps) * weight, the mean over the last dimensions.

    Args:
        normalized_shape: the shape of those dimensions; an int is one dimension.
        eps: default: the machine epsilon of the input's dtype.
        elementwise_affine: learn the weight. Default: True.

    Shape:
        input and output (..., *normalized_shape).

    Parameters:
        weight: normalized_shape, one at the start.

    Source: Zhang & Sennrich, "Root Mean Square Layer Normalization", 2019.
    """

    normalized_shape: tuple[int, ...]
    eps: float | None
    elementwise_affine: bool
    weight: Tensor | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape_of(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        if elementwise_affine:
            self.weight = Parameter(empty(self.normalized_shape, device=device, dtype=dtype))
        else:
            self.register_parameter("weight", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to one."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(Affine):
    """y = (x - m) / sqrt(v + eps) * weight + bias, mean and variance over each group of channels.

    Args:
        num_groups: how many groups the channels fall into.
        num_channels: C.
        eps: added to the variance. Default: 1e-5.
        affine: learn a weight and, unless ``bias`` is False, a bias. Default: True.

    Shape:
        input and output (N, C, ...).

    Parameters:
        weight, one at the start, and bias, zero at the start: (C,).

    Raises:
        ValueError: if C is not divisible by ``num_groups``.

    Source: Wu & He, "Group Normalization", 2018.
    """

    num_groups: int
    num_channels: int
    eps: float
    affine: bool

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups <= 0 or num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: num_channels (={num_channels}) must be divisible by num_groups "
                f"(={num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._make_affine((num_channels,), affine, affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """y = x (k + alpha / size * sum of x^2 over the neighbouring channels)^-beta.

    Args:
        size: how many channels a sum is over.
        alpha, beta, k: default: 1e-4, 0.75, 1.

    Shape:
        input and output (N, C, ...).

    Source: Krizhevsky, Sutskever & Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", 2012, section 3.3.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """As :class:`LocalResponseNorm`, for images alone and in Torch's older form: use the other.

    The sum is over the channels c - h ... c + h, h = floor((size - 1) / 2), and, as in PyTorch, over
    channel 0 always. The gradient is that of this formula; PyTorch's is of another one.

    Args:
        size, alpha, beta, k: as there.

    Shape:
        input and output (N, C, H, W).

    Raises:
        ValueError: if the input has other dimensions.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.ndim}D instead.")
        return cross_map_norm(input, self.size, self.alpha, self.beta, self.k)
