"""LeNet in the form that studies of small CNNs use."""

from __future__ import annotations

from collections.abc import Sequence

from penlight import Tensor, nn
from penlight.models.norm import check_norm, conv_groups, norm2d

__all__ = ["LeNet"]


class LeNet(nn.Module):
    """Two blocks of convolution (3x3, 6 and 16 channels), norm, ReLU and max-pooling, two linears.

    On 1x28x28 images: conv 6 -> 14x14 -> conv 16 -> 7x7 -> 784 -> 84 -> classes.

    Args:
        in_shape: (C, H, W) of one image; H and W at least 4.
        num_classes: size of the output.
        norm: ``"batch"``, ``"layer"``, ``"group"`` (convolutions are then grouped too) or
            ``"none"``.

    Shape:
        input (N, C, H, W), output (N, num_classes).

    Source: LeCun, Bottou, Bengio & Haffner, "Gradient-Based Learning Applied to Document
    Recognition", 1998; there with 5x5 kernels, sigmoids and average pooling.
    """

    def __init__(
        self, in_shape: Sequence[int] = (1, 28, 28), num_classes: int = 10, norm: str = "batch"
    ) -> None:
        super().__init__()
        check_norm("LeNet", norm)
        channels, height, width = in_shape
        if min(height, width) < 4:
            raise ValueError(f"LeNet: in_shape must be at least 4x4 pixels, got {tuple(in_shape)}")
        self.features = nn.Sequential(
            nn.Conv2d(channels, 6, 3, padding=1, groups=conv_groups(norm, channels)),
            norm2d(norm, 6),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 3, padding=1, groups=conv_groups(norm, 6)),
            norm2d(norm, 16),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * (height // 4) * (width // 4), 84),
            nn.ReLU(),
            nn.Linear(84, num_classes),
        )

    def forward(self, input: Tensor) -> Tensor:
        return self.classifier(self.features(input))
