"""Convolutional classifiers."""

from __future__ import annotations

from typing import Any

from benchmarks.workloads.base import Training, classification, labelled
from benchmarks.workloads.optimizers import adam, sgd

__all__ = ["TRAINING", "lenet", "resnet20"]


def lenet(torch: Any) -> Any:
    """As in penlight.models.LeNet."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 7 * 7, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def lenet5(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def vgg_small(torch: Any) -> Any:
    """As in penlight.models.VGG."""
    nn = torch.nn
    layers: list[Any] = []
    channels = 1
    for width, pool in ((8, 2), (24, 2), (72, 7)):
        layers += [
            nn.Conv2d(channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(pool),
        ]
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels, 10))


def cifar_cnn(torch: Any) -> Any:
    nn = torch.nn
    layers: list[Any] = []
    channels = 3
    for width in (24, 48, 96):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(96 * 4 * 4, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def resnet20(torch: Any) -> Any:
    nn = torch.nn
    F = torch.nn.functional

    class Block(torch.nn.Module):
        """ReLU(shortcut(x) + norm(conv(ReLU(norm(conv(x)))))."""

        def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(
                in_channels, out_channels, 3, stride=stride, padding=1, bias=False
            )
            self.norm1 = nn.BatchNorm2d(out_channels)
            self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
            self.norm2 = nn.BatchNorm2d(out_channels)
            self.narrow = in_channels != out_channels
            self.new_channels = out_channels - in_channels

        def shortcut(self, x: Any) -> Any:
            if not self.narrow:
                return x
            half = self.new_channels // 2
            return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, half))

        def forward(self, x: Any) -> Any:
            y = F.relu(self.norm1(self.conv1(x)))
            return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))

    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for width in (16, 32, 64):
        for block in range(3):
            layers.append(Block(channels, width, 2 if width > 16 and block == 0 else 1))
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def depthwise(torch: Any) -> Any:
    """Depthwise-separable blocks, as in MobileNet."""
    nn = torch.nn

    def block(in_channels: int, out_channels: int, stride: int) -> Any:
        return nn.Sequential(
            nn.Conv2d(
                in_channels, in_channels, 3, stride, padding=1, groups=in_channels, bias=False
            ),
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )

    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        block(16, 32, 1),
        block(32, 64, 2),
        block(64, 64, 1),
        block(64, 128, 2),
        block(128, 128, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


GRAY, COLOUR = (1, 28, 28), (3, 32, 32)

TRAINING = [
    Training(
        "lenet", "LeNet 3x3, BatchNorm, batch 100", lenet, classification, labelled(100, *GRAY), sgd
    ),
    Training("lenet5", "LeNet-5, batch 100", lenet5, classification, labelled(100, *GRAY), sgd),
    Training(
        "vgg-small", "small VGG, 28x28, batch 100", vgg_small, classification,
        labelled(100, *GRAY), sgd,
    ),
    Training(
        "cifar-cnn", "CNN of six convolutions, 32x32, batch 128", cifar_cnn, classification,
        labelled(128, *COLOUR), adam,
    ),
    Training(
        "resnet20", "ResNet-20, 32x32, batch 64", resnet20, classification,
        labelled(64, *COLOUR), sgd,
    ),
    Training(
        "depthwise", "depthwise-separable CNN, 32x32, batch 64", depthwise, classification,
        labelled(64, *COLOUR), sgd,
    ),
]  # fmt: skip
