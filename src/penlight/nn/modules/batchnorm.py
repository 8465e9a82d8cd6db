"""Normalisation with running statistics: over the batch, or per instance."""

from __future__ import annotations

import warnings
from typing import Any

from penlight.autograd.inplace import bump_version
from penlight.nn import functional as F
from penlight.nn.modules.normalization import Affine
from penlight.tensor import Tensor
from penlight.tensor.creation import ones, tensor, zeros

__all__ = [
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d",
    "InstanceNorm3d", "SyncBatchNorm",
]  # fmt: skip


class _Running(Affine):
    """Per-channel normalisation whose mean and variance may be tracked for evaluation.

    Args:
        num_features: C, the number of channels.
        eps: added to the variance. Default: 1e-5.
        momentum: share of the newest batch in the running statistics; None averages all batches.
        affine: learn a weight and, unless ``bias`` is False, a bias, both (C,).
        track_running_stats: keep running statistics; without them the batch's are always used.

    Buffers:
        running_mean, running_var: (C,); num_batches_tracked: int64.
    """

    _version = 2
    num_features: int
    eps: float
    momentum: float | None
    affine: bool
    track_running_stats: bool
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _dimensions: tuple[int, ...]  # of the inputs that the subclass takes

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._make_affine((num_features,), affine, affine and bias, device, dtype)
        track = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype) if track else None)
        self.register_buffer("running_var", ones(num_features, dtype=dtype) if track else None)
        self.register_buffer("num_batches_tracked", tensor(0) if track else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Set the running mean to zero, the variance to one, the count to zero."""
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """As new: statistics, weight and bias."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_input(self, input: Tensor) -> None:
        if input.ndim not in self._dimensions:
            expected = " or ".join(f"{n}D" for n in self._dimensions)
            raise ValueError(
                f"{type(self).__name__}: expected {expected} input (got {input.ndim}D input)"
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, *args: Any
    ) -> None:
        """Checkpoints of version 1 had no batch count: the one that is there stays."""
        key = f"{prefix}num_batches_tracked"
        version = local_metadata.get("version")
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            count = self.num_batches_tracked
            state_dict[key] = tensor(0) if count is None else count
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


def _count_up(count: Tensor) -> None:
    """count += 1 without the checks that a user's in-place change needs: it happens at every step."""
    bump_version(count)
    count._array += 1


class _BatchNorm(_Running):
    def forward(self, input: Tensor) -> Tensor:
        self._check_input(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            _count_up(self.num_batches_tracked)
            if self.momentum is None:  # the average of all batches
                momentum = 1.0 / self.num_batches_tracked.item()
        mean, var = self.running_mean, self.running_var
        batch_statistics = self.training or (mean is None and var is None)
        if self.training and not self.track_running_stats:
            mean = var = None
        return F.batch_norm(
            input, mean, var, self.weight, self.bias, batch_statistics, momentum, self.eps
        )


class BatchNorm1d(_BatchNorm):
    """y = (x - m) / sqrt(v + eps) * weight + bias per channel of (N, C) or (N, C, L).

    In training m and v are the batch's; in evaluation the running ones. See
    :func:`penlight.nn.functional.batch_norm` for the formula, and :class:`BatchNorm2d` for images.

    Source: Ioffe & Szegedy, "Batch Normalization", 2015.
    """

    _dimensions = (2, 3)


class BatchNorm2d(_BatchNorm):
    """y = (x - m) / sqrt(v + eps) * weight + bias per channel of images (N, C, H, W).

    Source: Ioffe & Szegedy, "Batch Normalization", 2015.
    """

    _dimensions = (4,)


class BatchNorm3d(_BatchNorm):
    """y = (x - m) / sqrt(v + eps) * weight + bias per channel of volumes (N, C, D, H, W).

    Source: Ioffe & Szegedy, "Batch Normalization", 2015.
    """

    _dimensions = (5,)


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation over all processes of a group. There is one process: the batch is all of it.

    Args:
        process_group: kept as an attribute.
        num_features, eps, momentum, affine, track_running_stats, bias: as for :class:`BatchNorm2d`.

    Shape:
        input and output (N, C, ...).

    Raises:
        ValueError: if the input has fewer than 2 dimensions, or no channels.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )
        self.process_group = process_group

    def _check_input(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"SyncBatchNorm: expected at least 2D input (got {input.ndim}D input)")
        if input.shape[1] == 0:
            raise ValueError("SyncBatchNorm: number of input channels should be non-zero")

    @classmethod
    def convert_sync_batchnorm(cls, module: Any, process_group: Any = None) -> Any:
        """``module`` with every batch normalisation in it replaced by one of this class.

        Args:
            module: changed in place, unless it is itself a batch normalisation.
            process_group: that of the new ones.

        Returns:
            ``module``, or what replaces it; parameters and buffers are the same objects.
        """
        if isinstance(module, _BatchNorm):
            replacement = cls(
                module.num_features, module.eps, module.momentum, module.affine,
                module.track_running_stats, process_group, bias=module.bias is not None,
            )  # fmt: skip
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                setattr(replacement, name, getattr(module, name))
            replacement.training = module.training
        else:
            replacement = module
        for name, child in module.named_children():
            replacement.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return replacement


class _InstanceNorm(_Running):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:
        self._check_input(input)
        single = input.ndim == self._dimensions[0]
        batch = input.unsqueeze(0) if single else input
        self._check_channels(batch.shape[1], 0 if single else 1)
        y = F.instance_norm(
            batch,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return y.squeeze(0) if single else y

    def _check_channels(self, channels: int, dim: int) -> None:
        if channels == self.num_features:
            return
        if self.affine:
            raise ValueError(
                f"{type(self).__name__}: expected input's size at dim={dim} to match num_features "
                f"({self.num_features}), but got: {channels}"
            )
        warnings.warn(
            f"{type(self).__name__}: input's size at dim={dim} (={channels}) does not match "
            f"num_features (={self.num_features}), which is not used because affine=False",
            stacklevel=4,
        )


class InstanceNorm1d(_InstanceNorm):
    """y = (x - m) / sqrt(v + eps), for each channel of each sample of (N, C, L) or (C, L).

    Source: Ulyanov, Vedaldi & Lempitsky, "Instance Normalization", 2016.
    """

    _dimensions = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """y = (x - m) / sqrt(v + eps), for each channel of each image of (N, C, H, W) or (C, H, W).

    Source: Ulyanov, Vedaldi & Lempitsky, "Instance Normalization", 2016.
    """

    _dimensions = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """y = (x - m) / sqrt(v + eps), for each channel of each volume of (N, C, D, H, W) or (C, D, H, W).

    Source: Ulyanov, Vedaldi & Lempitsky, "Instance Normalization", 2016.
    """

    _dimensions = (4, 5)
