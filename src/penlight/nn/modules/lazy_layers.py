"""Layers that take the number of their input channels from their first input."""

from __future__ import annotations

from typing import Any

from penlight.autograd.grad_mode import no_grad
from penlight.nn.functional.windows import with_batch
from penlight.nn.modules.batchnorm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from penlight.nn.modules.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from penlight.nn.modules.lazy import LazyModuleMixin
from penlight.nn.modules.linear import Linear
from penlight.nn.parameter import UninitializedBuffer, UninitializedParameter
from penlight.tensor import Tensor
from penlight.tensor.creation import tensor

__all__ = [
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d",
    "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
    "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d", "LazyLinear",
]  # fmt: skip

Ints = int | tuple[int, ...]


class _LazyLayer(LazyModuleMixin):
    """Base: weight and bias wait for the number of inputs, which is kept as ``_counts``."""

    _counts: str  # the attribute's name
    weight: Any
    bias: Any

    def _wait_for_shapes(self, weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        """Put uninitialized parameters in place of those that are wanted."""
        for name, wanted in (("weight", weight), ("bias", bias)):
            if wanted:
                setattr(self, name, UninitializedParameter(device=device, dtype=dtype))

    def initialize_parameters(self, input: Tensor) -> None:
        """Give weight, bias and statistics their shapes, and draw them."""
        channels = self._channels_of(input)
        if self.has_uninitialized_params():
            with no_grad():
                for name, shape in self._shapes(channels).items():
                    t = getattr(self, name)
                    if t is not None:
                        t.materialize(shape)
                setattr(self, self._counts, channels)
                self.reset_parameters()
        elif not getattr(self, self._counts):  # loaded
            self._check_loaded(channels)
            setattr(self, self._counts, channels)

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, once there are any."""
        if getattr(self, self._counts) and not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]

    def _channels_of(self, input: Tensor) -> int:
        return int(input.shape[1])

    def _check_loaded(self, channels: int) -> None:
        """Refuse an input that does not fit a loaded weight, where ``forward`` would not."""

    def _shapes(self, channels: int) -> dict[str, tuple[int, ...]]:
        raise NotImplementedError


class LazyLinear(_LazyLayer, Linear):
    """:class:`Linear` whose ``in_features`` is the size of the last dimension of its first input.

    Args:
        out_features: O, the size of each output vector.
        bias: whether to add b. Default: True.
    """

    cls_to_become = Linear
    _counts = "in_features"

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, False, device, dtype)
        self.out_features = out_features
        self._wait_for_shapes(True, bias, device, dtype)

    def _channels_of(self, input: Tensor) -> int:
        return int(input.shape[-1])

    def _shapes(self, channels: int) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.out_features, channels), "bias": (self.out_features,)}

    def _check_loaded(self, channels: int) -> None:
        assert channels == self.weight.shape[-1], (
            f"The in_features inferred from input: {channels} is not equal to in_features from "
            f"self.weight: {self.weight.shape[-1]}"
        )


# -- convolutions ------------------------------------------------------------------------------


class _LazyConvNd(_LazyLayer):
    _counts = "in_channels"
    out_channels: int
    kernel_size: tuple[int, ...]
    groups: int
    transposed: bool
    _dimensions: int

    def _channels_of(self, input: Tensor) -> int:
        shape = with_batch(type(self).__name__, tuple(input.shape), self._dimensions)
        if shape[1] % self.groups:
            raise ValueError(
                f"{type(self).__name__}: in_channels (={shape[1]}) must be divisible by groups "
                f"(={self.groups})"
            )
        return shape[1]

    def _shapes(self, channels: int) -> dict[str, tuple[int, ...]]:
        first, second = (
            (channels, self.out_channels) if self.transposed else (self.out_channels, channels)
        )
        weight = (first, second // self.groups, *self.kernel_size)
        return {"weight": weight, "bias": (self.out_channels,)}


class _LazyConv(_LazyConvNd):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype
        )
        self.out_channels = out_channels
        self._wait_for_shapes(True, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """:class:`Conv1d` whose ``in_channels`` is that of its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """:class:`Conv2d` whose ``in_channels`` is that of its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """:class:`Conv3d` whose ``in_channels`` is that of its first input."""

    cls_to_become = Conv3d


class _LazyConvTranspose(_LazyConvNd):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation,
            padding_mode, device, dtype,
        )  # fmt: skip
        self.out_channels = out_channels
        self._wait_for_shapes(True, bias, device, dtype)

    def initialize_parameters(self, input: Tensor, output_size: Any = None) -> None:
        """As the others; ``output_size`` does not matter."""
        super().initialize_parameters(input)


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """:class:`ConvTranspose1d` whose ``in_channels`` is that of its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """:class:`ConvTranspose2d` whose ``in_channels`` is that of its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """:class:`ConvTranspose3d` whose ``in_channels`` is that of its first input."""

    cls_to_become = ConvTranspose3d


# -- normalisations ----------------------------------------------------------------------------


class _LazyNorm(_LazyLayer):
    _counts = "num_features"
    affine: bool
    track_running_stats: bool
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype)
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._wait_for_shapes(affine, affine and bias, device, dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = tensor(0)

    def _shapes(self, channels: int) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (channels,))


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """:class:`BatchNorm1d` whose ``num_features`` is that of its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """:class:`BatchNorm2d` whose ``num_features`` is that of its first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """:class:`BatchNorm3d` whose ``num_features`` is that of its first input."""

    cls_to_become = BatchNorm3d


class _LazyInstanceNorm(_LazyNorm):
    _dimensions: Any

    def _channels_of(self, input: Tensor) -> int:
        """Also of a single sample, where PyTorch takes the dimension after that of the channels."""
        return int(input.shape[-self._dimensions[0]])


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d):
    """:class:`InstanceNorm1d` whose ``num_features`` is that of its first input."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d):
    """:class:`InstanceNorm2d` whose ``num_features`` is that of its first input."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d):
    """:class:`InstanceNorm3d` whose ``num_features`` is that of its first input."""

    cls_to_become = InstanceNorm3d
