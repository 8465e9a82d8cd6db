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
from penlight.transforms.padding import pad_planes

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
    y, x = (np.arange(n) - (n - 1) / 2 for n in new)
    across, down = (
        (matrix[:, i, 0] * x)[:, None, :]
        + (matrix[:, i, 1] * y + matrix[:, i, 2] + (n - 1) / 2)[:, :, None]
        for i, n in ((0, old[1]), (1, old[0]))
    )
    shape = (len(angles), new[0] * new[1])
    return down.reshape(shape), across.reshape(shape)


class _Pixels:
    """The old pixels at given places, with a border of zeros for all that lies outside."""

    def __init__(self, x: Tensor) -> None:
        self.height, self.width = x.shape[-2:]
        padded = pad_planes(x, 1, 1, 1, 1, 0, "constant")
        size = (self.height + 2) * (self.width + 2)
        self.flat = padded.reshape(*x.shape[:2], size)  # (N, C, size)

    def at(self, row: np.ndarray, column: np.ndarray) -> Tensor:
        """Values (N, C, P) at whole places (N, P), or (1, P) for all images."""
        row = np.clip(row, -1, self.height) + 1
        index = row * (self.width + 2) + (np.clip(column, -1, self.width) + 1)
        if len(index) == 1:
            return self.flat[..., index[0]]
        return take_along_dim(self.flat, from_numpy(index[:, None]), -1)


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
    if mode == "nearest":
        row, column = np.rint(row).astype(np.intp), np.rint(column).astype(np.intp)
        y = pixels.at(row, column)
    else:
        y = _bilinear(pixels, row, column)
    if fill is not None:
        y = _filled(y, _coverage(row, x.shape[-2]) * _coverage(column, x.shape[-1]), mode, fill)
    return y.reshape(*x.shape[:2], *new)


def _bilinear(pixels: _Pixels, row: np.ndarray, column: np.ndarray) -> Any:
    dtype = pixels.flat.dtype.numpy
    top, left = np.floor(row), np.floor(column)
    down, across = (row - top).astype(dtype), (column - left).astype(dtype)
    top, left = top.astype(np.intp), left.astype(np.intp)
    y: Any = 0
    for i, rows in ((0, 1 - down), (1, down)):
        for j, columns in ((0, 1 - across), (1, across)):
            y = y + pixels.at(top + i, left + j) * from_numpy((rows * columns)[:, None])
    return y


def _coverage(position: np.ndarray, size: int) -> np.ndarray:
    """How much of a pixel at ``position`` lies on one of ``size`` pixels, along one dimension."""
    return np.clip(np.minimum(position + 1, size - position), 0, 1)


def _filled(y: Tensor, covered: np.ndarray, mode: str, fill: np.ndarray) -> Tensor:
    colour = from_numpy(fill[:, None])
    mask = from_numpy(covered[:, None].astype(np.bool_ if mode == "nearest" else fill.dtype))
    if mode == "nearest":
        return where(mask, y, colour)
    return y * mask + colour * (1 - mask)
