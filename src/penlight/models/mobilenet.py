"""Networks of depthwise-separable convolutions for small images."""

from __future__ import annotations

from collections.abc import Sequence

from penlight import Tensor, nn
from penlight.models.checks import check_count, check_widths
from penlight.models.norm import check_norm, norm2d

__all__ = ["MobileNet", "SeparableConv"]


class SeparableConv(nn.Sequential):
    """A 3x3 convolution of each channel by itself, then a 1x1 convolution over channels.

    9 C + C F weights instead of 9 C F: nearly nine times fewer, and as many times fewer products.
    Each of the two is followed by its norm and ReLU.

    Shape:
        input (N, C, H, W), output (N, F, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, norm: str) -> None:
        bias = norm == "none"
        super().__init__(
            nn.Conv2d(
                in_channels, in_channels, 3, stride, padding=1, groups=in_channels, bias=bias
            ),
            norm2d(norm, in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, out_channels, 1, bias=bias),
            norm2d(norm, out_channels),
            nn.ReLU(),
        )


class MobileNet(nn.Module):
    """A 3x3 convolution, stages of separable convolutions, global average pooling, a linear layer.

    The first block of every stage but the first halves height and width.

    Args:
        in_shape: (C, H, W) of one image.
        num_classes: size of the output.
        widths: channels of the stages; the first convolution has half of the first.
        blocks: separable convolutions per stage.
        multiplier: makes all layers wider or narrower by this factor.
        norm: ``"batch"``, ``"layer"``, ``"group"`` or ``"none"``.

    Shape:
        input (N, C, H, W), output (N, num_classes).

    Source: Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
    Applications", 2017, scaled down for small images.
    """

    def __init__(
        self,
        in_shape: Sequence[int] = (1, 28, 28),
        num_classes: int = 10,
        widths: Sequence[int] = (32, 64, 128),
        blocks: int = 2,
        multiplier: float = 1.0,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        check_norm("MobileNet", norm)
        check_count("MobileNet", "blocks", blocks)
        widths = check_widths("MobileNet", "widths", widths)
        if not multiplier > 0:
            raise ValueError(f"MobileNet: multiplier must be above 0, got {multiplier}")
        scaled = [_even(width * multiplier) for width in widths]
        channels = _even(scaled[0] / 2)
        self.stem = nn.Sequential(
            nn.Conv2d(in_shape[0], channels, 3, padding=1, bias=norm == "none"),
            norm2d(norm, channels),
            nn.ReLU(),
        )
        body: list[nn.Module] = []
        for stage, width in enumerate(scaled):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                body.append(SeparableConv(channels, width, stride, norm))
                channels = width
        self.body = nn.Sequential(*body)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)
        )

    def forward(self, input: Tensor) -> Tensor:
        return self.head(self.body(self.stem(input)))


def _even(width: float) -> int:
    """The nearest even number above zero, which group norm can split."""
    return max(2 * round(width / 2), 2)
