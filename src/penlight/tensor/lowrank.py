"""A few singular vectors or eigenvectors of large matrices, by products with random or chosen vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.grad_mode import no_grad
from penlight.ops.eigen import eigh
from penlight.ops.factorization import cholesky, qr
from penlight.ops.joining import cat
from penlight.ops.singular import svd
from penlight.ops.solving import solve_triangular
from penlight.tensor.random import randn
from penlight.tensor.tensor import Tensor

__all__ = ["lobpcg", "pca_lowrank", "svd_lowrank"]


def _range(A: Tensor, q: int, niter: int) -> Tensor:
    """Orthonormal columns (..., m, q) that nearly span A's first singular vectors.

    Source: Halko, Martinsson & Tropp, "Finding Structure with Randomness", 2011, algorithm 4.4.
    """
    start = randn(A.shape[-1], q, dtype=A.real.dtype)
    Q = qr(A @ start.to(A.dtype)).Q
    for _ in range(niter):
        Q = qr(A.mH @ Q).Q
        Q = qr(A @ Q).Q
    return Q


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """U (..., m, q), S (..., q), V (..., n, q) so that U diag(S) V^H is near A of low rank.

    Args:
        q: singular values wanted, somewhat more than the rank. Default: 6.
        niter: refinements. Default: 2.
        M: to be subtracted from A.

    The start is random.
    """
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    m, n = A.shape[-2:]
    A = A if M is None else A - M.broadcast_to(A.shape)
    if not 0 <= q <= min(m, n):
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}"
        )
    if m < n:
        U, S, V = svd_lowrank(A.mH, q, niter)
        return V, S, U
    Q = _range(A, q, niter)
    U, S, Vh = svd(Q.mH @ A, full_matrices=False)
    return Q @ U, S, Vh.mH


def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """Principal components: :func:`svd_lowrank` of A, whose rows are samples, less their mean.

    Args:
        q: components wanted. Default: min(6, m, n).
        center: whether to subtract the mean.
    """
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)


def lobpcg(
    A: Tensor,
    k: int | None = None,
    B: Tensor | None = None,
    X: Tensor | None = None,
    n: int | None = None,
    iK: Tensor | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Any = None,
    ortho_iparams: dict[str, int] | None = None,
    ortho_fparams: dict[str, float] | None = None,
    ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:
    """The k largest (or smallest) w with A v = w B v, and their v, for symmetric A and positive B.

    Args:
        A: (..., m, m).
        k: how many. Default: as many as X has columns, else 1.
        B: (..., m, m). Default: the identity.
        X: the start, (..., m, n). Default: random.
        n: columns of a random start. Default: k.
        iK: an approximate inverse of A, which speeds up the search for the smallest.
        niter: iterations at most. Default: until they converge.
        tol: largest |A v - w B v| relative to |A| and |B| to count as converged. Default: the root of
            the dtype's eps.
        largest: Default: True.
        method: ``"basic"`` or ``"ortho"``; both keep the search directions orthonormal here.
        tracker: called after each iteration with a dictionary of ``istep``, ``E``, ``X`` and ``R``.
        ortho_iparams, ortho_fparams, ortho_bparams: accepted; the orthonormalisation has no parameters.

    Where A or B requires a gradient, all eigenvectors are computed and these selected.

    Source: Knyazev, "Toward the Optimal Preconditioned Eigensolver", 2001; Duersch et al., "A Robust and
    Efficient Implementation of LOBPCG", 2018.
    """
    m = A.shape[-1]
    k = (1 if X is None else X.shape[-1]) if k is None else k
    n = (k if X is None else X.shape[-1]) if n is None else n
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x "
            f"the number of requested eigenpairs (={n})"
        )
    if method not in (None, "basic", "ortho"):
        raise ValueError(f"lobpcg: method must be 'basic' or 'ortho', got {method!r}")
    top = largest is not False
    if A.requires_grad or (B is not None and B.requires_grad):
        w, v = _generalized(A, B)
        return (w.flip(-1)[..., :k], v.flip(-1)[..., :k]) if top else (w[..., :k], v[..., :k])
    tol = float(np.finfo(A._array.dtype).eps) ** 0.5 if tol is None else tol
    with no_grad():
        start = randn(*A.shape[:-1], n, dtype=A.dtype) if X is None else X
        return _search(A, B, start, k, iK, 1000 if niter is None else niter, tol, top, tracker)


def _generalized(A: Tensor, B: Tensor | None) -> tuple[Tensor, Tensor]:
    """All w and v with A v = w B v, from the eigenvectors of L^-1 A L^-H, B = L L^H."""
    if B is None:
        w, v = eigh(A)
        return w, v
    L = cholesky(B)
    half = solve_triangular(L, A, upper=False)
    w, v = eigh(solve_triangular(L.mH, half, upper=True, left=False))
    return w, solve_triangular(L.mH, v, upper=True)


def _search(
    A: Tensor, B: Tensor | None, X: Tensor, k: int, iK: Tensor | None, niter: int, tol: float, top: bool,
    tracker: Any,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Rayleigh-Ritz on the span of the present vectors, their residuals and their last changes."""
    n = X.shape[-1]
    size_a = A.norm(dim=(-2, -1), keepdim=True)
    size_b = 1 if B is None else B.norm(dim=(-2, -1), keepdim=True)
    w, X = _best(A, B, X, n, top)
    P: Tensor | None = None
    for step in range(niter):
        BX = X if B is None else B @ X
        R = A @ X - BX * w.unsqueeze(-2)
        scale = (size_a + size_b * w.unsqueeze(-2).abs()) * X.norm(dim=-2, keepdim=True)
        if tracker is not None:
            tracker({"istep": step, "E": w, "X": X, "R": R})
        if bool((R.norm(dim=-2, keepdim=True) <= tol * scale)[..., :k].all()):
            break
        W = R if iK is None else iK @ R
        W = W - X @ (BX.mH @ W)  # small residuals would be lost beside X
        W = W / W.norm(dim=-2, keepdim=True).clamp_min(float(np.finfo(X._array.dtype).tiny))
        parts = [X, W] if P is None else [X, W, P]
        previous = X
        w, X = _best(A, B, cat(parts, -1), n, top)
        P = X - previous @ ((previous if B is None else B @ previous).mH @ X)
        P = P / P.norm(dim=-2, keepdim=True).clamp_min(float(np.finfo(X._array.dtype).tiny))
    return w[..., :k], X[..., :k]


def _best(A: Tensor, B: Tensor | None, S: Tensor, n: int, top: bool) -> tuple[Tensor, Tensor]:
    """The n best vectors in the span of S, with B-orthonormal columns."""
    S = qr(S).Q
    w, v = _generalized(S.mH @ (A @ S), None if B is None else S.mH @ (B @ S))
    if top:
        w, v = w.flip(-1), v.flip(-1)
    return w[..., :n], S @ v[..., :n]
