"""Ready-made parametrizations: of given length, of largest singular value one, orthogonal."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

import numpy as np

from penlight import linalg
from penlight._core.arguments import normalize_axis
from penlight._core.dtypes import finfo
from penlight.nn import functional as F
from penlight.nn.modules.module import Module
from penlight.nn.utils import parametrize
from penlight.nn.utils.spectral_norm import as_matrix, output_dim, power_iterations, random_unit
from penlight.ops.comparison import allclose
from penlight.ops.joining import cat
from penlight.ops.matmul import mv, vdot
from penlight.ops.weight_norm import _weight_norm, norm_except_dim
from penlight.tensor import Tensor
from penlight.tensor.creation import tensor, zeros_like
from penlight.tensor.random import randn
from penlight.tensor.ranges import eye

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


# -- length and direction ------------------------------------------------------------------------


class _WeightNorm(Module):
    """w = g v / ||v||, with a norm for each index along ``dim``."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return _weight_norm(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int = 0) -> Module:
    """Learn a weight's length and direction apart: w = g v / ||v||.

    What is learned is ``parametrizations.<name>.original0``, the norms g, and ``original1``, v.
    Checkpoints of the older ``nn.utils.weight_norm`` load as well.

    Args:
        module: the owner, which is changed and returned.
        name: the weight's name. Default: ``"weight"``.
        dim: keep one norm for each index along it; None: a single norm. Default: 0.

    Source: Salimans & Kingma, "Weight Normalization", 2016, equation 2.
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def read_older(state_dict: Any, prefix: str, *others: Any) -> None:
        old, new = f"{prefix}{name}_", f"{prefix}parametrizations.{name}.original"
        if f"{old}g" in state_dict and f"{old}v" in state_dict:
            state_dict[f"{new}0"] = state_dict.pop(f"{old}g")
            state_dict[f"{new}1"] = state_dict.pop(f"{old}v")

    module._register_load_state_dict_pre_hook(read_older)
    return module


# -- largest singular value one --------------------------------------------------------------------


class _SpectralNorm(Module):
    """w / (u^T w v), where power iterations keep u and v near the first singular vectors."""

    _u: Tensor
    _v: Tensor

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        axis = normalize_axis(dim, weight.ndim)
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps = axis, eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), axis)
            rows, columns = matrix.shape
            u, v = random_unit(matrix, rows, eps), random_unit(matrix, columns, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            self._power_method(matrix, 15)

    def _power_method(self, matrix: Tensor, steps: int) -> None:
        """u before v at each step, where the older spectral norm has v before u."""
        power_iterations(matrix.detach().t(), self._v, self._u, steps, self.eps)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # which backward needs after the next update
        return weight / vdot(u, mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value  # some weight that gives it, exact where it is normalised


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by an estimate of its largest singular value; vectors by their norm.

    Args:
        module: the owner, which is changed and returned.
        name: the weight's name. Default: ``"weight"``.
        n_power_iterations: steps of the estimate at each use in training mode. Default: 1.
        eps: keeps norms from zero. Default: 1e-12.
        dim: which dimension counts the outputs. Default: 1 for transposed convolutions, else 0.

    Raises:
        ValueError: if there is no such weight.

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018.
    """
    weight = _tensor_of(module, name)
    axis = output_dim(module) if dim is None else dim
    parametrization = _SpectralNorm(weight, n_power_iterations, axis, eps)
    return parametrize.register_parametrization(module, name, parametrization)


