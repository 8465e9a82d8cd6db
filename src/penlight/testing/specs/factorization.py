"""Rows for factorizations into triangles."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.matrices import (
    INTS,
    NANS,
    ONE,
    SECOND_BAD,
    VECTOR,
    WIDE,
    X,
    half_refused,
    hermitian,
    matrices,
    matrix_pairs,
    not_square,
    of_complex,
    pairs,
    positive_definite,
    quiet,
    square,
    squares,
    symmetrized,
)
from penlight.testing.specs.spec import Bad, OpSpec, Sample, normal

OpSpec(
    "linalg.cholesky",
    lambda torch, a: (
        torch.linalg.cholesky(positive_definite(a)), torch.linalg.cholesky(positive_definite(a), upper=True),
        torch.linalg.cholesky_ex(positive_definite(a)),
    ),
    squares,
    covers=("linalg.cholesky_ex",),
    rtol=1e-4,
    atol=1e-5,
)  # fmt: skip
OpSpec(
    "linalg.cholesky as it is called",
    lambda torch, a: (
        torch.linalg.cholesky(a), torch.linalg.cholesky(a, upper=True), torch.linalg.cholesky_ex(a),
    ),
    lambda rng: [Sample(np.asarray(_positive_array(square(rng, 3, 3)) + np.triu(X, 1)))],
    numerical=False,
    errors=[
        *not_square(),
        half_refused(),
        Bad(RuntimeError, "Batch element 1.*order 2 is not", (SECOND_BAD,)),
        Bad(RuntimeError, "order 1 is not", (NANS,)),
    ],
    rtol=1e-4,
    atol=1e-5,
    note="only one triangle is read, while the gradient is symmetric: not that of a function of 9 numbers",
)  # fmt: skip
OpSpec(
    "linalg.cholesky complex",
    of_complex(
        lambda torch, a: (
            torch.linalg.cholesky(positive_definite(a)), torch.linalg.cholesky(positive_definite(a), upper=True)
        )
    ),
    pairs,
    rtol=1e-4,
    atol=1e-5,
)  # fmt: skip
OpSpec(
    "torch.cholesky",
    quiet(
        lambda torch, a: (
            torch.cholesky(positive_definite(a)),
            positive_definite(a).cholesky(upper=True),
        )
    ),
    lambda rng: [Sample(square(rng, 3, 3)), Sample(square(rng, 2, 2, 2))],
    errors=[Bad(RuntimeError, "positive", (X * 0,))],
    rtol=1e-4,
    atol=1e-5,
)


def _positive_array(a):
    return a @ a.T


OpSpec(
    "linalg.qr",
    lambda torch, a: torch.linalg.qr(a),
    matrices,
    errors=[
        Bad(RuntimeError, "at least 2", (VECTOR,)),
        Bad(RuntimeError, "int64", (INTS,)),
        half_refused(),
    ],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "linalg.qr mode",
    lambda torch, a, mode: torch.linalg.qr(a, mode),
    lambda rng: [Sample(square(rng, 3, 3), "complete"), Sample(normal(rng, 2, 3), "complete")],
    errors=[Bad(RuntimeError, "mode 'x'", (X, "x"))],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "linalg.qr without gradient",
    lambda torch, a: (torch.linalg.qr(a.detach(), "complete"), torch.linalg.qr(a.detach(), "r")),
    matrices,
    gradient=False,
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "linalg.qr complex",
    of_complex(lambda torch, a: torch.linalg.qr(a)),
    matrix_pairs,
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "torch.qr",
    quiet(lambda torch, a: (torch.qr(a), a.qr(), torch.qr(a, some=False))),
    lambda rng: [Sample(square(rng, 3, 3)), Sample(normal(rng, 2, 2, 3))],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "linalg.lu",
    lambda torch, a: (torch.linalg.lu(a), torch.linalg.lu_factor_ex(a)),
    matrices,
    covers=("linalg.lu_factor_ex",),
    errors=[
        Bad(RuntimeError, "at least 2", (VECTOR,)),
        Bad(RuntimeError, "int64", (INTS,)),
        half_refused(),
    ],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "linalg.lu pivoting",
    lambda torch, a: (
        torch.linalg.lu(a),
        torch.linalg.lu_factor(a),
        torch.lu_unpack(*torch.linalg.lu_factor(a)),
    ),
    lambda rng: [
        Sample(rng.permutation(square(rng, 5, 5))),
        Sample(square(rng, 2, 4, 4)[:, ::-1].copy()),
    ],
    covers=("linalg.lu_factor", "torch.lu_unpack"),
    errors=[
        Bad(RuntimeError, "Batch element 1.*U.2,2. is zero", (SECOND_BAD,)),
    ],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "linalg.lu complex",
    of_complex(lambda torch, a: (*torch.linalg.lu(a)[1:], torch.linalg.lu_factor(a)[0])),
    matrix_pairs,
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "torch.lu",
    quiet(
        lambda torch, a, b: (
            torch.lu(a), a.lu(get_infos=True), torch.lu_solve(b, *torch.lu(a)), b.lu_solve(*a.lu()),
        )
    ),
    lambda rng: [Sample(square(rng, 3, 3), normal(rng, 3, 2))],
    covers=("torch.lu_solve",),
    errors=[Bad(RuntimeError, "at least 2|2 or more", (VECTOR, X))],
    rtol=1e-4,
    atol=1e-5,
)  # fmt: skip
OpSpec(
    "linalg.lu_solve",
    lambda torch, a, b, c: [
        torch.linalg.lu_solve(
            *torch.linalg.lu_factor(a), b if left else c, left=left, adjoint=adjoint
        )
        for left in (True, False)
        for adjoint in (True, False)
    ],
    lambda rng: [
        Sample(rng.permutation(square(rng, 3, 3)), normal(rng, 3, 2), normal(rng, 1, 3)),
        Sample(square(rng, 2, 2, 2), normal(rng, 2, 1), normal(rng, 2, 1, 2)),
        Sample(square(rng, 0, 0), normal(rng, 0, 2), normal(rng, 1, 0)),
    ],
    errors=[
        Bad(RuntimeError, "Incompatible", (ONE, WIDE, WIDE)),
        Bad(RuntimeError, "at least 2", (ONE, VECTOR, WIDE)),
        Bad(RuntimeError, "same dtype", (ONE, ONE.astype("d"), WIDE)),
        Bad(RuntimeError, "square", (WIDE + np.eye(2, 3, dtype="f"), WIDE, WIDE)),
    ],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "linalg.lu_solve complex",
    of_complex(
        lambda torch, a, b: [
            torch.linalg.lu_solve(
                *torch.linalg.lu_factor(a), b if left else b.mH, left=left, adjoint=adjoint
            )
            for left in (True, False)
            for adjoint in (True, False)
        ]
    ),
    lambda rng: [
        Sample(
            square(rng, 3, 3)[::-1].copy(), normal(rng, 3, 3), normal(rng, 3, 2), normal(rng, 3, 2)
        )
    ],
    rtol=1e-4,
    atol=1e-5,
)


def _symmetric(rng):
    for shape in [(1, 1), (3, 3), (5, 5), (2, 4, 4), (0, 0), (0, 2, 2)]:
        yield Sample(symmetrized(normal(rng, *shape)))
    yield Sample(np.array([[0, 1], [1, 0]], np.float32))


OpSpec(
    "linalg.ldl_factor",
    lambda torch, a: (torch.linalg.ldl_factor(a.detach()), torch.linalg.ldl_factor_ex(a.detach())),
    _symmetric,
    covers=("linalg.ldl_factor_ex",),
    gradient=False,
    errors=[*not_square(), half_refused(), Bad(RuntimeError, "is zero", (X,))],
    rtol=1e-4,
    atol=1e-5,
    note="PyTorch has no derivative",
)
OpSpec(
    "linalg.ldl_factor complex",
    of_complex(
        lambda torch, a: [
            torch.linalg.ldl_factor(m.detach(), hermitian=h)[0]
            for m, h in ((hermitian(a), True), (a + a.mT, False), (hermitian(a), False))
        ]
    ),
    lambda rng: [Sample(normal(rng, 4, 4), normal(rng, 4, 4))],
    gradient=False,
    rtol=1e-3,
    atol=1e-4,
)
OpSpec(
    "linalg.ldl_solve",
    lambda torch, a, b: torch.linalg.ldl_solve(*torch.linalg.ldl_factor(a.detach()), b.detach()),
    lambda rng: [
        Sample(symmetrized(normal(rng, 4, 4)), normal(rng, 4, 2)),
        Sample(symmetrized(normal(rng, 2, 5, 5)), normal(rng, 2, 5, 1)),
    ],
    gradient=False,
    errors=[
        Bad(RuntimeError, "Incompatible", (ONE, WIDE)),
        Bad(IndexError, "2 dimensions", (ONE, VECTOR)),
        Bad(RuntimeError, "same dtype", (ONE, ONE.astype("d"))),
    ],
    rtol=1e-3,
    atol=1e-4,
)
OpSpec(
    "torch.geqrf",
    lambda torch, a: (torch.geqrf(a.detach()), a.detach().geqrf()),
    matrices,
    gradient=False,
    errors=[Bad(RuntimeError, "at least 2", (VECTOR,)), half_refused()],
    rtol=1e-4,
    atol=1e-5,
    note="PyTorch has no derivative",
)


def _reflections(rng):
    yield Sample(normal(rng, 4, 3), normal(rng, 3), normal(rng, 4, 2))
    yield Sample(normal(rng, 3, 2), np.array([0.0, 1.5], "f"), normal(rng, 3, 3))
    yield Sample(normal(rng, 2, 3, 2), normal(rng, 2, 2), normal(rng, 2, 3, 1))


OpSpec(
    "linalg.householder_product",
    lambda torch, v, tau, c: (
        torch.linalg.householder_product(v, tau), torch.orgqr(v, tau), v.orgqr(tau),
        torch.ormqr(v, tau, c), torch.ormqr(v, tau, c, transpose=True), v.ormqr(tau, c.mT, False),
        torch.ormqr(v, tau, c.mT, left=False, transpose=True),
    ),
    _reflections,
    covers=("torch.orgqr", "torch.ormqr"),
    errors=[
        Bad(RuntimeError, "input.shape..2.", (WIDE, np.ones(2, "f"), X)),
        Bad(RuntimeError, "at least 2", (VECTOR, np.ones(2, "f"), X)),
        Bad(RuntimeError, "tau.shape", (WIDE.T, VECTOR, X)),
        Bad(RuntimeError, "tau dtype", (WIDE.T, np.ones(2, "d"), X)),
        Bad(RuntimeError, "tau to have", (np.ones((2, 3, 2), "f"), np.ones(2, "f"), X)),
        Bad(RuntimeError, "other.shape", (WIDE.T, np.ones(2, "f"), WIDE)),
        Bad(RuntimeError, "same dtype", (WIDE.T, np.ones(2, "f"), X.astype("d"))),
    ],
    rtol=1e-4,
    atol=1e-5,
)  # fmt: skip
OpSpec(
    "linalg.householder_product of complex matrices",
    of_complex(
        lambda torch, v, tau, c: (
            torch.linalg.householder_product(v, tau[:, 0]), torch.ormqr(v, tau[:, 0], c),
            torch.ormqr(v, tau[:, 0], c, transpose=True),
        )
    ),
    lambda rng: [Sample(*(normal(rng, *s) for s in [(3, 2)] * 2 + [(2, 1)] * 2 + [(3, 2)] * 2))],
    rtol=1e-4,
    atol=1e-5,
)  # fmt: skip
