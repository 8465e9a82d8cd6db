"""Residual networks for small images."""

from __future__ import annotations

from collections.abc import Sequence

from penlight import Tensor, nn
from penlight.models.checks import check_count, check_widths
from penlight.models.norm import check_norm, norm2d
from penlight.nn import functional as F

__all__ = ["ResNet", "resnet20"]


def _conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


class BasicBlock(nn.Module):
    """y = ReLU(shortcut(x) + norm(conv(ReLU(norm(conv(x)))))).

    Where the block widens or strides, the shortcut takes every ``stride``-th pixel and zeros for the
    new channels (the paper's option A): it has no parameters. Without ``skip`` it is left out.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, norm: str, skip: bool
    ) -> None:
        super().__init__()
        self.skip = skip
        self.conv1 = _conv3x3(in_channels, out_channels, stride)
        self.norm1 = norm2d(norm, out_channels)
        self.conv2 = _conv3x3(out_channels, out_channels)
        self.norm2 = norm2d(norm, out_channels)
        self.stride = stride
        self.new_channels = out_channels - in_channels

    def shortcut(self, x: Tensor) -> Tensor:
        """x in the shape of the block's output."""
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        if self.new_channels:
            before = self.new_channels // 2
            x = F.pad(x, (0, 0, 0, 0, before, self.new_channels - before))
        return x

    def forward(self, input: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(input)))
        y = self.norm2(self.conv2(y))
        return F.relu(y + self.shortcut(input) if self.skip else y)


class ResNet(nn.Module):
    """A 3x3 convolution, stages of residual blocks, global average pooling, and a linear layer.

    The first block of every stage but the first halves height and width. Depth is
    2 * blocks * stages + 2: 20 by default.

    Args:
        in_shape: (C, H, W) of one image.
        num_classes: size of the output.
        blocks: residual blocks per stage.
        widths: channels of the stages.
        norm: ``"batch"``, ``"layer"``, ``"group"`` or ``"none"``.
        skip: without, the same layers are a plain network. Default: True.

    Shape:
        input (N, C, H, W), output (N, num_classes).

    Source: He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", 2016, section 4.2.
    """

    def __init__(
        self,
        in_shape: Sequence[int] = (3, 32, 32),
        num_classes: int = 10,
        blocks: int = 3,
        widths: Sequence[int] = (16, 32, 64),
        norm: str = "batch",
        skip: bool = True,
    ) -> None:
        super().__init__()
        check_norm("ResNet", norm)
        check_count("ResNet", "blocks", blocks)
        widths = check_widths("ResNet", "widths", widths)
        channels = widths[0]
        self.stem = nn.Sequential(
            _conv3x3(in_shape[0], channels), norm2d(norm, channels), nn.ReLU()
        )
        body: list[nn.Module] = []
        for stage, width in enumerate(widths):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                body.append(BasicBlock(channels, width, stride, norm, skip))
                channels = width
        self.body = nn.Sequential(*body)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)
        )

    def forward(self, input: Tensor) -> Tensor:
        return self.head(self.body(self.stem(input)))


def resnet20(
    in_shape: Sequence[int] = (3, 32, 32), num_classes: int = 10, norm: str = "batch"
) -> ResNet:
    """The 20-layer :class:`ResNet` of the CIFAR-10 experiments (0.27 million parameters)."""
    return ResNet(in_shape, num_classes, 3, (16, 32, 64), norm)
