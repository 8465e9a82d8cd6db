"""Images and signals of another size."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Sequence
from typing import Any

from penlight.kernels.resampling_axes import (
    Axis,
    area_axis,
    filtered_axis,
    nearest_axis,
    smooth_axis,
)
from penlight.nn.functional.adaptive_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d
from penlight.ops.resampling import CopyElements, Mix, RepeatBlocks
from penlight.tensor import Tensor

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

Sizes = Any  # an int, or ints
Factors = Any  # a number, or numbers

_RANKS = {"linear": 3, "bilinear": 4, "trilinear": 5, "bicubic": 4, "lanczos": 4}
_COPYING = {"nearest": "Nearest", "nearest-exact": "NearestExact"}
_FILTERED = ("bilinear", "bicubic", "lanczos")


def interpolate(
    input: Tensor,
    size: Sizes = None,
    scale_factor: Factors = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """The input at another size: y = A x along each dimension of space, rows of A being weights.

    Args:
        input: (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: of the output, one number for all dimensions of space or one for each.
        scale_factor: instead of ``size``, what to multiply the input's size by (rounded down).
        mode: ``"nearest"`` (copies of the element under the first corner), ``"nearest-exact"`` (under
            the centre), ``"linear"``, ``"bilinear"``, ``"trilinear"`` (by rank), ``"bicubic"``
            (a = -3/4; may overshoot), ``"lanczos"`` (images, with ``antialias``), ``"area"`` (means).
            Default: ``"nearest"``.
        align_corners: put the centres of the first and last elements upon each other, rather than the
            borders; for the smooth modes alone. Default: None, which is False.
        recompute_scale_factor: scale by the ratio of the rounded sizes, not by ``scale_factor``.
        antialias: when shrinking images, weigh all elements under a new one. Default: False.

    Raises:
        ValueError: if options contradict each other or have the wrong length.
        NotImplementedError: for a mode that does not fit the rank, or a dtype without such numbers.
        RuntimeError: if a size is not above zero, or channels are missing.

    Source: Keys, "Cubic convolution interpolation for digital image processing", 1981, for bicubic;
    Turkowski, "Filters for common resampling tasks", Graphics Gems I, 1990, for antialiasing.
    """
    shape = input._array.shape
    rank, old = len(shape), shape[2:]
    n = rank - 2
    _check_options(rank, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    factors: Sequence[float | None] = (None,) * n
    if scale_factor is None:
        new = _integers(size, n, old)
    else:
        factors = _numbers(scale_factor, n, old)
        new = tuple(math.trunc(m * f) for m, f in zip(old, factors, strict=True))
        if recompute_scale_factor or mode == "area":
            factors = (None,) * n
    if mode == "area":
        return _area(input, new)
    _check_sizes(shape, new)
    double = input._array.dtype.char == "d"
    geometry = list(zip(old, new, factors, strict=True))
    if mode in _COPYING:
        copies = tuple(nearest_axis(*g, mode == "nearest-exact", double) for g in geometry)
        return _copied(input, copies, f"Upsample{_COPYING[mode]}{n}DBackward0")
    align = bool(align_corners)
    if antialias:
        axes = tuple(filtered_axis(*g, align, mode) for g in geometry)
    else:
        axes = tuple(smooth_axis(*g, align, mode == "bicubic", double) for g in geometry)
    ending = "Aa" if antialias else ""
    return _mixed(input, axes, f"Upsample{mode.title()}{n}D{ending}Backward0")


def _copied(x: Tensor, axes: tuple[Axis, ...], label: str) -> Tensor:
    _refuse(x, x._array.dtype.kind == "f" or x._array.dtype == "uint8")
    factors = tuple(axis.factor for axis in axes)
    if all(factors):
        return RepeatBlocks.apply(x, factors, label)
    return CopyElements.apply(x, axes, label)


def _mixed(x: Tensor, axes: tuple[Axis, ...], label: str) -> Tensor:
    _refuse(x, x._array.dtype.kind == "f" or (x._array.dtype == "uint8" and len(axes) == 2))
    return Mix.apply(x, axes, label)


def _area(x: Tensor, new: tuple[int, ...]) -> Tensor:
    if len(new) == 1:
        return adaptive_avg_pool1d(x, new)
    if len(new) == 2:
        return adaptive_avg_pool2d(x, new)
    _check_sizes(x._array.shape, new)
    _refuse(x, x._array.dtype.kind == "f")
    axes = tuple(area_axis(m, o) for m, o in zip(x._array.shape[2:], new, strict=True))
    return Mix.apply(x, axes, "AdaptiveAvgPool3DBackward0")


# -- arguments -----------------------------------------------------------------------------------


def _check_options(
    rank: int,
    size: Any,
    scale_factor: Any,
    mode: str,
    align_corners: bool | None,
    recompute_scale_factor: bool | None,
    antialias: bool,
) -> None:
    copying = mode in _COPYING or mode == "area"
    if copying and align_corners is not None:
        raise ValueError(
            f"interpolate: align_corners can only be set with the modes linear, bilinear, bicubic, "
            f"trilinear; got mode={mode!r} and align_corners={align_corners}"
        )
    if (size is None) == (scale_factor is None):
        found = "neither" if size is None else "both"
        raise ValueError(
            f"interpolate: exactly one of size or scale_factor should be defined, got {found}"
        )
    if recompute_scale_factor and size is not None:
        raise ValueError(
            "interpolate: recompute_scale_factor is not meaningful with an explicit size"
        )
    if antialias and not (mode in _FILTERED and rank == 4):
        raise ValueError(
            "interpolate: antialias is restricted to the modes bilinear, bicubic and lanczos and "
            f"4D input, got mode={mode!r} and {rank}D input"
        )
    wanted = _RANKS.get(mode)
    if wanted is None and not (copying and rank in (3, 4, 5)):
        raise NotImplementedError(
            "interpolate: only 3D, 4D and 5D input is supported, for the modes nearest, linear, "
            f"bilinear, bicubic, trilinear, lanczos, area, nearest-exact; got {rank}D input and "
            f"mode={mode!r}"
        )
    if wanted is not None and rank != wanted:
        raise NotImplementedError(
            f"interpolate: got {rank}D input, but {mode} mode needs {wanted}D input"
        )
    if mode == "lanczos" and (align_corners or not antialias):
        raise ValueError(
            "interpolate: lanczos mode requires antialias=True and does not support "
            f"align_corners=True, got antialias={antialias} and align_corners={align_corners}"
        )


def _integers(size: Any, n: int, old: tuple[int, ...]) -> tuple[int, ...]:
    values = _one_each("size", size, n, old)
    try:
        if any(isinstance(v, bool) for v in values):
            raise TypeError
        return tuple(operator.index(v) for v in values)
    except TypeError:
        raise TypeError(
            f"interpolate: size must be an int or a tuple of ints, got {size!r}"
        ) from None


def _numbers(scale_factor: Any, n: int, old: tuple[int, ...]) -> tuple[float, ...]:
    values = _one_each("scale_factor", scale_factor, n, old)
    try:
        factors = tuple(v + 0.0 for v in values)
    except TypeError:
        raise TypeError(
            f"interpolate: scale_factor must be a number or a tuple of numbers, got {scale_factor!r}"
        ) from None
    if not all(map(math.isfinite, factors)):
        raise RuntimeError(f"interpolate: scale_factor must be finite, got {scale_factor}")
    return tuple(map(float, factors))


def _one_each(argument: str, value: Any, n: int, old: tuple[int, ...]) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        return (value,) * n
    if len(value) != n:
        raise ValueError(
            f"interpolate: input and {argument} must have the same number of spatial dimensions, but "
            f"got input with spatial dimensions of {list(old)} and {argument}={value}"
        )
    return value


def _check_sizes(shape: tuple[int, ...], new: tuple[int, ...]) -> None:
    if min(shape[2:]) < 1 or min(new) < 1:
        raise RuntimeError(
            "interpolate: input and output sizes should be greater than 0, but got input "
            f"{shape[2:]} and output {new}"
        )
    if not shape[1]:
        raise RuntimeError(
            f"interpolate: non-empty {len(shape)}D data tensor expected but got a tensor with sizes "
            f"{list(shape)}"
        )


def _refuse(x: Tensor, supported: bool) -> None:
    if not supported:
        raise NotImplementedError(
            f"interpolate: not implemented for input of dtype {x.dtype}; expected floating-point "
            "numbers, as input.float() gives"
        )


# -- names that PyTorch keeps --------------------------------------------------------------------


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=3,
    )


def upsample(
    input: Tensor,
    size: Sizes = None,
    scale_factor: Factors = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Deprecated: :func:`interpolate`."""
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Sizes = None, scale_factor: Factors = None) -> Tensor:
    """Deprecated: :func:`interpolate` with ``mode="nearest"``."""
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Sizes = None, scale_factor: Factors = None) -> Tensor:
    """Deprecated: :func:`interpolate` with ``mode="bilinear"`` and aligned corners."""
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
