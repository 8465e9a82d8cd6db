"""The choice of normalisation that all models here share."""

from __future__ import annotations

from penlight import nn

__all__ = ["NORMS", "check_norm", "conv_groups", "norm1d", "norm2d"]

NORMS = ("batch", "layer", "group", "none")
GROUPS = 2  # of group norm, and of the convolutions that go with it


def check_norm(owner: str, norm: str) -> None:
    """Raise ValueError unless ``norm`` is one of ``NORMS``."""
    if norm not in NORMS:
        raise ValueError(f"{owner}: norm must be one of {', '.join(NORMS)}, got {norm!r}")


def norm1d(norm: str, features: int) -> nn.Module:
    """The layer that normalises (N, features)."""
    if norm == "group" and features % GROUPS:
        raise ValueError(f"norm 'group' needs widths that {GROUPS} divides, got {features}")
    if norm == "batch":
        return nn.BatchNorm1d(features)
    if norm == "layer":
        return nn.LayerNorm(features)
    return nn.GroupNorm(GROUPS, features) if norm == "group" else nn.Identity()


def norm2d(norm: str, channels: int) -> nn.Module:
    """The layer that normalises (N, channels, H, W).

    ``"layer"`` takes mean and variance over channels and positions of a sample and scales by
    channel (a group norm with one group), so that it fits every image size.
    """
    if norm == "group" and channels % GROUPS:
        raise ValueError(f"norm 'group' needs widths that {GROUPS} divides, got {channels}")
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm == "layer":
        return nn.GroupNorm(1, channels)
    return nn.GroupNorm(GROUPS, channels) if norm == "group" else nn.Identity()


def conv_groups(norm: str, in_channels: int) -> int:
    """With group norm the convolutions are grouped alike, where their input can be split."""
    return GROUPS if norm == "group" and in_channels % GROUPS == 0 else 1
