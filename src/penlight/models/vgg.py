"""A small VGG, as studies of initialisation and normalisation use it."""

from __future__ import annotations

from collections.abc import Sequence

from penlight import Tensor, nn
from penlight.models.checks import check_widths
from penlight.models.norm import check_norm, conv_groups, norm2d

__all__ = ["VGG"]


class VGG(nn.Module):
    """Blocks of convolution (3x3), norm, ReLU and pooling; the last pool leaves one pixel.

    On 1x28x28 images: conv 8 -> 14x14 -> conv 24 -> 7x7 -> conv 72 -> pool 7x7 -> 72 -> classes.

    Args:
        in_shape: (C, H, W) of one image; H and W at least 2 to the number of blocks less one.
        num_classes: size of the output.
        widths: channels of the blocks.
        norm: ``"batch"``, ``"layer"``, ``"group"`` (convolutions are then grouped too) or
            ``"none"``.

    Shape:
        input (N, C, H, W), output (N, num_classes).

    Source: Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
    Recognition", 2015.
    """

    def __init__(
        self,
        in_shape: Sequence[int] = (1, 28, 28),
        num_classes: int = 10,
        widths: Sequence[int] = (8, 24, 72),
        norm: str = "batch",
    ) -> None:
        super().__init__()
        check_norm("VGG", norm)
        widths = check_widths("VGG", "widths", widths)
        channels, height, width = in_shape
        halvings = len(widths) - 1
        last = (height >> halvings, width >> halvings)
        if min(last) < 1:
            raise ValueError(
                f"VGG: in_shape {tuple(in_shape)} is too small for {len(widths)} blocks, each of "
                "which but the last halves height and width"
            )
        layers: list[nn.Module] = []
        for i, out_channels in enumerate(widths):
            groups = conv_groups(norm, channels)
            layers += [
                nn.Conv2d(channels, out_channels, 3, padding=1, groups=groups),
                norm2d(norm, out_channels),
                nn.ReLU(),
                nn.MaxPool2d(2 if i < halvings else last),
            ]
            channels = out_channels
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(channels, num_classes))

    def forward(self, input: Tensor) -> Tensor:
        return self.classifier(self.features(input))
