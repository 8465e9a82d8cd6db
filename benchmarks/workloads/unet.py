"""The network of a small diffusion model: it predicts the noise in an image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.workloads.base import Training, images
from benchmarks.workloads.optimizers import adam

__all__ = ["TRAINING", "unet"]

BATCH = 64


def unet(torch: Any, widths: tuple[int, ...] = (32, 64, 64)) -> Any:
    """A UNet for 28x28 images: down to 7x7, where it attends, and up again."""
    nn = torch.nn
    F = torch.nn.functional
    time_width = 4 * widths[0]

    class TimeEmbedding(torch.nn.Module):
        """Sines and cosines of the time step, then a small MLP."""

        def __init__(self) -> None:
            super().__init__()
            self.linear1 = nn.Linear(widths[0], time_width)
            self.linear2 = nn.Linear(time_width, time_width)
            half = widths[0] // 2
            frequencies = torch.exp(-math.log(10000) / half * torch.arange(half))
            self.register_buffer("frequencies", frequencies, persistent=False)

        def forward(self, t: Any) -> Any:
            angles = t.float()[:, None] * self.frequencies[None]  # (N, widths[0] / 2)
            waves = torch.cat([angles.sin(), angles.cos()], dim=1)
            return self.linear2(F.silu(self.linear1(waves)))

    class Block(torch.nn.Module):
        """Two convolutions with the time added in between, and a shortcut."""

        def __init__(self, in_channels: int, out_channels: int) -> None:
            super().__init__()
            self.norm1 = nn.GroupNorm(8, in_channels)
            self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
            self.time = nn.Linear(time_width, out_channels)
            self.norm2 = nn.GroupNorm(8, out_channels)
            self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
            same = in_channels == out_channels
            self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)

        def forward(self, x: Any, time: Any) -> Any:
            y = self.conv1(F.silu(self.norm1(x)))
            y = y + self.time(F.silu(time))[:, :, None, None]
            y = self.conv2(F.silu(self.norm2(y)))
            return y + self.shortcut(x)

    class Attention(torch.nn.Module):
        """Every pixel attends to every other."""

        def __init__(self, channels: int, heads: int = 4) -> None:
            super().__init__()
            self.heads = heads
            self.norm = nn.GroupNorm(8, channels)
            self.qkv = nn.Conv2d(channels, 3 * channels, 1)
            self.out = nn.Conv2d(channels, channels, 1)

        def forward(self, x: Any) -> Any:
            n, c, h, w = x.shape
            qkv = self.qkv(self.norm(x)).view(n, 3, self.heads, c // self.heads, h * w)
            q, k, v = qkv.transpose(3, 4).unbind(1)  # each (N, heads, pixels, c / heads)
            y = F.scaled_dot_product_attention(q, k, v)
            return x + self.out(y.transpose(2, 3).reshape(n, c, h, w))

    class UNet(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            a, b, c = widths
            self.time = TimeEmbedding()
            self.stem = nn.Conv2d(1, a, 3, padding=1)
            self.down1 = Block(a, a)
            self.half1 = nn.Conv2d(a, a, 3, stride=2, padding=1)  # to 14x14
            self.down2 = Block(a, b)
            self.half2 = nn.Conv2d(b, b, 3, stride=2, padding=1)  # to 7x7
            self.middle1 = Block(b, c)
            self.attention = Attention(c)
            self.middle2 = Block(c, b)
            self.up2 = Block(b + b, a)
            self.up1 = Block(a + a, a)
            self.norm = nn.GroupNorm(8, a)
            self.out = nn.Conv2d(a, 1, 3, padding=1)

        def forward(self, x: Any, t: Any) -> Any:
            time = self.time(t)
            x1 = self.down1(self.stem(x), time)  # 28x28
            x2 = self.down2(self.half1(x1), time)  # 14x14
            y = self.middle1(self.half2(x2), time)  # 7x7
            y = self.middle2(self.attention(y), time)
            y = F.interpolate(y, scale_factor=2, mode="nearest")
            y = self.up2(torch.cat([y, x2], dim=1), time)
            y = F.interpolate(y, scale_factor=2, mode="nearest")
            y = self.up1(torch.cat([y, x1], dim=1), time)
            return self.out(F.silu(self.norm(y)))

    return UNet()


def noise_loss(torch: Any, model: Any, x: Any, t: Any, noise: Any) -> Any:
    return torch.nn.functional.mse_loss(model(x, t), noise)


def noisy_images(rng: np.random.Generator) -> list[np.ndarray]:
    """Images at random steps of a diffusion, the steps, and the noise in them."""
    steps = rng.integers(0, 1000, BATCH)
    kept = np.cos(steps / 1000 * math.pi / 2).astype(np.float32)[:, None, None, None]
    clean, noise = images(rng, BATCH, 1, 28, 28), images(rng, BATCH, 1, 28, 28)
    return [kept * clean + np.sqrt(1 - kept * kept) * noise, steps, noise]


TRAINING = [
    Training(
        "unet", f"diffusion UNet, 28x28, batch {BATCH}", unet, noise_loss, noisy_images, adam,
        extra_flops=2 * 2 * BATCH * 49 * 49 * 64,
    ),
]  # fmt: skip
