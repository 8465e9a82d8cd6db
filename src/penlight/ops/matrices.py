"""What the ops of linear algebra share: checks of their arguments, and words for their formulas.

The formulas hold for stacks of real or complex matrices; A^H is the conjugate transpose. Gradients
follow from Re tr(dY^H Y'), the change of the loss for a change Y' of the output, by bringing Y' to the
form of a product with A'.

Sources: Giles, "Collected Matrix Derivative Results for Forward and Reverse Mode Algorithmic
Differentiation", 2008; Boeddeker et al., "On the Computation of Complex-valued Gradients with
Application to Statistically Optimum Beamforming", 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight._core.arrays import as_array
from penlight._core.errors import LinAlgError, broadcast_error
from penlight.autograd.base import TensorBase, wrap
from penlight.kernels.products import matmul
from penlight.ops.complex import conjugate

__all__ = [
    "adjoint", "as_matrices", "as_tensor", "batch_element", "eye", "fails_at", "is_vector", "matmul",
    "refuse_gauge", "same_dtype", "transpose",
]  # fmt: skip


def transpose(x: Any) -> Any:
    """x^T of each matrix."""
    return np.swapaxes(x, -1, -2)


def adjoint(x: Any) -> Any:
    """x^H of each matrix."""
    return conjugate(np.swapaxes(x, -1, -2))


def eye(x: Any, n: int | None = None) -> np.ndarray:
    """The identity of x's dtype, with as many rows as x has columns."""
    return np.eye(x.shape[-1] if n is None else n, dtype=raw(x).dtype)


def raw(x: Any) -> Any:
    """The ndarray of a Tensor or of itself."""
    return x._array if isinstance(x, TensorBase) else x


def as_tensor(array: Any) -> Any:
    """A Tensor without history."""
    return wrap(TensorBase._result_type, as_array(array))


def as_matrices(name: str, A: Any, square: bool = False, which: str = "A") -> Any:
    """``A`` itself.

    Raises:
        TypeError: if it is no tensor.
        RuntimeError: if it has less than two dimensions or, for ``square``, other matrices.
        NotImplementedError: if it is not float32, float64 or complex.
    """
    if not isinstance(A, TensorBase):
        raise TypeError(f"{name}(): argument '{which}' must be Tensor, not {type(A).__name__}")
    x = A._array
    if x.ndim < 2:
        raise RuntimeError(
            f"{name}: The input tensor {which} must have at least 2 dimensions, got {x.ndim}"
        )
    if square and x.shape[-1] != x.shape[-2]:
        raise RuntimeError(
            f"{name}: {which} must be batches of square matrices, but they are {x.shape[-2]} by "
            f"{x.shape[-1]} matrices"
        )
    if x.dtype.char not in "fdFD":
        raise NotImplementedError(
            f"{name}: Expected {which} of float32, float64 or a complex dtype, got {A.dtype}; "  # type: ignore[attr-defined]
            "convert it with .to(dtype)"
        )
    return A


def same_dtype(name: str, **tensors: Any) -> None:
    """Refuse operands of different dtypes."""
    (first, a), *others = tensors.items()
    for second, b in others:
        if a._array.dtype != b._array.dtype:
            raise RuntimeError(
                f"{name}: Expected {first} and {second} to have the same dtype, but found {first} of "
                f"type {a.dtype} and {second} of type {b.dtype} instead"
            )


def check_equation(name: str, a: Any, b: Any, left: bool = True) -> None:
    """Refuse shapes for which A X = B (or X A = B) can't be."""
    m, n = a._array.shape[-2:]
    p, q = b._array.shape[-2:]
    if (p if left else q) != m:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX' if left else 'XA'} = B "
            f"({m}x{n} and {p}x{q})"
        )
    stacks = a._array.shape[:-2], b._array.shape[:-2]
    try:
        np.broadcast_shapes(*stacks)
    except ValueError:
        raise broadcast_error(name, stacks) from None


def is_vector(a: Any, b: Any) -> bool:
    """Whether b is a vector, or a stack of one vector for each matrix of a."""
    return b.ndim == 1 or (a.ndim - 1 == b.ndim and a.shape[:-1] == b.shape)


def batch_element(info: np.ndarray) -> str:
    """Which matrix of a stack failed first: a prefix for the message."""
    return f"(Batch element {int(np.flatnonzero(info)[0])}): " if info.ndim else ""


def fails_at(info: np.ndarray) -> int:
    """What the first failure's number is."""
    return int(info.flat[np.flatnonzero(info)[0]])


def raise_unless_finite(name: str, x: np.ndarray) -> None:
    """Iterations for eigenvalues and singular values don't end for infinite numbers."""
    bad = ~np.isfinite(x).all((-2, -1))
    if bad.any():
        raise LinAlgError(
            f"{name}: {batch_element(bad)}The algorithm failed to converge because the input matrix "
            "contained non-finite values."
        )


def refuse_gauge(name: str, change: Any, vectors: str) -> None:
    """Vectors of complex matrices have no definite phase: refuse losses that depend on it.

    Args:
        change: of the loss, to first order, for a turn of each vector's phase.
    """
    if not np.allclose(raw(change), 0, rtol=1e-2, atol=1e-2):
        raise RuntimeError(
            f"{name}: The {vectors} in the complex case are specified up to multiplication by "
            "e^{i phi}. The specified loss function depends on this quantity, so it is ill-defined."
        )
