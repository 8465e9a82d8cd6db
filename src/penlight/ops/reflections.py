"""Products of Householder's reflections, the form in which Q R is computed.

H_1 ... H_k with H_i = I - tau_i v_i v_i^H is I - V T V^H, where V has the v_i as columns and
T = (I + D N)^-1 D, D = diag(tau), N the strictly upper triangle of V^H V.

Source: Schreiber & Van Loan, "A Storage-Efficient WY Representation for Products of Householder
Transformations", 1989.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import return_types
from penlight.autograd.op import Op
from penlight.ops.matrices import as_matrices, as_tensor, eye
from penlight.ops.solving import SolveTriangular
from penlight.ops.strides import diag_embed
from penlight.ops.triangles import tril, triu

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["geqrf", "householder_product", "orgqr", "ormqr"]


def _compact(v: Tensor, tau: Tensor) -> tuple[Tensor, Tensor]:
    """V (unit lower trapezium) and T of the reflections stored below the diagonal."""
    k = tau._array.shape[-1]
    m = v._array.shape[-2]
    vectors = tril(v[..., :k], -1) + np.eye(m, k, dtype=v._array.dtype)
    overlaps = triu(vectors.mH.matmul(vectors), 1) * tau.unsqueeze(-1)
    t = SolveTriangular.apply(overlaps + eye(overlaps), diag_embed(tau), True, True)
    return vectors, t


def _check(name: str, v: Tensor, tau: Tensor) -> None:
    as_matrices(name, v, which="input")
    x, t = v._array, tau._array
    if t.dtype != x.dtype:
        raise RuntimeError(f"{name}: tau dtype {tau.dtype} does not match input dtype {v.dtype}")
    if t.ndim != x.ndim - 1 or t.shape[:-1] != x.shape[:-2]:
        raise RuntimeError(
            f"{name}: Expected tau to have input's leading sizes {list(x.shape[:-2])} and one more, but "
            f"got shape {list(t.shape)}"
        )


def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first columns of the product of reflections, as :func:`penlight.geqrf` stores them.

    Args:
        input: (..., m, n), m >= n, the vectors below the diagonal.
        tau: (..., k), k <= n.

    Returns:
        (..., m, n).
    """
    name = "torch.linalg.householder_product"
    _check(name, input, tau)
    m, n = input._array.shape[-2:]
    if m < n:
        raise RuntimeError(
            f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1], got {m} < {n}"
        )
    if n < tau._array.shape[-1]:
        raise RuntimeError(
            f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1], got {n} < "
            f"{tau._array.shape[-1]}"
        )
    v, t = _compact(input, tau)
    start = v[..., :n, :].mH
    return as_tensor(np.eye(m, n, dtype=input._array.dtype)) - v.matmul(t.matmul(start))


def orgqr(input: Tensor, input2: Tensor) -> Tensor:
    """As :func:`penlight.linalg.householder_product`."""
    return householder_product(input, input2)


def ormqr(
    input: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False
) -> Tensor:
    """Q C, C Q (``left=False``), Q^H C or C Q^H (``transpose``) for the whole Q of reflections.

    Args:
        input: (..., m, k), the vectors below the diagonal.
        input2: tau, (..., k).
        input3: C, (..., m, n), or (..., n, m) for ``left=False``.
    """
    name, tau, other = "torch.ormqr", input2, input3
    _check(name, input, tau)
    as_matrices(name, other, which="other")
    x, c = input._array, other._array
    axis = -2 if left else -1
    if c.shape[axis] != x.shape[-2]:
        raise RuntimeError(
            f"{name}: other.shape[{axis}] must be equal to input.shape[-2], got {c.shape[axis]} and "
            f"{x.shape[-2]}"
        )
    if tau._array.shape[-1] != min(c.shape[axis], x.shape[-1]):
        raise RuntimeError(
            f"{name}: tau.shape[-1] must be equal to min(other.shape[{axis}], input.shape[-1]), got "
            f"{tau._array.shape[-1]}"
        )
    if c.dtype != x.dtype:
        raise RuntimeError(
            f"{name}: Expected input and other to have the same dtype, but input has dtype {input.dtype} "
            f"and other has dtype {other.dtype}"
        )
    v, t = _compact(input, tau)
    t = t.mH if transpose else t
    if left:
        return other - v.matmul(t.matmul(v.mH.matmul(other)))
    return other - other.matmul(v).matmul(t).matmul(v.mH)


class Geqrf(Op):
    """Q R in packed form; PyTorch has no derivative, nor is there one here."""

    @staticmethod
    def forward(ctx: Any, a: np.ndarray) -> Any:
        packed, tau = np.linalg.qr(a, "raw")
        return np.ascontiguousarray(np.swapaxes(packed, -1, -2)), tau

    @staticmethod
    def backward(ctx: Any, *dy: Any) -> Any:
        raise NotImplementedError(
            "the derivative for 'geqrf' is not implemented; linalg.qr has one"
        )


def geqrf(input: Tensor) -> Any:
    """Q R as R on and above the diagonal and below it the vectors of Q's reflections, with their tau."""
    return return_types.geqrf(*Geqrf.apply(as_matrices("torch.geqrf", input, which="input")))
