"""Rows for singular values and what is computed from them."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.matrices import (
    INTS,
    NANS,
    ONE,
    VECTOR,
    WIDE,
    X,
    half_refused,
    hermitian,
    matrices,
    matrix_pairs,
    of_complex,
    projectors,
    square,
)
from penlight.testing.specs.spec import Bad, OpSpec, Sample, normal


def _svd(torch, a):
    u, s, vh = torch.linalg.svd(a, full_matrices=False)
    return s, projectors(u), projectors(vh.mH), (u * s.unsqueeze(-2) ** 2) @ vh


OpSpec(
    "linalg.svd",
    _svd,
    matrices,
    errors=[
        Bad(RuntimeError, "at least 2", (VECTOR,)),
        Bad(RuntimeError, "int64", (INTS,)),
        half_refused(),
        Bad(RuntimeError, "non-finite", (NANS,)),
    ],
    rtol=1e-3,
    atol=1e-4,
    note="vectors have no definite sign",
)
OpSpec("linalg.svd complex", of_complex(_svd), matrix_pairs, rtol=1e-3, atol=1e-4)
OpSpec(
    "linalg.svd full",
    lambda torch, a: (
        torch.linalg.svd(a)[1], torch.linalg.svd(a)[0][..., : min(a.shape[-2:])].abs(),
        torch.linalg.svd(a).Vh[..., : min(a.shape[-2:]), :].abs(), torch.linalg.svdvals(a),
    ),
    matrices,
    covers=("linalg.svdvals",),
    rtol=1e-3,
    atol=1e-4,
)  # fmt: skip
OpSpec(
    "torch.svd",
    lambda torch, a: (
        torch.svd(a)[0].abs(), torch.svd(a).V.abs(), a.svd(False)[1], torch.svd(a, compute_uv=False),
        torch.svd(a, some=False)[2].shape,
    ),
    lambda rng: [Sample(square(rng, 3, 3)), Sample(normal(rng, 2, 3)), Sample(normal(rng, 2, 3, 2))],
    rtol=1e-3,
    atol=1e-4,
)  # fmt: skip
OpSpec(
    "linalg.pinv",
    lambda torch, a: (
        torch.linalg.pinv(a), torch.linalg.pinv(a, rtol=1e-3), torch.linalg.pinv(a, 1e-3), torch.pinverse(a),
        torch.linalg.pinv(a, atol=1e-3), a.pinverse(),
    ),
    matrices,
    covers=("torch.pinverse",),
    errors=[Bad(RuntimeError, "2 dim|2 or more", (VECTOR,)), Bad(RuntimeError, "int64", (INTS,)), half_refused()],
    rtol=1e-3,
    atol=1e-4,
)  # fmt: skip
OpSpec(
    "linalg.pinv of small rank",
    lambda torch, a, b: (
        torch.linalg.pinv(a @ b, rtol=1e-3),
        torch.linalg.pinv(hermitian(a @ a.mT), 1e-3, True),
    ),
    lambda rng: [
        Sample(normal(rng, 3, 1), normal(rng, 1, 4)),
        Sample(normal(rng, 2, 3, 2), normal(rng, 2, 3)),
    ],
    rtol=1e-3,
    atol=1e-4,
)
OpSpec(
    "linalg.pinv complex",
    of_complex(lambda torch, a: torch.linalg.pinv(a)),
    matrix_pairs,
    rtol=1e-3,
    atol=1e-4,
)
OpSpec(
    "linalg.matrix_rank",
    lambda torch, a: (
        torch.linalg.matrix_rank(a), torch.linalg.matrix_rank(a, atol=2.5), torch.linalg.matrix_rank(a, rtol=0.3),
        torch.linalg.matrix_rank(a, 2.5), torch.linalg.matrix_rank(a, atol=1, rtol=0.01),
        torch.linalg.matrix_rank(a.detach() * 0),
    ),
    matrices,
    gradient=False,
    errors=[Bad(RuntimeError, "at least 2", (VECTOR,)), Bad(RuntimeError, "int64", (INTS,))],
)  # fmt: skip
OpSpec(
    "linalg.matrix_rank hermitian",
    lambda torch, a, tol: (
        torch.linalg.matrix_rank(a, hermitian=True), torch.linalg.matrix_rank(a, atol=tol, hermitian=True),
        torch.linalg.matrix_rank(a, rtol=tol * 0.1), torch.linalg.pinv(a.detach(), atol=tol.detach()),
    ),
    lambda rng: [Sample(np.stack([np.diag([-3, 1, 0]), X, ONE]).astype("f"), np.array([0.5, 2, 4], "f"))],
    gradient=False,
    errors=[Bad(RuntimeError, "square", (WIDE, np.ones(1, "f")))],
    atol=1e-5,
)  # fmt: skip


def _least_squares(rng):
    yield Sample(normal(rng, 4, 2), normal(rng, 4, 3))
    yield Sample(normal(rng, 4, 2), normal(rng, 4))
    yield Sample(normal(rng, 2, 3, 2), normal(rng, 2, 3))
    yield Sample(normal(rng, 2, 4), normal(rng, 2, 1))
    yield Sample(square(rng, 3, 3), normal(rng, 3, 2))


OpSpec(
    "linalg.lstsq",
    lambda torch, a, b: [torch.linalg.lstsq(a, b)[::2], torch.linalg.lstsq(a, b, driver="gels").solution,
                         torch.linalg.lstsq(a, b, driver="gelsd")[::2], torch.linalg.lstsq(a, b, driver="gelss").rank],
    _least_squares,
    errors=[
        Bad(RuntimeError, "at least 2", (VECTOR, VECTOR)),
        Bad(RuntimeError, "size.-2", (ONE, WIDE)),
        Bad(RuntimeError, "same dtype", (ONE, ONE.astype("d"))),
        Bad(RuntimeError, "dim", (ONE, np.ones((1, 1, 3, 1), "f"))),
        Bad(RuntimeError, "int64", (INTS, INTS)),
    ],
    rtol=1e-3,
    atol=1e-4,
)  # fmt: skip
OpSpec(
    "linalg.lstsq residuals",
    lambda torch, a, b, driver: torch.linalg.lstsq(a, b, driver=driver)[:2],
    lambda rng: [
        Sample(normal(rng, 4, 2), normal(rng, 4, 3), "gels"), Sample(normal(rng, 2, 4, 2), normal(rng, 2, 4), "gelsd"),
    ],
    errors=[Bad(RuntimeError, "driver", (ONE, ONE, "x"))],
    rtol=1e-3,
    atol=1e-4,
)  # fmt: skip
OpSpec(
    "linalg.lstsq of small rank",
    lambda torch, a, b, c: torch.linalg.lstsq(a @ b, c, rcond=1e-3, driver="gelsd").solution,
    lambda rng: [Sample(normal(rng, 4, 1), normal(rng, 1, 3), normal(rng, 4, 2))],
    rtol=1e-3,
    atol=1e-4,
)
OpSpec(
    "linalg.lstsq complex",
    of_complex(lambda torch, a, b: torch.linalg.lstsq(a, b)[0]),
    lambda rng: [Sample(*(normal(rng, *s) for s in [(3, 2)] * 2 + [(3, 1)] * 2))],
    rtol=1e-3,
    atol=1e-4,
)
