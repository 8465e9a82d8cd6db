"""Sampling images at points of a grid, and the grids of affine maps.

Source: Jaderberg, Simonyan, Zisserman & Kavukcuoglu, "Spatial Transformer Networks", 2015.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from penlight.autograd.base import wrap
from penlight.ops.embedding import Embedding
from penlight.ops.joining import stack
from penlight.tensor import Tensor

__all__ = ["affine_grid", "grid_sample"]

CUBIC = -0.75  # the slope of Keys' cubic at 1


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The points theta (x, y, 1) for all pixels (x, y) of an output image, in units of -1 to 1.

    Args:
        theta: (N, 2, 3), or (N, 3, 4) for volumes.
        size: of the output, (N, C, H, W) or (N, C, D, H, W).
        align_corners: -1 and 1 are the centres of the outermost pixels, not their outer edges.

    Returns:
        (N, H, W, 2) or (N, D, H, W, 3), x first, as :func:`grid_sample` takes it.

    Raises:
        ValueError: if ``theta`` or ``size`` have other shapes, or ``theta`` is not floating.
    """
    align = _default("affine_grid", align_corners)
    if not theta.is_floating_point():
        raise ValueError(f"affine_grid: Expected theta to have floating point type, but got {theta.dtype}")  # fmt: skip
    size = tuple(int(n) for n in size)
    if len(size) not in (4, 5):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {size}."
        )
    d = len(size) - 2
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (d, d + 1):
        raise ValueError(
            f"affine_grid: Expected a batch of {d}D affine matrices of shape Nx{d}x{d + 1} for size "
            f"{size}. Got {tuple(theta.shape)}."
        )
    if min(size) <= 0:
        raise ValueError(f"affine_grid: Expected non-zero, positive output size. Got {size}")
    if size[0] != theta.shape[0]:
        raise RuntimeError(f"affine_grid: size asks for a batch of {size[0]}, theta has {theta.shape[0]}")  # fmt: skip
    if align and min(size[2:]) == 1:
        warnings.warn(
            "affine_grid: with align_corners=True a dimension of size 1 lies at 0, which is not what a "
            "pixel between -1 and 1 suggests",
            UserWarning,
            stacklevel=2,
        )
    lines = []
    for n in size[2:]:
        step = 1.0 if align else (n - 1) / n
        lines.append(np.linspace(-step, step, n) if n > 1 else np.zeros(1))
    axes = np.meshgrid(*lines, indexing="ij")
    points = np.stack([*axes[::-1], np.ones(size[2:])], -1).reshape(-1, d + 1)
    base = theta.new_tensor(points.astype(theta._array.dtype))
    return (base @ theta.transpose(1, 2)).reshape(size[0], *size[2:], d)


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The input's values at the grid's points, in between by interpolation.

    Args:
        input: (N, C, H, W) or (N, C, D, H, W).
        grid: (N, H', W', 2) or (N, D', H', W', 3), each point (x, y) or (x, y, z) in units in which -1
            and 1 are the ends of the input.
        mode: ``"bilinear"`` (trilinear for volumes), ``"nearest"``, or ``"bicubic"`` (images only).
        padding_mode: outside of the input lie ``"zeros"``, the ``"border"``, or its ``"reflection"``.
        align_corners: -1 and 1 are the centres of the outermost pixels, not their outer edges; mirrors
            stand there too.

    Returns:
        (N, C, H', W') or (N, C, D', H', W').

    Raises:
        ValueError: for an unknown ``mode`` or ``padding_mode``.
        RuntimeError: if shapes or dtypes don't fit.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"grid_sample: expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: {mode!r}"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "grid_sample: expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"{padding_mode!r}"
        )
    align = _default("grid_sample", align_corners)
    _check_shapes(input, grid, mode)
    sizes = tuple(input.shape[2:])
    flat = grid.reshape(grid.shape[0], math.prod(grid.shape[1:-1]), len(sizes))
    # innermost dimension first in the grid
    places = [_unnormalised(flat[..., -1 - i], n, align) for i, n in enumerate(sizes)]
    image = _Image(input, padding_mode, align)
    y = {"bilinear": _linear, "nearest": _nearest, "bicubic": _cubic}[mode](image, places)
    return y.transpose(1, 2).reshape(*input.shape[:2], *grid.shape[1:-1])


def _default(name: str, align_corners: bool | None) -> bool:
    if align_corners is None:
        warnings.warn(
            f"{name}: align_corners is False by default (as since PyTorch 1.3.0); say which you want",
            UserWarning,
            stacklevel=3,
        )
        return False
    return align_corners


def _check_shapes(input: Tensor, grid: Tensor, mode: str) -> None:
    shapes = f"got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if not input.is_floating_point():
        raise NotImplementedError(f"grid_sample: not implemented for {input.dtype}; use a floating dtype")  # fmt: skip
    if input.dtype != grid.dtype:
        raise RuntimeError(f"grid_sample: expected input and grid to have the same dtype, but got {input.dtype} and {grid.dtype}")  # fmt: skip
    if input.ndim not in (4, 5) or input.ndim != grid.ndim:
        raise RuntimeError(f"grid_sample: expected 4D or 5D input and grid with same number of dimensions, but {shapes}")  # fmt: skip
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(f"grid_sample: expected grid and input to have same batch size, but {shapes}")  # fmt: skip
    if grid.shape[-1] != input.ndim - 2:
        raise RuntimeError(f"grid_sample: expected grid to have size {input.ndim - 2} in last dimension, but {shapes}")  # fmt: skip
    if 0 in input.shape[2:]:
        raise RuntimeError(f"grid_sample: expected input to have non-empty spatial dimensions, but {shapes}")  # fmt: skip
    if mode == "bicubic" and input.ndim == 5:
        raise RuntimeError("grid_sample: bicubic interpolation only supports 4D input")


def _unnormalised(x: Tensor, n: int, align: bool) -> Tensor:
    """From -1 ... 1 to pixels 0 ... n - 1."""
    return (x + 1) * ((n - 1) / 2) if align else ((x + 1) * n - 1) / 2


class _Image:
    """The pixels as rows (N H W, C), and what lies outside of them."""

    def __init__(self, input: Tensor, padding: str, align: bool) -> None:
        self.batch, channels, *self.sizes = input.shape
        order = (0, *range(2, input.ndim), 1)
        self.rows = input.permute(order).reshape(-1, channels)
        self.padding, self.align = padding, align

    def inside(self, x: Tensor, n: int) -> Tensor:
        """Places brought into 0 ... n - 1 as the padding says; those at the edges have no gradient."""
        if self.padding == "zeros":
            return x
        if self.padding == "reflection":
            x = self._reflected(x, n)
        values = x._array
        within = wrap(Tensor, (values > 0) & (values < n - 1))
        edge = wrap(Tensor, np.where(values >= n - 1, n - 1, 0).astype(values.dtype))
        return x.where(within, edge)

    def _reflected(self, x: Tensor, n: int) -> Tensor:
        """Mirrored at the ends as often as needed: +-x + c."""
        low, span = (0.0, n - 1) if self.align else (-0.5, n)
        if span == 0:
            return x * 0
        values = x._array
        from_low = values - low
        turns = np.floor(np.abs(from_low) / span)
        odd = turns % 2 == 1
        rest = np.abs(from_low) - turns * span
        mirrored = np.where(odd, span - rest, rest) + low
        sign = np.where((from_low < 0) != odd, -1, 1).astype(values.dtype)
        shift = (mirrored - sign * values).astype(values.dtype)
        return x * wrap(Tensor, sign) + wrap(Tensor, shift)

    def at(self, places: Sequence[np.ndarray]) -> Tensor:
        """The pixels (N, P, C) at integer places (N, P) along each dimension; zeros outside."""
        index, present = np.zeros(places[0].shape, np.int64), np.ones(places[0].shape, bool)
        for x, n in zip(places, self.sizes, strict=True):
            present = present & (x >= 0) & (x <= n - 1)
            index = index * n + np.clip(np.nan_to_num(x, nan=0.0), 0, n - 1).astype(np.int64)
        pixels = int(np.prod(self.sizes))
        index += pixels * np.arange(self.batch)[:, None]
        found: Tensor = Embedding.apply(self.rows, index, None, False)
        if present.all():
            return found
        return found * wrap(Tensor, present[..., None].astype(found._array.dtype))


def _nearest(image: _Image, places: list[Tensor]) -> Tensor:
    inside = [image.inside(x, n) for x, n in zip(places, image.sizes, strict=True)]
    y = image.at([np.rint(x._array) for x in inside])
    if places[0].requires_grad:  # a gradient of zeros, rather than none
        y = y + places[0].masked_fill(wrap(Tensor, np.ones(places[0].shape, bool)), 0).unsqueeze(-1)
    return y


def _linear(image: _Image, places: list[Tensor]) -> Tensor:
    """The 2^d pixels around each place, weighted by nearness in each dimension."""
    inside = [image.inside(x, n) for x, n in zip(places, image.sizes, strict=True)]
    floors = [np.floor(x._array) for x in inside]
    after = [x - wrap(Tensor, f) for x, f in zip(inside, floors, strict=True)]
    weights = [(1 - t, t) for t in after]
    return _weighted(image, floors, weights, (0, 1))


def _cubic(image: _Image, places: list[Tensor]) -> Tensor:
    """The 4 x 4 pixels around each place, weighted by Keys' cubic in each dimension."""
    floors = [np.floor(x._array) for x in places]
    weights = [_keys(x - wrap(Tensor, f)) for x, f in zip(places, floors, strict=True)]
    return _weighted(image, floors, weights, (-1, 0, 1, 2))


def _keys(t: Tensor) -> list[Tensor]:
    """Weights of the pixels at -1, 0, 1 and 2 for a place at t between 0 and 1."""
    near = [((CUBIC + 2) * s - (CUBIC + 3)) * s * s + 1 for s in (t, 1 - t)]
    far = [((CUBIC * s - 5 * CUBIC) * s + 8 * CUBIC) * s - 4 * CUBIC for s in (t + 1, 2 - t)]
    return [far[0], near[0], near[1], far[1]]


def _weighted(
    image: _Image, floors: list[np.ndarray], weights: Sequence[Sequence[Tensor]], steps: Any
) -> Tensor:
    """sum over neighbours of the product of their weights times the pixel."""
    cubic = len(steps) == 4
    terms = []
    for corner in product(range(len(steps)), repeat=len(floors)):
        at = [f + steps[k] for f, k in zip(floors, corner, strict=True)]
        if cubic and image.padding != "zeros":  # neighbours, not places, are brought inside
            at = [image.inside(wrap(Tensor, x), n)._array for x, n in zip(at, image.sizes, strict=True)]  # fmt: skip
        weight = weights[0][corner[0]]
        for of_dimension, k in zip(weights[1:], corner[1:], strict=True):
            weight = weight * of_dimension[k]
        terms.append(image.at(at) * weight.unsqueeze(-1))
    return stack(terms).sum(0) if cubic else sum(terms[1:], terms[0])
