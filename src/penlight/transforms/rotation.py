"""Rotation: where in the old image the centre of each new pixel lies, and what is there.

Around the centre c a new pixel p shows the old place c + R (p - c), where R turns by the angle the
other way; the new pixels are visited, so that none stays empty. Source: Wolberg, "Digital Image
Warping", 1990, chapter 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.ops.scatter import take_along_dim
from penlight.ops.selection import where
from penlight.tensor import Tensor
from penlight.tensor.creation import from_numpy

__all__ = ["expanded_size", "rotate_planes"]


def _matrices(angles: np.ndarray, size: tuple[int, int], center: Any) -> np.ndarray:
    """(N, 2, 3): from a new pixel to an old one, as offsets (x, y) from the image's centre."""
    height, width = size
    radians = np.deg2rad(-angles)
    cos, sin = np.cos(radians), np.sin(radians)
    cx, cy = (0.0, 0.0) if center is None else (center[0] - width / 2, center[1] - height / 2)
    return np.stack(
        [
            np.stack([cos, sin, cx - cos * cx - sin * cy], -1),
            np.stack([-sin, cos, cy + sin * cx - cos * cy], -1),
        ],
        1,
    )


def expanded_size(angle: float, size: tuple[int, int], center: Any) -> tuple[int, int]:
    """(H, W) of the box around the rotated image, in torchvision's precision and rounding.

    Quarter turns around the middle are exact.
    """
    if center is None and angle % 90 == 0:
        return size if angle % 180 == 0 else (size[1], size[0])
    half = np.array([size[1], size[0]], np.float32) / 2
    signs = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]], np.float32)
    (matrix,) = _matrices(np.array([angle]), size, center).astype(np.float32)
    corners = signs * half @ matrix[:, :2].T + matrix[:, 2] + half
    tolerance = np.float32(1e-4)  # past a pixel's edge by less than this, it is not entered
    snapped = np.trunc(corners / tolerance) * tolerance
    width, height = np.ceil(snapped.max(0)) - np.floor(snapped.min(0))
    return int(height), int(width)


def _old_places(
    angles: np.ndarray, old: tuple[int, int], new: tuple[int, int], center: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Row and column in the old image, (N, H W), of every new pixel."""
    matrix = _matrices(angles, old, center)[:, :, :, None]  # (N, 2, 3, 1)
    y, x = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in new), indexing="ij")
    x, y = x.ravel(), y.ravel()
    across, down = (
        matrix[:, i, 0] * x + matrix[:, i, 1] * y + matrix[:, i, 2] + (n - 1) / 2
        for i, n in ((0, old[1]), (1, old[0]))
    )
    return down, across


class _Pixels:
    """The old pixels at given places; outside of the image there are zeros."""

    def __init__(self, x: Tensor) -> None:
        self.height, self.width = x.shape[-2:]
        self.flat = x.reshape(*x.shape[:2], self.height * self.width)  # (N, C, H W)

    def at(self, row: np.ndarray, column: np.ndarray) -> tuple[Tensor, np.ndarray]:
        """Values (N, C, P) at (N, P) or (1, P), and whether they are inside, (N, 1, P)."""
        inside = (row >= 0) & (row < self.height) & (column >= 0) & (column < self.width)
        index = np.where(inside, row * self.width + column, 0)
        if len(index) == 1:
            values = self.flat[..., index[0]]
        else:
            values = take_along_dim(self.flat, from_numpy(index[:, None]), -1)
        return values, inside[:, None]


def rotate_planes(
    x: Tensor,
    angles: np.ndarray,
    mode: str,
    new: tuple[int, int],
    center: Any,
    fill: np.ndarray | None,
) -> Tensor:
    """Rotate images counter-clockwise.

    Args:
        x: (N, C, H, W), for ``"bilinear"`` of a floating dtype.
        angles: in degrees, (N,), or (1,) for all.
        mode: ``"nearest"`` or ``"bilinear"``.
        new: (H, W) of the result.
        center: (x, y) in pixels from the upper left corner; ``None`` for the middle.
        fill: for what was outside, (1,) or (C,) in the dtype of ``x``; ``None`` for 0.

    Returns:
        (N, C, *new). With ``"bilinear"`` and ``fill`` the border is y m + fill (1 - m), where y has
        the zeros outside in it and m is the part that lies inside: torchvision's blend.
    """
    row, column = _old_places(angles, tuple(x.shape[-2:]), new, center)
    pixels = _Pixels(x)
    colour = None if fill is None else from_numpy(fill[:, None])
    if mode == "nearest":
        values, inside = pixels.at(np.rint(row).astype(np.intp), np.rint(column).astype(np.intp))
        y = where(from_numpy(inside), values, 0 if colour is None else colour)
    else:
        y = _bilinear(pixels, row, column, colour)
    return y.reshape(*x.shape[:2], *new)


def _bilinear(pixels: _Pixels, row: np.ndarray, column: np.ndarray, colour: Tensor | None) -> Any:
    dtype = pixels.flat.dtype.numpy
    top, left = np.floor(row).astype(np.intp), np.floor(column).astype(np.intp)
    down, across = row - top, column - left
    y: Any = 0
    covered: Any = 0
    for i, rows in ((0, 1 - down), (1, down)):
        for j, columns in ((0, 1 - across), (1, across)):
            values, inside = pixels.at(top + i, left + j)
            weight = np.where(inside, (rows * columns)[:, None], 0).astype(dtype)
            y = y + values * from_numpy(weight)
            covered = covered + weight
    if colour is None:
        return y
    mask = from_numpy(covered)
    return y * mask + colour * (1 - mask)
