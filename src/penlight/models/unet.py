"""A U-Net that tells noise from image, as diffusion models need it.

Source: Ronneberger, Fischer & Brox, "U-Net", MICCAI 2015, for the shape; Ho, Jain & Abbeel, "Denoising
Diffusion Probabilistic Models", NeurIPS 2020, appendix B, for its parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import penlight as torch
from penlight import Tensor, nn
from penlight.models.checks import check_count, check_widths
from penlight.nn import functional as F

__all__ = ["UNet", "time_embedding"]


def time_embedding(t: Tensor, width: int) -> Tensor:
    """[cos(t w_i), sin(t w_i)] with w_i = 10000^(-i / half), i < half = width / 2.

    Args:
        t: (N,), times.
        width: even.

    Returns:
        (N, width), float32.

    Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.5.
    """
    half = width // 2
    frequencies = torch.exp(torch.arange(half) * (-math.log(10000) / half))
    angles = t.float()[:, None] * frequencies  # (N, half)
    return torch.cat([angles.cos(), angles.sin()], 1)


def _zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """A last layer that starts at zero, so that the block around it starts as the identity."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class ResidualBlock(nn.Module):
    """y = shortcut(x) + conv(dropout(silu(norm(conv(silu(norm(x))) + linear(silu(e)))))).

    e, the embedding of time (and class), shifts each channel by a number of its own.

    Shape:
        x (N, C_in, H, W), e (N, E), y (N, C_out, H, W).
    """

    def __init__(
        self, in_channels: int, out_channels: int, embedding: int, groups: int, dropout: float
    ) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(math.gcd(groups, in_channels), in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.shift = nn.Linear(embedding, out_channels)
        self.norm2 = nn.GroupNorm(groups, out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = _zeroed(nn.Conv2d(out_channels, out_channels, 3, padding=1))
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.shift(F.silu(e))[:, :, None, None]
        h = self.conv2(self.dropout(F.silu(self.norm2(h))))
        return h + self.shortcut(x)


class SelfAttention(nn.Module):
    """y = x + projection of attention(q, k, v), in which every pixel may look at every other.

    Shape:
        x and y (N, C, H, W).
    """

    def __init__(self, channels: int, heads: int, groups: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.projection = _zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        n, c, height, width = x.shape
        qkv = self.qkv(self.norm(x)).reshape(n, 3, self.heads, c // self.heads, height * width)
        q, k, v = qkv.transpose(-1, -2).unbind(1)  # (N, heads, H W, C / heads) each
        y = F.scaled_dot_product_attention(q, k, v)
        return x + self.projection(y.transpose(-1, -2).reshape(n, c, height, width))


class Stage(nn.Module):
    """A residual block, with self-attention behind it if ``heads`` is not 0."""

    def __init__(self, block: ResidualBlock, channels: int, heads: int, groups: int) -> None:
        super().__init__()
        self.block = block
        self.attention = SelfAttention(channels, heads, groups) if heads else nn.Identity()

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        return self.attention(self.block(x, e))


class Upsample(nn.Module):
    """Each pixel four times, then a convolution: twice the height and width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class UNet(nn.Module):
    """What was added to an image, from the sum, the time, and perhaps the class.

    On the way down each level has ``blocks`` stages, and halves height and width at its end; on the
    way up it has one more, and each stage gets the channels of one on the way down besides its own.

    Args:
        in_shape: (C, H, W) of one image; H and W must be divisible by 2^(levels - 1).
        widths: channels of the levels.
        blocks: stages per level on the way down.
        attention: heights of the levels that have self-attention; the middle always has.
        heads: of the attention.
        num_classes: number of classes to tell it; None for none. There is one more, which stands for
            "not told", as guidance without a classifier needs it.
        dropout: in the residual blocks.
        groups: of the group norms; must divide all widths.

    Shape:
        x (N, C, H, W), t (N,) times, y (N,) classes or None for "not told"; output as x.

    Raises:
        ValueError: if the numbers do not fit each other.

    Source: Ho, Jain & Abbeel, "Denoising Diffusion Probabilistic Models", NeurIPS 2020, appendix B;
    Ho & Salimans, "Classifier-Free Diffusion Guidance", 2022, for the class that is not told.
    """

    def __init__(
        self,
        in_shape: Sequence[int] = (1, 28, 28),
        widths: Sequence[int] = (32, 64, 128),
        blocks: int = 2,
        attention: Sequence[int] = (14, 7),
        heads: int = 1,
        num_classes: int | None = None,
        dropout: float = 0.0,
        groups: int = 8,
    ) -> None:
        super().__init__()
        widths = check_widths("UNet", "widths", widths)
        _check(in_shape, widths, blocks, heads, num_classes, groups)
        channels, height, _ = in_shape
        self.in_channels, self.divisor = channels, 2 ** (len(widths) - 1)
        self.num_classes, self.time_width = num_classes, 2 * widths[0]
        embedding = 4 * widths[0]
        self.time = nn.Sequential(
            nn.Linear(self.time_width, embedding), nn.SiLU(), nn.Linear(embedding, embedding)
        )
        if num_classes is not None:
            self.classes = nn.Embedding(num_classes + 1, embedding)

        def stage(inner: int, outer: int, level: int) -> Stage:
            block = ResidualBlock(inner, outer, embedding, groups, dropout)
            return Stage(block, outer, heads if height >> level in attention else 0, groups)

        self.stem = nn.Conv2d(channels, widths[0], 3, padding=1)
        width, skips = widths[0], [widths[0]]
        self.down = nn.ModuleList()
        for level, wide in enumerate(widths):
            for _ in range(blocks):
                self.down.append(stage(width, wide, level))
                width = wide
                skips.append(width)
            if level < len(widths) - 1:
                self.down.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
                skips.append(width)
        self.middle1 = ResidualBlock(width, width, embedding, groups, dropout)
        self.middle_attention = SelfAttention(width, heads, groups)
        self.middle2 = ResidualBlock(width, width, embedding, groups, dropout)
        self.up = nn.ModuleList()
        for level, wide in reversed(list(enumerate(widths))):
            for _ in range(blocks + 1):
                self.up.append(stage(width + skips.pop(), wide, level))
                width = wide
            if level:
                self.up.append(Upsample(width))
        self.norm = nn.GroupNorm(groups, width)
        self.head = _zeroed(nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        self._check_input(x, t, y)
        e = self.time(time_embedding(t, self.time_width).to(x.dtype))
        if self.num_classes is not None:
            if y is None:
                y = torch.full((len(x),), self.num_classes)
            e = e + self.classes(y)
        h = self.stem(x)
        skips = [h]
        for step in self.down:
            h = step(h, e) if isinstance(step, Stage) else step(h)
            skips.append(h)
        h = self.middle2(self.middle_attention(self.middle1(h, e)), e)
        for step in self.up:
            h = step(torch.cat([h, skips.pop()], 1), e) if isinstance(step, Stage) else step(h)
        return self.head(F.silu(self.norm(h)))

    def _check_input(self, x: Tensor, t: Tensor, y: Tensor | None) -> None:
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ValueError(f"UNet: x must be (N, {self.in_channels}, H, W), got {tuple(x.shape)}")
        if x.shape[2] % self.divisor or x.shape[3] % self.divisor:
            raise ValueError(
                f"UNet: height and width must be divisible by {self.divisor}, got "
                f"{tuple(x.shape[2:])}; pad the images"
            )
        if t.shape != x.shape[:1]:
            raise ValueError(
                f"UNet: t must be one time for each image, of shape ({len(x)},), got {tuple(t.shape)}"
            )
        if y is not None and self.num_classes is None:
            raise ValueError("UNet: got classes y, but was made without num_classes")
        if y is not None and y.shape != x.shape[:1]:
            raise ValueError(
                f"UNet: y must be one class for each image, of shape ({len(x)},), got {tuple(y.shape)}"
            )


def _check(
    in_shape: Sequence[int],
    widths: Sequence[int],
    blocks: int,
    heads: int,
    num_classes: int | None,
    groups: int,
) -> None:
    check_count("UNet", "blocks", blocks)
    check_count("UNet", "heads", heads)
    check_count("UNet", "groups", groups)
    if num_classes is not None:
        check_count("UNet", "num_classes", num_classes)
    if len(in_shape) != 3:
        raise ValueError(f"UNet: in_shape must be (C, H, W), got {tuple(in_shape)}")
    divisor = 2 ** (len(widths) - 1)
    if in_shape[1] % divisor or in_shape[2] % divisor:
        raise ValueError(
            f"UNet: in_shape {tuple(in_shape)} must have a height and width divisible by {divisor}, "
            f"as there are {len(widths)} widths"
        )
    for name, value in (("groups", groups), ("heads", heads)):
        bad = [w for w in widths if w % value]
        if bad:
            raise ValueError(f"UNet: {name} (={value}) must divide all widths, got {bad[0]}")
