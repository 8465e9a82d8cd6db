"""Pooling over windows at irregular steps, drawn anew at each call."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight._core.arguments import ntuple
from penlight.nn.functional.windows import positive
from penlight.ops.pooling import FractionalMaxPool
from penlight.tensor import Tensor
from penlight.tensor.random import rand

__all__ = [
    "fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]  # fmt: skip

Ints = int | tuple[int, ...]
Ratios = float | tuple[float, ...]


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The largest element of each of as many windows as are wanted, which start at irregular steps.

    With a = (n - k) / (o - 1) and u drawn from [0, 1) for each plane and dimension, window i of o starts
    at floor((i + u) a) - floor(u a), and the last one ends where the plane does.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: k, of the window.
        output_size: o, how many windows; at most n - k + 1.
        output_ratio: o / n, in place of ``output_size``.
        return_indices: also return where in its plane each maximum is, for :func:`max_unpool2d`.
        _random_samples: u, (N, C, 2), for W and then for H. Default: drawn.

    Returns:
        (N, C, H_out, W_out) or (C, H_out, W_out), with ``return_indices`` a pair of those.

    Raises:
        ValueError: if neither ``output_size`` nor ``output_ratio`` is given.
        IndexError: if the input has too few dimensions.
        RuntimeError: if the windows don't fit, or ``_random_samples`` don't fit the input.

    Source: Graham, "Fractional Max-Pooling", 2014.
    """
    y, places = fractional_max_pool2d_with_indices(
        input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )
    return (y, places) if return_indices else y


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`fractional_max_pool2d` with ``return_indices``."""
    return _fractional(
        "fractional_max_pool2d", 2, input, kernel_size, output_size, output_ratio, _random_samples
    )


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Maxima of (N, C, D, H, W) or (C, D, H, W); see :func:`fractional_max_pool2d`.

    As in PyTorch, there are at most n - k windows, and ``_random_samples`` (N, C, 3) are in the order
    of the dimensions.
    """
    y, places = fractional_max_pool3d_with_indices(
        input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )
    return (y, places) if return_indices else y


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`fractional_max_pool3d` with ``return_indices``."""
    return _fractional(
        "fractional_max_pool3d", 3, input, kernel_size, output_size, output_ratio, _random_samples
    )


def _fractional(
    name: str,
    n: int,
    input: Tensor,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    samples: Tensor | None,
) -> Any:
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name}: requires specifying either an output_size or an output_ratio")
    if input.ndim < n + 1:
        raise IndexError(f"{name}: expected {n + 1}D or {n + 2}D input, got {list(input.shape)}")
    if input.ndim > n + 2 or 0 in input.shape[1:]:
        raise RuntimeError(
            f"{name}: expected {n + 1}D or {n + 2}D input with non-zero size for non-batch "
            f"dimensions, but got {list(input.shape)}"
        )
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"{name}: not implemented for {input.dtype}; use .float()")
    single = input.ndim == n + 1
    x = input.unsqueeze(0) if single else input
    kernel = positive(name, "kernel_size", kernel_size, n)
    output = _output(name, tuple(x.shape[2:]), output_size, output_ratio)
    room = 1 if n == 2 else 0  # PyTorch allows one window more of images than of volumes
    for size, k, o in zip(x.shape[2:], kernel, output, strict=True):
        if o + k > size + room:
            raise RuntimeError(
                f"{name}: kernel_size {kernel} is too large relative to input {list(x.shape[2:])} "
                f"for output_size {output}"
            )
    u = _samples(name, n, x, samples)
    y = FractionalMaxPool.apply(x, kernel, output, u)
    return (y[0].squeeze(0), y[1].squeeze(0)) if single else y


def _output(
    name: str, size: tuple[int, ...], output_size: Any, output_ratio: Any
) -> tuple[int, ...]:
    """How many windows there are along each dimension."""
    n = len(size)
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * n
        if len(ratios) != n:
            raise ValueError(
                f"{name}: output_ratio must be a number or a tuple of {n}, but got {output_ratio}"
            )
        output_size = tuple(int(m * r) for m, r in zip(size, ratios, strict=True))
    output = ntuple(output_size, n, f"{name}: output_size")
    if min(output) < 0:
        raise RuntimeError(f"{name}: output_size must be non-negative, but got {output_size}")
    return output


def _samples(name: str, n: int, x: Tensor, samples: Tensor | None) -> np.ndarray:
    """u (N, C, n) in the order of the dimensions."""
    planes = tuple(x.shape[:2])
    if samples is None:
        samples = rand(*planes, n, dtype=x.dtype)
    shape = tuple(samples.shape)
    if samples.dtype is not x.dtype:
        raise RuntimeError(
            f"{name}: _random_samples must have the dtype of the input, {x.dtype}, but has "
            f"{samples.dtype}"
        )
    if len(shape) != 3 or shape[0] < planes[0] or shape[1:] != (planes[1], n):
        raise RuntimeError(
            f"{name}: _random_samples must have shape {[*planes, n]}, but has {list(shape)}"
        )
    u = samples._array[: planes[0]]
    return u[..., ::-1] if n == 2 else u
