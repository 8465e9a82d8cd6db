"""Rows for inverses, equations with matrices and determinants."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.matrices import (
    HALF,
    INTS,
    NANS,
    ONE,
    SECOND_BAD,
    VECTOR,
    WIDE,
    X,
    half_refused,
    not_square,
    of_complex,
    pairs,
    quiet,
    square,
    squares,
)
from penlight.testing.specs.spec import Bad, OpSpec, Sample, normal

OpSpec(
    "linalg.inv",
    lambda torch, a: (torch.linalg.inv(a), torch.linalg.inv_ex(a), torch.inverse(a), a.inverse()),
    squares,
    covers=("linalg.inv_ex", "torch.inverse"),
    errors=[
        *not_square(),
        half_refused(),
        Bad(RuntimeError, "Batch element 1.*element 2 is zero", (SECOND_BAD,)),
        Bad(RuntimeError, "element 1 is zero", (X * 0,)),
    ],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec("linalg.inv complex", of_complex(lambda torch, a: torch.linalg.inv(a)), pairs, rtol=1e-4)
OpSpec(
    "linalg.matrix_power",
    lambda torch, a: (
        [torch.linalg.matrix_power(a, n) for n in (-2, -1, 0, 1, 3)]
        + [torch.matrix_power(a, 2), a.matrix_power(-1)]
    ),
    lambda rng: [Sample(square(rng, 3, 3)), Sample(square(rng, 2, 2, 2))],
    errors=[Bad(RuntimeError, "square", (WIDE,)), Bad(RuntimeError, "is zero", (X,))],
    rtol=1e-4,
    atol=1e-5,
)


def _equations(rng):
    yield Sample(square(rng, 3, 3), normal(rng, 3, 2))
    yield Sample(square(rng, 3, 3), normal(rng, 3))
    yield Sample(square(rng, 2, 3, 3), normal(rng, 2, 3))
    yield Sample(square(rng, 2, 3, 3), normal(rng, 3))
    yield Sample(square(rng, 2, 3, 3), normal(rng, 3, 1))
    yield Sample(square(rng, 3, 3), normal(rng, 2, 3, 2))
    yield Sample(square(rng, 2, 1, 2, 2), normal(rng, 3, 2, 2))
    yield Sample(square(rng, 3, 3).T, normal(rng, 2, 3), left=False)
    yield Sample(square(rng, 2, 3, 3), normal(rng, 2, 2, 3), left=False)
    yield Sample(square(rng, 0, 0), normal(rng, 0, 2))
    yield Sample(square(rng, 0, 2, 2), normal(rng, 0, 2, 1))
    yield Sample(square(rng, 2, 2), normal(rng, 2, 0))


OpSpec(
    "linalg.solve",
    lambda torch, a, b, **k: (torch.linalg.solve(a, b, **k), torch.linalg.solve_ex(a, b, **k)),
    _equations,
    covers=("linalg.solve_ex",),
    errors=[
        Bad(RuntimeError, "square", (WIDE, VECTOR)),
        Bad(RuntimeError, "Incompatible", (ONE, WIDE)),
        Bad(RuntimeError, "Incompatible", (ONE, np.ones(2, "f"))),
        Bad(RuntimeError, "Incompatible.*XA", (ONE, VECTOR), {"left": False}),
        Bad(RuntimeError, "at least 2", (ONE, np.ones((), "f"))),
        Bad(RuntimeError, "same dtype", (ONE, ONE.astype("d"))),
        Bad(RuntimeError, "float16", (HALF, HALF)),
        Bad(RuntimeError, "int64", (INTS, INTS)),
        Bad(RuntimeError, "Batch element 1.*singular", (SECOND_BAD, WIDE)),
        Bad(RuntimeError, "size of tensor", (np.ones((2, 3, 3), "f"), np.ones((4, 3, 1), "f"))),
    ],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "linalg.solve complex",
    of_complex(
        lambda torch, a, b: (torch.linalg.solve(a, b), torch.linalg.solve(a, b.mT, left=False))
    ),
    lambda rng: [
        Sample(square(rng, 3, 3), normal(rng, 3, 3), normal(rng, 3, 2), normal(rng, 3, 2)),
        Sample(square(rng, 2, 2, 2), normal(rng, 2, 2, 2), normal(rng, 2, 1), normal(rng, 2, 1)),
    ],
    rtol=1e-4,
    atol=1e-5,
)


def _triangular(rng):
    for upper in (True, False):
        yield Sample(square(rng, 3, 3), normal(rng, 3, 2), upper=upper)
        yield Sample(square(rng, 3, 3), normal(rng, 2, 3), upper=upper, left=False)
        yield Sample(square(rng, 2, 3, 3), normal(rng, 3, 1), upper=upper, unitriangular=True)
        yield Sample(
            square(rng, 3, 3), normal(rng, 2, 2, 3), upper=upper, left=False, unitriangular=True
        )
    yield Sample(square(rng, 0, 0), normal(rng, 0, 2), upper=True)
    yield Sample(square(rng, 0, 2, 2), normal(rng, 2, 1), upper=False)


OpSpec(
    "linalg.solve_triangular",
    lambda torch, a, b, **k: torch.linalg.solve_triangular(a, b, **k),
    _triangular,
    errors=[
        Bad(RuntimeError, "square", (WIDE, np.ones((2, 1), "f")), {"upper": True}),
        Bad(RuntimeError, "Incompatible", (ONE, WIDE), {"upper": True}),
        Bad(RuntimeError, "Incompatible", (ONE, WIDE.T), {"upper": True, "left": False}),
        Bad(RuntimeError, "at least 2", (ONE, VECTOR), {"upper": True}),
        Bad(RuntimeError, "float16", (HALF, HALF), {"upper": True}),
        Bad(
            RuntimeError,
            "same dtype",
            (ONE, ONE.astype("d")),
            {"upper": True},
            torch_raises=False,
        ),
        Bad(TypeError, "upper", (ONE, ONE)),
    ],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "linalg.solve_triangular complex",
    of_complex(
        lambda torch, a, b: (
            torch.linalg.solve_triangular(a, b, upper=True),
            torch.linalg.solve_triangular(a, b.mH, upper=False, left=False, unitriangular=True),
        )
    ),
    lambda rng: [
        Sample(square(rng, 2, 2), normal(rng, 2, 2), normal(rng, 2, 3), normal(rng, 2, 3))
    ],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "torch.triangular_solve",
    quiet(
        lambda torch, b, a: (
            torch.triangular_solve(b, a), b.triangular_solve(a, False, True),
            torch.triangular_solve(b, a, upper=False, unitriangular=True).solution,
        )
    ),
    lambda rng: [
        Sample(normal(rng, 3, 2), square(rng, 3, 3)),
        Sample(normal(rng, 2, 2, 1), square(rng, 2, 2)),
    ],
    errors=[
        Bad(RuntimeError, "Incompatible", (WIDE, ONE)),
        Bad(RuntimeError, "at least 2", (VECTOR, ONE)),
        Bad(RuntimeError, "same dtype", (ONE, ONE.astype("d"))),
    ],
    rtol=1e-4,
    atol=1e-5,
)  # fmt: skip
OpSpec(
    "torch.cholesky_solve",
    lambda torch, b, f: (
        torch.cholesky_solve(b, f.tril()), b.cholesky_solve(f.triu(), upper=True),
        torch.cholesky_inverse(f.tril()), f.triu().cholesky_inverse(True),
    ),
    lambda rng: [
        Sample(normal(rng, 3, 2), square(rng, 3, 3)),
        Sample(normal(rng, 2, 1), square(rng, 2, 2, 2)),
        Sample(normal(rng, 0, 1), square(rng, 0, 0)),
    ],
    covers=("torch.cholesky_inverse",),
    errors=[
        Bad(RuntimeError, "Incompatible", (np.ones((2, 2), "f"), ONE)),
        Bad(RuntimeError, "at least 2", (VECTOR, ONE)),
        Bad(RuntimeError, "square", (np.ones((3, 2), "f"), WIDE)),
        Bad(RuntimeError, "same dtype", (X.astype("d"), ONE)),
        Bad(RuntimeError, "element 3 is zero", (X, np.diag([1, 1, 0]).astype("f"))),
    ],
    rtol=1e-4,
    atol=1e-5,
)  # fmt: skip
OpSpec(
    "linalg.tensorinv",
    lambda torch, a, b, c: (
        torch.linalg.tensorinv(a), torch.linalg.tensorsolve(a, b), torch.linalg.tensorsolve(c, b, (0,)),
        torch.linalg.tensorinv(b @ b, ind=1),
    ),
    lambda rng: [
        Sample(square(rng, 4, 4).reshape(2, 2, 4), square(rng, 2, 2), square(rng, 4, 4).reshape(4, 2, 2)),
    ],
    covers=("linalg.tensorsolve",),
    errors=[Bad(RuntimeError, "requirement", (WIDE, ONE, ONE))],
    rtol=1e-3,
    atol=1e-4,
)  # fmt: skip

# -- determinants ------------------------------------------------------------------------------


def _determinants(rng):
    yield from squares(rng)
    yield Sample(np.array([[0, 2], [3, 1]], np.float32))
    yield Sample(np.stack([square(rng, 3, 3), -square(rng, 3, 3)]))


OpSpec(
    "linalg.det",
    lambda torch, a: (torch.linalg.det(a), torch.det(a), a.det()),
    _determinants,
    covers=("torch.det",),
    errors=[*not_square(), half_refused()],
    rtol=1e-4,
    atol=1e-5,
)


def _singular(rng):
    for rank in (2, 1, 0):
        yield Sample(
            np.asarray(rng.integers(-3, 4, (3, rank)) @ rng.integers(1, 4, (rank, 3)), np.float32)
        )
    yield Sample(np.stack([ONE * 2, np.diag([1, 2, 0]).astype("f")]))
    yield Sample(np.zeros((1, 1), np.float32))


OpSpec(
    "linalg.det of singular matrices",
    lambda torch, a: torch.linalg.det(a),
    _singular,
    parity=False,
    note="PyTorch's first derivative is 0 for matrices of rank n - 1, other than with create_graph",
)
OpSpec(
    "linalg.slogdet",
    lambda torch, a: (
        torch.linalg.slogdet(a),
        torch.slogdet(a),
        a.slogdet()[1],
        torch.logdet(a),
        a.logdet(),
    ),
    squares,
    covers=("torch.slogdet", "torch.logdet"),
    errors=[*not_square(), half_refused()],
    rtol=1e-4,
    atol=1e-5,
)
OpSpec(
    "linalg.slogdet of negative and singular matrices",
    lambda torch, a: [*torch.linalg.slogdet(a.detach()), torch.logdet(a.detach())],
    lambda rng: [
        Sample(-square(rng, 3, 3)), Sample(X), Sample(SECOND_BAD), Sample(NANS * 0 + 1), Sample(-ONE),
    ],
    gradient=False,
    rtol=1e-4,
)  # fmt: skip
OpSpec(
    "linalg.det complex",
    of_complex(
        lambda torch, a: (
            torch.linalg.det(a),
            *torch.linalg.slogdet(a),
            torch.logdet(a.mT @ a * 0.1),
        )
    ),
    pairs,
    rtol=1e-3,
    atol=1e-4,
)