def _tensor_of(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


# -- orthogonal ----------------------------------------------------------------------------------


class _OrthMaps(Enum):
    matrix_exp = auto()
    cayley = auto()
    householder = auto()


def _is_orthogonal(q: Tensor) -> bool:
    """Whether q^H q is the identity up to rounding."""
    columns = q.shape[-1]
    allowed = 10.0 * columns * finfo(q.dtype).eps
    return allclose(q.mH @ q, eye(columns, dtype=q.dtype), atol=allowed)


def _orthogonal_part(a: Tensor) -> Tensor:
    """Q of a = Q R with R's diagonal positive."""
    q, r = np.linalg.qr(a._array)
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    return tensor(q * np.sign(diagonal)[..., None, :], dtype=a.dtype)


def _reflections(q: Tensor) -> Tensor:
    """What :func:`_householder` makes ``q`` of: LAPACK's reflections of q = Q R, the signs of R's
    diagonal (for an orthogonal q it is all of R), turned where a column needs no reflection."""
    raw, tau = np.linalg.qr(q._array, mode="raw")
    a = np.swapaxes(raw, -1, -2).copy()
    signs = np.sign(np.diagonal(a, axis1=-2, axis2=-1)) * np.where(tau == 0, -1, 1)
    at = np.arange(a.shape[-1])
    a[..., at, at] = signs
    return tensor(a, dtype=q.dtype)


class _Orthogonal(Module):
    """Matrices with orthonormal columns (rows, if there are fewer), from the lower triangle of X.

    With A = X - X^H of the lower triangle, which is skew: matrix_exp gives e^A, cayley
    (I - A/2)^-1 (I + A/2); householder gives the product of reflections I - tau v v^T, with v the
    columns below the diagonal and their signs on it. A fixed ``base``, where there is one, stands in
    front, so that any orthogonal matrix can be the start.
    """

    base: Tensor | None

    def __init__(
        self, weight: Tensor, orthogonal_map: _OrthMaps, *, use_trivialization: bool = True
    ) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map is _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        rows, columns = X.shape[-2:]
        wide = rows < columns
        if wide:
            X = X.mT
        by_reflections = self.orthogonal_map is _OrthMaps.householder
        Q = _householder(X) if by_reflections else self._of_skew(X)
        if hasattr(self, "base") and self.base is not None:
            Q = self.base @ Q
        return Q.mT if wide else Q

    def _of_skew(self, X: Tensor) -> Tensor:
        rows, columns = X.shape[-2:]
        X = X.tril()
        if rows != columns:
            X = cat([X, X.new_zeros(*X.shape[:-1], rows - columns)], -1)
        A = X - X.mH
        if self.orthogonal_map is _OrthMaps.matrix_exp:
            Q = linalg.matrix_exp(A)
        else:
            unit = eye(rows, dtype=A.dtype)
            Q = linalg.solve(unit - A / 2, unit + A / 2)
        return Q if rows == columns else Q[..., :columns]

    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape "
                f"{Q.shape}."
            )
        start = Q
        wide = Q.shape[-2] < Q.shape[-1]
        Q = Q.mT if wide else Q
        rows, columns = Q.shape[-2:]
        if not hasattr(self, "base"):
            if self.orthogonal_map is not _OrthMaps.householder:
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley "
                    "parametrizations when use_trivialization=False."
                )
            A = _reflections(Q)
            return A.mT if wide else A
        if rows != columns:
            others = randn(*Q.shape[:-1], rows - columns, dtype=Q.dtype)
            Q = _orthogonal_part(cat([Q, others], -1))
        else:
            Q = Q.clone() if _is_orthogonal(Q) else _orthogonal_part(Q)
        self.base = Q
        X = zeros_like(start)  # -I, which all three maps take to the identity
        X.diagonal(dim1=-2, dim2=-1).fill_(-1)
        return X


def _householder(X: Tensor) -> Tensor:
    """The product of reflections, each column with the sign on the diagonal of X."""
    A = X.tril(-1)
    tau = 2.0 / (1.0 + (A * A).sum(-2))
    Q = linalg.householder_product(A, tau)
    return Q * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keep a weight orthogonal: W^T W = I, or W W^T = I if it has fewer rows than columns.

    Args:
        module: the owner, which is changed and returned.
        name: the weight's name; batches of matrices are kept orthogonal one by one.
        orthogonal_map: ``"matrix_exp"``, ``"cayley"`` or ``"householder"``, how the matrix is made
            from what is learned. Default: ``"matrix_exp"`` for square matrices, else
            ``"householder"``.
        use_trivialization: learn the difference to a fixed orthogonal matrix, the weight's own
            orthogonal part. Default: True. Without it matrix_exp and cayley can't be assigned to.

    Raises:
        ValueError: if there is no such weight, it is no matrix, or there is no such map.

    Source: Lezcano Casado & Martinez-Rubio, "Cheap Orthogonal Constraints in Neural Networks", 2019.
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in _OrthMaps.__members__:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: '
            f"{orthogonal_map}"
        )
    parametrization = _Orthogonal(
        weight, _OrthMaps[orthogonal_map], use_trivialization=use_trivialization
    )
    return parametrize.register_parametrization(module, name, parametrization, unsafe=True)
