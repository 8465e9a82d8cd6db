"""Sequences of numbers, the identity matrix, and the indices of triangles."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from penlight._core.dtypes import as_dtype
from penlight.autograd.base import TensorBase
from penlight.tensor.creation import finish
from penlight.tensor.data import numpy_dtype
from penlight.tensor.tensor import Tensor

__all__ = [
    "arange", "eye", "linspace", "logspace", "range", "tril_indices", "triu_indices", "vander",
]  # fmt: skip


def _number(value: Any, owner: str, name: str) -> Any:
    """A Python number of what the user gave.

    Raises:
        TypeError: if it is none.
    """
    if isinstance(value, (TensorBase, np.generic, np.ndarray)):
        value = value.item()  # type: ignore[union-attr]
    if isinstance(value, complex):
        raise RuntimeError(f"{owner}: {name} can't be complex, got {value}")
    if not isinstance(value, (int, float)):
        raise TypeError(f"{owner}(): argument '{name}' must be Number, not {type(value).__name__}")
    return value


def arange(
    start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """start, start + step, ... below ``end``: ``arange(end)``, ``arange(start, end, step)``.

    Args:
        dtype: default: int64 if all three are integers, else the default dtype.

    Raises:
        RuntimeError: if ``step`` is zero or leads away from ``end``.
    """
    if end is None:
        start, end = 0, start
    first, last, by = (
        _number(v, "arange", n) for v, n in ((start, "start"), (end, "end"), (step, "step"))
    )
    whole = not any(isinstance(v, float) for v in (first, last, by))
    d = np.dtype(np.int64) if dtype is None and whole else numpy_dtype(dtype, "arange")
    if d.kind == "b":
        raise NotImplementedError("arange: not implemented for bool")
    if d.kind in "iu":
        by = by if whole else math.trunc(by)
    _check_range("arange", first, last, by)
    n = -((first - last) // by) if whole else math.ceil((last - first) / by)
    values = np.arange(n, dtype=np.int64 if whole else np.float64) * by + first
    return finish(values.astype(d, copy=False), device, requires_grad, layout)


def _check_range(owner: str, first: Any, last: Any, by: Any) -> None:
    if by == 0:
        raise RuntimeError(f"{owner}: step must be nonzero")
    if not (math.isfinite(first) and math.isfinite(last)):
        raise RuntimeError(f"{owner}: unsupported range: {first} -> {last}")
    if (last - first) * by < 0:
        raise RuntimeError(
            f"{owner}: upper bound and lower bound inconsistent with step sign: from {first} to "
            f"{last} by {by}"
        )


def range(
    start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Deprecated in PyTorch: like :func:`arange`, but floating and with ``end`` included."""
    warnings.warn(
        "torch.range is deprecated: use torch.arange, which excludes its end", stacklevel=2
    )
    if end is None:
        start, end = 0, start
    _check_range("range", start, end, step)
    n = math.floor((end - start) / step) + 1
    values = np.arange(n, dtype=np.float64) * step + start
    return finish(values.astype(numpy_dtype(dtype)), device, requires_grad)


def _between(owner: str, start: Any, end: Any, steps: Any) -> np.ndarray:
    """Evenly spaced float64 numbers, counted from the nearer end."""
    first, last = _number(start, owner, "start"), _number(end, owner, "end")
    n = int(steps)
    if n < 0:
        raise RuntimeError(f"{owner}: number of steps must be non-negative, got {n}")
    i = np.arange(n, dtype=np.float64)
    by = (last - first) / max(n - 1, 1)
    return np.where(i < n / 2, first + by * i, last - by * (n - 1 - i))


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included."""
    values = _between("linspace", start, end, steps)
    return finish(values.astype(numpy_dtype(dtype)), device, requires_grad, layout)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``steps`` numbers from base^start to base^end whose logarithms are evenly spaced."""
    values = np.power(float(base), _between("logspace", start, end, steps))
    return finish(values.astype(numpy_dtype(dtype)), device, requires_grad, layout)


def eye(
    n: int, m: int | None = None, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The n x m matrix (default: square) with ones on its diagonal."""
    for name, size in (("n", n), ("m", m)):
        if size is not None and size < 0:
            raise RuntimeError(f"eye: {name} must be greater or equal to 0, got {size}")
    return finish(np.eye(n, m, dtype=numpy_dtype(dtype)), device, requires_grad, layout)


def _triangle(name: str, rows: Any, row: int, col: int, offset: int, dtype: Any) -> np.ndarray:
    if row < 0 or col < 0:
        raise RuntimeError(f"{name}: row and col must be non-negative, got {row} and {col}")
    d = np.dtype(np.int64) if dtype is None else as_dtype(dtype, name).numpy
    return np.stack(rows(row, offset, col)).astype(d, copy=False)


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: Any = None,
    layout: Any = None,
) -> Tensor:
    """Where the lower triangle of a row x col matrix is: two rows, of rows and of columns."""
    return finish(
        _triangle("tril_indices", np.tril_indices, row, col, offset, dtype), device, False, layout
    )


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    device: Any = None,
    layout: Any = None,
) -> Tensor:
    """Where the upper triangle of a row x col matrix is: two rows, of rows and of columns."""
    return finish(
        _triangle("triu_indices", np.triu_indices, row, col, offset, dtype), device, False, layout
    )


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The matrix of the powers x_i^0 ... x_i^(N-1), the highest first unless ``increasing``."""
    if x._array.ndim != 1:
        raise RuntimeError(f"vander: x must be a one-dimensional tensor, got {list(x.shape)}")
    n = x._array.size if N is None else N
    powers = x.unsqueeze(1) ** arange(n)
    return powers if increasing else powers.flip(1)
