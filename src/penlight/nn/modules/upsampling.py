"""Images and signals of another size."""

from __future__ import annotations

from typing import Any

from penlight.nn import functional as F
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]

Sizes = int | tuple[int, ...] | None
Factors = float | tuple[float, ...] | None


class Upsample(Module):
    """:func:`F.interpolate` to a fixed size, or by a fixed factor.

    Args:
        size: of the output's dimensions of space, one number or one for each.
        scale_factor: instead, what to multiply the input's by.
        mode: ``"nearest"``, ``"linear"``, ``"bilinear"``, ``"bicubic"`` or ``"trilinear"``. Default:
            ``"nearest"``.
        align_corners: keep the values at the corners, in the modes other than nearest.
        recompute_scale_factor: scale by the ratio of the rounded sizes, not by ``scale_factor``.

    Shape:
        (N, C, *S) to (N, C, *size) or (N, C, *floor(S scale_factor)), with 1 to 3 dimensions of space.

    Source: Odena, Dumoulin & Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016, for why
    nearest upsampling and a convolution often serve better than a transposed convolution.
    """

    def __init__(
        self,
        size: Sizes = None,
        scale_factor: Factors = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        self.scale_factor: Factors
        if isinstance(scale_factor, tuple):
            self.scale_factor = tuple(map(float, scale_factor))
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            recompute_scale_factor=self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        if self.scale_factor is not None:
            return f"scale_factor={self.scale_factor!r}, mode={self.mode!r}"
        return f"size={self.size!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """:class:`Upsample` of images with ``mode="nearest"``.

    Args:
        size: (H_out, W_out), or one number for both.
        scale_factor: instead, what to multiply the input's size by.
    """

    def __init__(self, size: Sizes = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """:class:`Upsample` of images with ``mode="bilinear"`` and aligned corners.

    Args:
        size: (H_out, W_out), or one number for both.
        scale_factor: instead, what to multiply the input's size by.
    """

    def __init__(self, size: Sizes = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
