"""Derivatives of sampled functions, by differences of neighbours.

Source: Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", 1988.
"""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis
from penlight.autograd.base import TensorBase, wrap
from penlight.ops.joining import cat
from penlight.ops.promotion import floating

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["gradient"]


def gradient(
    input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """The derivatives of sampled values along each dimension, exact for parabolas in between.

    With neighbours at -h and k: f' = (h^2 f(k) - k^2 f(-h) + (k^2 - h^2) f(0)) / (h k (h + k)).

    Args:
        input: samples of f.
        spacing: the distance between samples, one for each dimension of ``dim``, or the samples' places
            as a tensor each.
        dim: one or more. Default: all.
        edge_order: 1 or 2, the order of the one-sided differences at the ends.

    Returns:
        A tuple with one tensor of the input's shape for each dimension.

    Raises:
        RuntimeError: if spacings and dimensions don't match, or there are too few samples.
    """
    if input._array.dtype == np.bool_:
        raise RuntimeError("gradient: Subtraction of bool tensors is not supported; convert with .float()")  # fmt: skip
    if edge_order not in (1, 2):
        raise RuntimeError(f"torch.gradient only supports edge_order=1 and edge_order=2, got {edge_order}")  # fmt: skip
    x, ndim = floating(input), input._array.ndim
    dims = range(ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    axes = [normalize_axis(d, ndim) for d in dims]
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"gradient: dim {list(dims)} names a dimension twice")
    if isinstance(spacing, TensorBase) and spacing._array.ndim == 1:
        raise TypeError("gradient: spacing must be a number, or a list or tuple with one for each dim; put a tensor of places into one")  # fmt: skip
    if isinstance(spacing, (numbers.Number, TensorBase)):
        spacings = [spacing] * len(axes)
    else:
        spacings = list(spacing)
        if len(spacings) != len(axes):
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar, or a list with one for each "
                f"of the {len(axes)} dimensions, got a list of length {len(spacings)}"
            )
    return tuple(_along(x, a, s, edge_order) for a, s in zip(axes, spacings, strict=True))


def _along(x: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    n = x._array.shape[axis]
    if n < edge_order + 1:
        raise RuntimeError(
            "torch.gradient expected each dimension size to be at least edge_order+1, got "
            f"{n} at dimension {axis}"
        )
    steps = _steps(spacing, n).astype(x._array.real.dtype)
    at = [x.narrow(axis, i, n - 2) for i in range(3)] if n > 2 else []
    parts = [_edge(x, axis, steps[:2], range(3), edge_order)]
    if at:
        if not isinstance(spacing, TensorBase) or not spacing._array.ndim:
            parts.append((at[2] - at[0]) / float(2 * steps[0]))
        else:
            parts.append(_between(at, steps, axis))
    # from the other end, distances are negative
    parts.append(_edge(x, axis, -steps[: -3 if len(steps) > 2 else None : -1], range(n - 1, n - 4, -1), edge_order))  # fmt: skip
    return cat(parts, axis)


def _between(at: list[Any], steps: np.ndarray, axis: int) -> Any:
    """The derivatives at the middle ones of three neighbours at unequal distances."""
    shape = [-1 if i == axis else 1 for i in range(at[0]._array.ndim)]
    weights = _weights(steps[:-1], steps[1:])
    return sum(f * wrap(type(f), w.reshape(shape)) for f, w in zip(at, weights, strict=True))


def _steps(spacing: Any, n: int) -> np.ndarray:
    """The n - 1 distances between samples."""
    if isinstance(spacing, TensorBase) and spacing._array.ndim:
        steps = np.diff(spacing._array)
        if len(steps) != n - 1:
            raise RuntimeError(f"gradient: spacing must tell the places of {n} samples, got {len(steps) + 1}")  # fmt: skip
        return steps
    return np.full(n - 1, float(spacing))


def _weights(h: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of f(-h), f(0) and f(k) in f'(0)."""
    return -k / (h * (h + k)), (k - h) / (h * k), h / (k * (h + k))


def _edge(x: Any, axis: int, steps: np.ndarray, places: range, order: int) -> Any:
    """f' at the first of the places, from that and the next ones, ``steps`` apart."""
    f = [x.narrow(axis, i, 1) for i in places[: order + 1]]
    h = float(steps[0])
    if order == 1:
        return (f[1] - f[0]) / h
    k = float(steps[1])
    return -(2 * h + k) / (h * (h + k)) * f[0] + (h + k) / (h * k) * f[1] - h / (k * (h + k)) * f[2]
