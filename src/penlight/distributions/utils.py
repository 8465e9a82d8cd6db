"""What several distributions need: broadcasting, probabilities and logits, cached properties."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from numbers import Number
from typing import Any

import penlight
from penlight import Tensor
from penlight.nn import functional as F

__all__ = [
    "broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits",
    "tril_matrix_to_vec", "vec_to_tril_matrix",
]  # fmt: skip

euler_constant = 0.57721566490153286060  # Euler-Mascheroni's


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors and numbers as tensors of a common shape; numbers take the dtype of the first tensor.

    Raises:
        ValueError: for anything else.
    """
    tensors = [v for v in values if isinstance(v, Tensor)]
    if len(tensors) < len(values):
        dtype = tensors[0].dtype if tensors else penlight.get_default_dtype()
        values = tuple(_as_tensor(v, dtype) for v in values)
    first, *others = values
    if all(v.shape == first.shape for v in others):
        return values
    return tuple(penlight.broadcast_tensors(*values))


def _as_tensor(value: Any, dtype: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Number):
        return penlight.tensor(value, dtype=dtype)
    raise ValueError(
        "Input arguments must all be instances of Number, torch.Tensor or objects implementing "
        f"__torch_function__. Got {type(value).__name__}"
    )


def _standard_normal(shape: Any, dtype: Any, device: Any = None) -> Tensor:
    return penlight.randn(tuple(shape), dtype=dtype)


def _sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last ``dim`` dimensions."""
    return value.sum(tuple(range(-dim, 0))) if dim else value


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """sigmoid(logits), or if not binary, softmax along the last dimension."""
    return penlight.sigmoid(logits) if is_binary else F.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """``probs`` held off 0 and 1 by the machine epsilon."""
    eps = penlight.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The finite logits: ln(p / (1 - p)), or if not binary, ln p."""
    p = clamp_probs(probs)
    return p.log() - (-p).log1p() if is_binary else p.log()


class lazy_property:
    """A property that is computed once and then kept in the instance's ``__dict__``."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with penlight.enable_grad():
            value = self.wrapped(instance)
        instance.__dict__[self.wrapped.__name__] = value
        return value


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The entries on and below a diagonal, row by row: (..., n, n) to (..., number of entries).

    Raises:
        ValueError: if the diagonal lies outside of the matrix.
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = penlight.tril_indices(n, n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The inverse of :func:`tril_matrix_to_vec`, zero above the diagonal.

    Raises:
        ValueError: if no matrix has that many entries on and below the diagonal.
    """
    m, slope = vec.shape[-1], 1 + 2 * diag
    # m = (n^2 + slope n - c) / 2
    c = abs(diag) * (diag + 1)
    n = (math.isqrt(slope * slope + 8 * m + 4 * c) - slope) // 2
    if n * n + slope * n - c != 2 * m:
        raise ValueError(
            f"The size of last dimension is {m} which cannot be expressed as the lower triangular "
            "part of a square D x D matrix."
        )
    mat = vec.new_zeros((*vec.shape[:-1], n, n))
    rows, columns = penlight.tril_indices(n, n, diag)
    mat[..., rows, columns] = vec
    return mat
