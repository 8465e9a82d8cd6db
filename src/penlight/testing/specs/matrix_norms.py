"""Rows for norms, conditions and functions of matrices."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.matrices import (
    INF,
    INTS,
    ONE,
    SECOND_BAD,
    VECTOR,
    WIDE,
    X,
    not_square,
    of_complex,
    pairs,
    quiet,
    square,
)
from penlight.testing.specs.spec import Bad, OpSpec, Sample, normal

OpSpec(
    "linalg.matrix_exp",
    lambda torch, a, s: (torch.linalg.matrix_exp(a * s), torch.matrix_exp(-a * s), (a * 0.01).matrix_exp()),
    lambda rng: [
        *(Sample(normal(rng, *shape), 1.0) for shape in [(3, 3), (2, 2, 2), (1, 1), (0, 0), (0, 2, 2)]),
        Sample(normal(rng, 2, 2) / 2, 8.0), Sample(np.triu(X, 1), 1.0), Sample(X * 0, 1.0),
    ],
    covers=("torch.matrix_exp",),
    errors=not_square(1)[:2],
    rtol=1e-4,
    atol=1e-5,
)  # fmt: skip
OpSpec("linalg.matrix_exp complex", of_complex(lambda torch, a: torch.linalg.matrix_exp(a * 0.5)), pairs, rtol=1e-4,
       atol=1e-5)  # fmt: skip
OpSpec(
    "linalg.matrix_norm",
    lambda torch, a, *args, **options: [
        torch.linalg.matrix_norm(a, p, *args, **options)
        for p in ("fro", "nuc", 2, -2, 1, -1, INF, -INF)
    ],
    lambda rng: [
        Sample(square(rng, 3, 3)), Sample(square(rng, 3, 3)[:2]), Sample(square(rng, 2, 3, 3), (0, 1), True),
        Sample(square(rng, 2, 3, 3), (2, 0)), Sample(square(rng, 2, 2), keepdim=True),
    ],
    errors=[
        Bad(RuntimeError, "at least 2", (VECTOR,)),
        Bad(RuntimeError, "different", (X, (0, 0))),
        Bad(RuntimeError, "2-tuple", (X, (0,))),
        Bad(RuntimeError, "int64", (INTS,)),
    ],
    rtol=1e-4,
    atol=1e-5,
)  # fmt: skip
OpSpec(
    "linalg.matrix_norm complex",
    of_complex(
        lambda torch, a: [torch.linalg.matrix_norm(a, p) for p in ("fro", "nuc", 2, -2, 1, INF)]
    ),
    lambda rng: [Sample(square(rng, 3, 3), normal(rng, 3, 3))],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "linalg.norm from singular values",
    lambda torch, a: (
        torch.linalg.norm(a[0], "nuc"), torch.linalg.norm(a, 2, (0, 1)), torch.norm(a[0], "nuc"),
        torch.norm(a, "nuc", (0, 2), True), torch.linalg.norm(a[0], -2, dtype=torch.float64),
        a.norm("nuc", (1, 2)),
    ),
    lambda rng: [Sample(square(rng, 2, 3, 3))],
    errors=[Bad(RuntimeError, "Order|at least 2", (X,))],
    rtol=1e-4,
    atol=1e-5,
)  # fmt: skip
OpSpec(
    "torch.nuclear_norm",
    quiet(
        lambda torch, a: (
            torch.nuclear_norm(a[0]), torch.nuclear_norm(a[0], True), torch.nuclear_norm(a, (0, 1), True),
            torch.frobenius_norm(a, (0, 1)), torch.frobenius_norm(a, 1, keepdim=True),
        )
    ),
    lambda rng: [Sample(square(rng, 2, 3, 3))],
    covers=("torch.frobenius_norm",),
    rtol=1e-4,
    atol=1e-5,
)  # fmt: skip
OpSpec(
    "linalg.cond",
    lambda torch, a: [torch.linalg.cond(a, p) for p in (None, 2, -2)],
    lambda rng: [Sample(square(rng, 3, 3)), Sample(square(rng, 2, 2, 2))],
    errors=[Bad(RuntimeError, "at least 2", (VECTOR,))],
    rtol=1e-3,
    atol=1e-4,
)
OpSpec(
    "linalg.cond in other norms",
    lambda torch, a: [torch.linalg.cond(a, p) for p in ("fro", "nuc", 1, -1, INF, -INF)],
    lambda rng: [Sample(square(rng, 3, 3)), Sample(square(rng, 2, 2, 2))],
    errors=[Bad(RuntimeError, "square", (WIDE,))],
    parity=False,
    note="PyTorch changes in place what its own gradient needs",
)
OpSpec(
    "linalg.cond of singular and other matrices",
    lambda torch, a: [
        torch.linalg.cond(a.detach(), p) for p in ("fro", "nuc", 1, -1, INF, -INF, None, -2)
    ],
    lambda rng: [
        Sample(SECOND_BAD * 2),
        Sample(np.ones((0, 3, 3), "f")),
        Sample(np.diag([1, 0, 2]).astype("f")),
        Sample(square(rng, 3, 3)),
        Sample(np.zeros((0, 0), "f")),
    ],
    gradient=False,
    rtol=1e-3,
)
OpSpec(
    "linalg.vecdot",
    lambda torch, x, y: (torch.linalg.vecdot(x, y), torch.linalg.vecdot(x, y, dim=0), torch.linalg.vander(x),
                         torch.linalg.vander(y, N=4), torch.linalg.diagonal(x * y, offset=1)),
    lambda rng: [Sample(normal(rng, 3, 3), normal(rng, 3, 3)), Sample(normal(rng, 2, 2), normal(rng, 2))],
    covers=("linalg.vander", "linalg.diagonal"),
    errors=[
        Bad(RuntimeError, "int64", (INTS, INTS)),
        Bad(RuntimeError, "same dtype", (ONE, ONE.astype("d"))),
    ],
)  # fmt: skip
OpSpec(
    "linalg.vander of few",
    lambda torch, x, n: torch.linalg.vander(x.detach(), N=n),
    lambda rng: [Sample(np.arange(3), 2), Sample(normal(rng, 2, 3), 3)],
    gradient=False,
    errors=[Bad(RuntimeError, "greater than 1", (VECTOR, 1))],
)
